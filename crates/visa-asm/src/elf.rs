//! The program as a static ELF executable.

use crate::object::{Object, Section};
use object::elf;
use object::write::StringId;
use object::write::elf::{FileHeader, ProgramHeader, SectionHeader, SectionIndex, Sym, Writer};

/// Alignment of segments in the file, so that it can be mapped.
const PAGE: u64 = 4096;

impl Object {
    /// The program as an ELF executable for RISC-V, with a symbol table.
    pub fn to_elf(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // The writer fails for files beyond what a program of bounded size can be.
        let _ = self.write_elf(&mut bytes);
        bytes
    }

    fn write_elf(&self, out: &mut Vec<u8>) -> Result<(), object::write::Error> {
        let mut writer = Writer::new(object::Endianness::Little, true, out);
        writer.reserve_file_header();
        writer.reserve_program_headers(self.sections.len() as u32);
        let offsets: Vec<u64> = self.sections.iter().map(|section| reserve(&mut writer, section)).collect();
        let names: Vec<_> =
            self.sections.iter().map(|section| writer.add_section_name(section.name.as_bytes())).collect();
        writer.reserve_null_section_index();
        let indices: Vec<_> = self.sections.iter().map(|_| writer.reserve_section_index()).collect();
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

        writer.write_file_header(&FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_EXEC,
            e_machine: elf::EM_RISCV,
            e_entry: self.entry,
            e_flags: elf::EF_RISCV_RVC | elf::EF_RISCV_FLOAT_ABI_DOUBLE,
        })?;
        self.write_program_headers(&mut writer, &offsets);
        for (section, &offset) in
            self.sections.iter().zip(&offsets).filter(|(section, _)| !section.data.is_empty())
        {
            writer.pad_until(offset);
            writer.write(&section.data);
        }
        self.write_symbols(&mut writer, &indices, &symbol_names);
        writer.write_strtab();
        writer.write_shstrtab();
        self.write_section_headers(&mut writer, &offsets, &names);
        let locals = self.symbols.iter().filter(|symbol| !symbol.is_global).count() as u32 + 1;
        writer.write_symtab_section_header(locals);
        writer.write_strtab_section_header();
        writer.write_shstrtab_section_header();
        Ok(())
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

    fn write_symbols(&self, writer: &mut Writer, indices: &[SectionIndex], names: &[StringId]) {
        writer.write_null_symbol();
        for (symbol, &name) in self.symbols.iter().zip(names) {
            let binding = if symbol.is_global { elf::STB_GLOBAL } else { elf::STB_LOCAL };
            let kind = match (symbol.is_function, symbol.is_object) {
                (true, _) => elf::STT_FUNC,
                (_, true) => elf::STT_OBJECT,
                _ => elf::STT_NOTYPE,
            };
            writer.write_symbol(&Sym {
                st_name: writer.string_offset(Some(name)),
                section: symbol.section.map(|section| indices[section].0),
                st_info: elf::SymbolInfo::new(binding, kind),
                st_other: Default::default(),
                st_shndx: elf::SHN_ABS,
                st_value: symbol.value,
                st_size: symbol.size,
            });
        }
    }

    fn write_section_headers(&self, writer: &mut Writer, offsets: &[u64], names: &[StringId]) {
        writer.write_null_section_header();
        for ((section, &offset), &name) in self.sections.iter().zip(offsets).zip(names) {
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
    }
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
