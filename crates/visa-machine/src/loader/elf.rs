//! 64-bit RISC-V ELF executables (ELF-64 object file format; RISC-V ELF psABI).

use object::elf::{
    ELFCLASS64, ELFDATA2LSB, ELFMAG, EM_RISCV, ET_DYN, ET_EXEC, FileHeader64, PT_LOAD, ProgramHeader64,
};
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{LittleEndian, Object, ObjectSymbol, SymbolKind, SymbolSection};

use super::error::LoadError;
use super::placement::{ImageKind, LoadedImage, Loader, Symbol};

/// Offsets into the identification bytes that every ELF starts with.
const IDENT_CLASS: usize = 4;
const IDENT_DATA: usize = 5;

/// Whether the content claims to be an ELF.
pub(super) fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(&ELFMAG)
}

/// A loadable segment, checked against the file.
struct Segment<'d> {
    index: usize,
    file_offset: u64,
    data: &'d [u8],
    virtual_address: u64,
    physical_address: u64,
    memory_bytes: u64,
}

impl Segment<'_> {
    /// Linkers told where to put the text, and nothing else, put the file's own headers in the page before it, as part
    /// of the first segment. Where that page is before RAM, it is left out: nothing but headers and padding is lost.
    fn without_headers(self, header_bytes: u64, offset: u64, ram_base: u64) -> Self {
        let outside = ram_base.saturating_sub(self.physical_address.wrapping_add(offset));
        let unneeded =
            usize::try_from(outside).ok().filter(|_| self.file_offset == 0).is_some_and(|outside| {
                self.data
                    .get(header_bytes as usize..outside)
                    .is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
            });
        if outside == 0 || !unneeded {
            return self;
        }
        Self {
            data: &self.data[outside as usize..],
            virtual_address: self.virtual_address.wrapping_add(outside),
            physical_address: self.physical_address.wrapping_add(outside),
            memory_bytes: self.memory_bytes - outside,
            ..self
        }
    }
}

/// Length of the ELF header and the program headers that usually follow it, in bytes.
fn header_bytes(header: &FileHeader64<LittleEndian>) -> u64 {
    let programs =
        u64::from(header.e_phnum(LittleEndian)) * size_of::<ProgramHeader64<LittleEndian>>() as u64;
    size_of::<FileHeader64<LittleEndian>>() as u64 + programs
}

/// Loads an ELF at the physical addresses of its segments, plus `offset`.
pub(super) fn load(
    loader: &mut Loader<'_>,
    name: &str,
    bytes: &[u8],
    offset: u64,
) -> Result<LoadedImage, LoadError> {
    let damaged = |error: object::read::Error| LoadError::Elf {
        name: name.into(),
        length: bytes.len() as u64,
        reason: error.to_string(),
    };
    check_identification(name, bytes)?;
    let header = FileHeader64::<LittleEndian>::parse(bytes).map_err(damaged)?;
    check_header(name, header)?;
    let mut segments = Vec::new();
    for (index, program) in header.program_headers(LittleEndian, bytes).map_err(damaged)?.iter().enumerate() {
        if program.p_type(LittleEndian) == PT_LOAD && program.p_memsz(LittleEndian) != 0 {
            let segment = segment(name, bytes, index, program)?;
            segments.push(segment.without_headers(header_bytes(header), offset, loader.ram.base()));
        }
    }
    let entry = physical_entry(name, header.e_entry(LittleEndian), &segments)?.wrapping_add(offset);

    let (mut start, mut end) = (u64::MAX, 0);
    for segment in &segments {
        let what = format!("segment {}", segment.index);
        let address = segment.physical_address.wrapping_add(offset);
        let range = loader.place(name, &what, address, segment.data, segment.memory_bytes)?;
        start = start.min(range.start);
        end = end.max(range.end);
    }
    // Only now the rest: a file whose symbols are damaged is still worth a precise word about its segments.
    let symbols = symbols(&ElfFile64::<LittleEndian>::parse(bytes).map_err(damaged)?);
    Ok(LoadedImage { kind: ImageKind::Elf, entry, range: start..end, symbols })
}

fn check_identification(name: &str, bytes: &[u8]) -> Result<(), LoadError> {
    let wrong = |field, found: Option<&u8>, expected| LoadError::WrongElf {
        name: name.into(),
        field,
        found: found.map_or("missing".into(), u8::to_string),
        expected,
    };
    let (class, data) = (bytes.get(IDENT_CLASS), bytes.get(IDENT_DATA));
    if class != Some(&ELFCLASS64.0) {
        return Err(wrong("class", class, "2 (64-bit)"));
    }
    if data != Some(&ELFDATA2LSB.0) {
        return Err(wrong("data encoding", data, "1 (little-endian)"));
    }
    Ok(())
}

fn check_header(name: &str, header: &FileHeader64<LittleEndian>) -> Result<(), LoadError> {
    let wrong = |field, found: u16, expected| LoadError::WrongElf {
        name: name.into(),
        field,
        found: found.to_string(),
        expected,
    };
    let (machine, kind) = (header.e_machine(LittleEndian), header.e_type(LittleEndian));
    if machine != EM_RISCV {
        return Err(wrong("machine", machine.0, "243 (RISC-V)"));
    }
    if kind != ET_EXEC && kind != ET_DYN {
        return Err(wrong("type", kind.0, "2 (executable) or 3 (shared)"));
    }
    Ok(())
}

fn segment<'d>(
    name: &str,
    bytes: &'d [u8],
    index: usize,
    program: &ProgramHeader64<LittleEndian>,
) -> Result<Segment<'d>, LoadError> {
    let (offset, file_bytes) = program.file_range(LittleEndian);
    let memory_bytes = program.p_memsz(LittleEndian);
    if file_bytes > memory_bytes {
        return Err(LoadError::SegmentSize { name: name.into(), segment: index, file_bytes, memory_bytes });
    }
    let data = program.data(LittleEndian, bytes).map_err(|()| LoadError::TruncatedSegment {
        name: name.into(),
        segment: index,
        offset,
        bytes: file_bytes,
        length: bytes.len() as u64,
    })?;
    Ok(Segment {
        index,
        file_offset: offset,
        data,
        virtual_address: program.p_vaddr(LittleEndian),
        physical_address: program.p_paddr(LittleEndian),
        memory_bytes,
    })
}

/// The physical address of the entry point, which the header gives as a virtual one.
fn physical_entry(name: &str, entry: u64, segments: &[Segment<'_>]) -> Result<u64, LoadError> {
    if segments.is_empty() {
        return Err(LoadError::NoSegments { name: name.into() });
    }
    segments
        .iter()
        .find_map(|segment| {
            let within = entry.checked_sub(segment.virtual_address)?;
            (within < segment.memory_bytes).then(|| segment.physical_address.wrapping_add(within))
        })
        .ok_or(LoadError::Entry { name: name.into(), entry })
}

/// Named places, ascending. Mapping symbols ("$x", "$d") and the assembler's local labels tell nobody anything.
fn symbols(file: &ElfFile64<'_, LittleEndian>) -> Vec<Symbol> {
    let mut symbols: Vec<Symbol> = file
        .symbols()
        .filter(|symbol| is_place(symbol.kind(), symbol.section()))
        .filter_map(|symbol| {
            let name = symbol.name().ok().filter(|name| !name.is_empty())?;
            let told = !name.starts_with('$') && !name.starts_with(".L");
            told.then(|| Symbol { name: name.into(), address: symbol.address(), size: symbol.size() })
        })
        .collect();
    symbols.sort_by(|left, right| left.address.cmp(&right.address).then_with(|| left.name.cmp(&right.name)));
    symbols
}

/// Whether a symbol names a place in memory: code, data, or an untyped label of assembly code; not an untyped absolute
/// value, which is some constant.
fn is_place(kind: SymbolKind, section: SymbolSection) -> bool {
    match kind {
        SymbolKind::Text | SymbolKind::Data => section != SymbolSection::Undefined,
        SymbolKind::Unknown => matches!(section, SymbolSection::Section(_)),
        _ => false,
    }
}
