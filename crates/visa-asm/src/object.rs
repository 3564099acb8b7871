//! The assembled program, with every address settled.

use crate::diagnostic::Diagnostics;
use crate::evaluate::Evaluator;
use crate::layout::Layout;
use crate::program::{Definition, Program, SectionKind, SymbolKind};
use crate::source::{Location, SourceFile, Sources};

/// A section of the assembled program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Address of its first byte.
    pub address: u64,
    /// Its bytes; empty for one that holds zeros alone.
    pub data: Vec<u8>,
    /// How many bytes it takes in memory.
    pub size: u64,
    /// Its alignment.
    pub alignment: u64,
    /// Whether it holds instructions.
    pub is_executable: bool,
    /// Whether the program may write to it.
    pub is_writable: bool,
}

/// A symbol of the assembled program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Its address, or its value if it belongs to no section.
    pub value: u64,
    /// The section that it is in, as an index; `None` for a value.
    pub section: Option<usize>,
    /// Whether `.globl` named it.
    pub is_global: bool,
    /// Whether `.type` called it a function.
    pub is_function: bool,
    /// Whether `.type` called it an object.
    pub is_object: bool,
    /// Its size, as `.size` said.
    pub size: u64,
}

/// What a line of the source became.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineRecord {
    /// The file, as an index of [`Object::files`].
    pub file: usize,
    /// The line, from 1. What a macro makes counts for the line that calls it.
    pub line: u32,
    /// The section, as an index.
    pub section: usize,
    /// Address of the first byte.
    pub address: u64,
    /// Number of bytes.
    pub size: u64,
}

/// An assembled program: what can be written as ELF, as a flat image, or as a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    /// The sections that have a size, in the order of their addresses.
    pub sections: Vec<Section>,
    /// The symbols, local ones first.
    pub symbols: Vec<Symbol>,
    /// Where execution begins: `_start`, or the start of the first section.
    pub entry: u64,
    /// What each line of the source became, by file and line.
    pub lines: Vec<LineRecord>,
    /// The files: the one that was assembled, and what it includes.
    pub files: Vec<SourceFile>,
    /// What seems wrong with the source, although it has a meaning.
    pub warnings: Diagnostics,
}

impl Object {
    pub(crate) fn new(
        program: &Program,
        layout: &Layout,
        mut images: Vec<Vec<u8>>,
        sources: &Sources,
    ) -> Object {
        let addresses = &layout.addresses;
        let mut sections = Vec::new();
        let mut new_index = vec![None; program.sections.len()];
        for &index in &layout.order {
            let section = &program.sections[index];
            let size = addresses.offsets[index].last().copied().unwrap_or(0);
            if size == 0 || section.kind == SectionKind::Unloaded {
                continue;
            }
            new_index[index] = Some(sections.len());
            sections.push(Section {
                name: section.name.clone(),
                address: addresses.sections[index],
                data: std::mem::take(&mut images[index]),
                size,
                alignment: section.alignment,
                is_executable: section.kind == SectionKind::Code,
                is_writable: matches!(section.kind, SectionKind::Data | SectionKind::Zero),
            });
        }
        let symbols = symbols(program, layout, &new_index);
        let first = sections.first().map_or(0, |section| section.address);
        let start = symbols.iter().find(|symbol| symbol.name == "_start");
        let mut object = Object {
            entry: start.map_or(first, |symbol| symbol.value),
            sections,
            symbols,
            lines: Vec::new(),
            files: Vec::new(),
            warnings: Diagnostics::default(),
        };
        let (files, file_of) = sources.files();
        object.files = files;
        object.lines = lines(program, layout, &new_index, |location| {
            let (buffer, line) = sources.statement_line(location);
            (file_of[buffer as usize], line)
        });
        object
    }

    /// The program as it lies in memory from the first section's address on: what a loader without ELF takes. Zeros
    /// at the end are not in it.
    pub fn to_flat(&self) -> Vec<u8> {
        let base = self.base();
        let mut image = Vec::new();
        for section in self.sections.iter().filter(|section| !section.data.is_empty()) {
            image.resize((section.address - base) as usize, 0);
            image.extend_from_slice(&section.data);
        }
        image
    }

    /// The address of the flat image.
    pub fn base(&self) -> u64 {
        self.sections.first().map_or(0, |section| section.address)
    }

    /// The value of a symbol.
    pub fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.iter().find(|symbol| symbol.name == name).map(|symbol| symbol.value)
    }

    /// The section of a name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }
}

fn symbols(program: &Program, layout: &Layout, new_index: &[Option<usize>]) -> Vec<Symbol> {
    let evaluator = Evaluator::new(program, Some(&layout.addresses));
    let mut list = Vec::new();
    for symbol in program.symbols() {
        let (value, section) = match &symbol.definition {
            None => continue,
            Some(Definition::Label(place, _)) => {
                // A label in a section without content keeps its address.
                (layout.addresses.of(*place), new_index[place.section])
            }
            Some(Definition::Assigned(values)) => {
                let Some((expression, place)) = values.last() else { continue };
                let Ok(value) = evaluator.number(expression, *place) else { continue };
                (value as u64, None)
            }
        };
        let size = symbol.size.as_ref().and_then(|(size, place)| evaluator.number(size, *place).ok());
        list.push(Symbol {
            name: symbol.name.clone(),
            value,
            section,
            is_global: symbol.is_global || symbol.name == "_start",
            is_function: symbol.kind == SymbolKind::Function,
            is_object: symbol.kind == SymbolKind::Object,
            size: size.unwrap_or(0) as u64,
        });
    }
    // ELF wants local symbols first.
    list.sort_by_key(|symbol| symbol.is_global);
    list
}

fn lines(
    program: &Program,
    layout: &Layout,
    new_index: &[Option<usize>],
    line_of: impl Fn(Location) -> (usize, u32),
) -> Vec<LineRecord> {
    let mut list = Vec::new();
    for (index, section) in program.sections.iter().enumerate() {
        let Some(new) = new_index[index] else { continue };
        let (base, offsets) = (layout.addresses.sections[index], &layout.addresses.offsets[index]);
        for (item, pair) in section.items.iter().zip(offsets.windows(2)) {
            let size = pair[1] - pair[0];
            let (file, line) = line_of(item.location);
            list.push(LineRecord { file, line, section: new, address: base + pair[0], size });
        }
    }
    list.sort_by_key(|record| (record.file, record.line));
    list
}
