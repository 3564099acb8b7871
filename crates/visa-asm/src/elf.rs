//! The program as a static ELF executable.

use crate::object::{Object, Section};
use object::elf;
use object::write::StringId;
use object::write::elf::{FileHeader, ProgramHeader, SectionHeader, SectionIndex, Sym, Writer};
use visa_isa::extension;

/// Alignment of segments in the file, so that it can be mapped.
const PAGE: u64 = 4096;

/// The attributes of a RISC-V object file (RISC-V ELF specification, "Attributes").
mod attribute {
    /// The vendor whose attributes they are.
    pub const VENDOR: &[u8] = b"riscv";
    /// They hold for the whole file.
    pub const FILE: object::elf::AttributeTag = object::elf::AttributeTag(1);
    /// The alignment of the stack, a number.
    pub const STACK_ALIGNMENT: u64 = 4;
    /// The extensions, as text.
    pub const ARCHITECTURE: u64 = 5;
}

/// The calling convention's alignment of the stack.
const STACK_ALIGNMENT: u64 = 16;

/// A section that no segment loads.
struct Extra {
    name: &'static str,
    kind: elf::SectionType,
    data: Vec<u8>,
    id: StringId,
    offset: u64,
}

/// What the writer has given numbers and offsets to.
struct Plan {
    offsets: Vec<u64>,
    names: Vec<StringId>,
    indices: Vec<SectionIndex>,
    symbol_names: Vec<StringId>,
    extras: Vec<Extra>,
}

impl Object {
    /// The program as an ELF executable for RISC-V, with a symbol table, and with the extensions that it may use.
    pub fn to_elf(&self) -> Vec<u8> {
        self.elf(Vec::new())
    }

    /// The same with line tables, for debuggers. `directory` is what names of source files are relative to.
    pub fn to_elf_with_lines(&self, directory: &str) -> Vec<u8> {
        self.elf(crate::dwarf::sections(self, directory))
    }

    fn elf(&self, debug: Vec<(&'static str, Vec<u8>)>) -> Vec<u8> {
        let mut bytes = Vec::new();
        // The writer fails for files beyond what a program of bounded size can be.
        let _ = self.write_elf(debug, &mut bytes);
        bytes
    }

    fn write_elf(
        &self,
        debug: Vec<(&'static str, Vec<u8>)>,
        out: &mut Vec<u8>,
    ) -> Result<(), object::write::Error> {
        let mut writer = Writer::new(object::Endianness::Little, true, out);
        let mut extras = vec![(".riscv.attributes", elf::SHT_RISCV_ATTRIBUTES, attributes(&writer))];
        extras.extend(debug.into_iter().map(|(name, data)| (name, elf::SHT_PROGBITS, data)));
        let plan = self.plan(&mut writer, extras)?;
        writer.write_file_header(&FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_EXEC,
            e_machine: elf::EM_RISCV,
            e_entry: self.entry,
            e_flags: elf::EF_RISCV_RVC | elf::EF_RISCV_FLOAT_ABI_DOUBLE,
        })?;
        self.write_program_headers(&mut writer, &plan.offsets);
        for (section, &offset) in
            self.sections.iter().zip(&plan.offsets).filter(|(section, _)| !section.data.is_empty())
        {
            writer.pad_until(offset);
            writer.write(&section.data);
        }
        for extra in &plan.extras {
            writer.pad_until(extra.offset);
            writer.write(&extra.data);
        }
        self.write_symbols(&mut writer, &plan);
        writer.write_strtab();
        writer.write_shstrtab();
        self.write_section_headers(&mut writer, &plan);
        let locals = self.symbols.iter().filter(|symbol| !symbol.is_global).count() as u32 + 1;
        writer.write_symtab_section_header(locals);
        writer.write_strtab_section_header();
        writer.write_shstrtab_section_header();
        Ok(())
    }

    /// Gives everything its number and its place in the file.
    fn plan<'a>(
        &'a self,
        writer: &mut Writer<'a>,
        extras: Vec<(&'static str, elf::SectionType, Vec<u8>)>,
    ) -> Result<Plan, object::write::Error> {
        writer.reserve_file_header();
        writer.reserve_program_headers(self.sections.len() as u32);
        let offsets: Vec<u64> = self.sections.iter().map(|section| reserve(writer, section)).collect();
        let names: Vec<_> =
            self.sections.iter().map(|section| writer.add_section_name(section.name.as_bytes())).collect();
        writer.reserve_null_section_index();
        let indices: Vec<_> = self.sections.iter().map(|_| writer.reserve_section_index()).collect();
        let extras = extras.into_iter().map(|(name, kind, data)| {
            writer.reserve_section_index();
            let id = writer.add_section_name(name.as_bytes());
            let offset = writer.reserve(data.len() as u64, 1);
            Extra { name, kind, data, id, offset }
        });
        let extras = extras.collect();
        writer.reserve_null_symbol_index();
        let mut symbol_names = Vec::new();
        for symbol in &self.symbols {
            symbol_names.push(writer.add_string(symbol.name.as_bytes()));
            writer.reserve_symbol_index(symbol.section.map(|section| indices[section]));
        }
        writer.reserve_symtab_section_index();
        writer.reserve_symtab();
        writer.reserve_strtab_section_index();
        writer.reserve_strtab()?;
        writer.reserve_shstrtab_section_index();
        writer.reserve_shstrtab()?;
        writer.reserve_section_headers();
        Ok(Plan { offsets, names, indices, symbol_names, extras })
    }

    fn write_program_headers(&self, writer: &mut Writer, offsets: &[u64]) {
        writer.write_align_program_headers();
        for (section, &offset) in self.sections.iter().zip(offsets) {
            writer.write_program_header(&ProgramHeader {
                p_type: elf::PT_LOAD,
                p_flags: segment_flags(section),
                p_offset: offset,
                p_vaddr: section.address,
                p_paddr: section.address,
                p_filesz: section.data.len() as u64,
                p_memsz: section.size,
                p_align: PAGE,
            });
        }
    }

    fn write_symbols(&self, writer: &mut Writer, plan: &Plan) {
        writer.write_null_symbol();
        for (symbol, &name) in self.symbols.iter().zip(&plan.symbol_names) {
            let binding = if symbol.is_global { elf::STB_GLOBAL } else { elf::STB_LOCAL };
            let kind = match (symbol.is_function, symbol.is_object) {
                (true, _) => elf::STT_FUNC,
                (_, true) => elf::STT_OBJECT,
                _ => elf::STT_NOTYPE,
            };
            writer.write_symbol(&Sym {
                st_name: writer.string_offset(Some(name)),
                section: symbol.section.map(|section| plan.indices[section].0),
                st_info: elf::SymbolInfo::new(binding, kind),
                st_other: Default::default(),
                st_shndx: elf::SHN_ABS,
                st_value: symbol.value,
                st_size: symbol.size,
            });
        }
    }

    fn write_section_headers(&self, writer: &mut Writer, plan: &Plan) {
        writer.write_null_section_header();
        for ((section, &offset), &name) in self.sections.iter().zip(&plan.offsets).zip(&plan.names) {
            let is_zero = section.data.is_empty();
            writer.write_section_header(&SectionHeader {
                sh_name: writer.section_name_offset(Some(name)),
                sh_type: if is_zero { elf::SHT_NOBITS } else { elf::SHT_PROGBITS },
                sh_flags: section_flags(section),
                sh_addr: section.address,
                sh_offset: offset,
                sh_size: section.size,
                sh_link: 0,
                sh_info: 0,
                sh_addralign: section.alignment,
                sh_entsize: 0,
            });
        }
        for extra in &plan.extras {
            // Texts of the tables may be shared with those of other files.
            let is_text = extra.name.ends_with("_str");
            writer.write_section_header(&SectionHeader {
                sh_name: writer.section_name_offset(Some(extra.id)),
                sh_type: extra.kind,
                sh_flags: if is_text { elf::SHF_MERGE | elf::SHF_STRINGS } else { elf::SectionFlags(0) },
                sh_addr: 0,
                sh_offset: extra.offset,
                sh_size: extra.data.len() as u64,
                sh_link: 0,
                sh_info: 0,
                sh_addralign: 1,
                sh_entsize: is_text.into(),
            });
        }
    }
}

/// The section that names the extensions.
fn attributes(writer: &Writer) -> Vec<u8> {
    let mut attributes = writer.attributes_writer();
    attributes.start_subsection(attribute::VENDOR);
    attributes.start_subsubsection(attribute::FILE);
    attributes.write_attribute_tag(attribute::STACK_ALIGNMENT);
    attributes.write_attribute_integer(STACK_ALIGNMENT);
    attributes.write_attribute_tag(attribute::ARCHITECTURE);
    attributes.write_attribute_string(extension::Versioned.to_string().as_bytes());
    attributes.end_subsubsection();
    attributes.end_subsection();
    attributes.data()
}

/// Room for a section's bytes at an offset that agrees with its address modulo the page.
fn reserve(writer: &mut Writer, section: &Section) -> u64 {
    let now = writer.reserved_len();
    let offset = now + (section.address.wrapping_sub(now) % PAGE);
    if section.data.is_empty() {
        return now;
    }
    writer.reserve_until(offset);
    writer.reserve(section.data.len() as u64, 1)
}

fn segment_flags(section: &Section) -> elf::ProgramFlags {
    let mut flags = elf::PF_R;
    if section.is_executable {
        flags |= elf::PF_X;
    }
    if section.is_writable {
        flags |= elf::PF_W;
    }
    flags
}

fn section_flags(section: &Section) -> elf::SectionFlags {
    let mut flags = elf::SHF_ALLOC;
    if section.is_executable {
        flags |= elf::SHF_EXECINSTR;
    }
    if section.is_writable {
        flags |= elf::SHF_WRITE;
    }
    flags
}
