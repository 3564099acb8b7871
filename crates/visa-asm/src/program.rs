//! The program while it is assembled: sections of items, and symbols.

use crate::diagnostic::{Message, Severity};
use crate::expression::{Expression, Modifier};
use crate::place::{Place, SymbolId};
use crate::predefined;
use crate::source::Location;
use std::cell::Cell;
use std::collections::HashMap;
use visa_isa::operand::Operand;
use visa_isa::{Instruction, compressed};

/// After this many errors, the rest of a file is not looked at.
pub const MOST_MESSAGES: usize = 1000;

/// More warnings than these are not kept.
const MOST_WARNINGS: usize = 100;

/// What a section holds. The order is that of the sections in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum SectionKind {
    /// Instructions.
    Code,
    /// Constants.
    ReadOnly,
    /// Variables.
    Data,
    /// Variables that start as zero and take no room in the file.
    Zero,
    /// Notes of a compiler that are no part of the program.
    Unloaded,
}

/// A section.
#[derive(Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: SectionKind,
    /// The greatest alignment that an item asks for.
    pub alignment: u64,
    /// What is in it.
    pub items: Vec<Item>,
}

/// What one statement puts into a section.
#[derive(Debug)]
pub struct Item {
    /// The statement.
    pub location: Location,
    /// What it puts there.
    pub content: Content,
}

/// The content of an item.
#[derive(Debug)]
pub enum Content {
    /// Bytes that are known.
    Bytes(Vec<u8>),
    /// Values of so many bytes each.
    Values(u8, Vec<(Expression, Location)>),
    /// `count` times a value of `width` bytes.
    Fill {
        /// How often.
        count: Expression,
        /// Bytes of the value.
        width: u8,
        /// The value.
        value: Expression,
    },
    /// A number in as many bytes as it takes, seven bits in each (DWARF 5, 7.6).
    Leb128 {
        /// Whether it has a sign.
        is_signed: bool,
        /// The number.
        value: Expression,
    },
    /// Padding to a multiple.
    Align {
        /// The multiple, a power of two.
        to: u64,
        /// What to pad with; without it, zeros or NOPs.
        fill: Option<u8>,
        /// Not at all if it takes more than this.
        most: Option<u64>,
        /// Whether C.NOP may be used.
        compress: bool,
    },
    /// Padding to an offset in the section.
    Origin(Expression, u8),
    /// Instructions.
    Code(Code),
}

/// An operand whose value is an expression.
#[derive(Clone, Debug)]
pub struct Field {
    /// Which operand.
    pub operand: Operand,
    /// Its value. For one relative to the PC: the target's address.
    pub value: Expression,
    /// Where it stands.
    pub location: Location,
}

/// Instructions of one statement.
#[derive(Debug)]
pub enum Code {
    /// One instruction.
    Single {
        /// Registers and what else is known.
        instruction: Instruction,
        /// What is not.
        fields: Vec<Field>,
        /// The compressed form, if the text asks for it (`c.add`).
        row: Option<&'static compressed::Row>,
        /// Whether to choose a compressed form if there is one.
        compress: bool,
    },
    /// A constant into a register, with as many instructions as it takes.
    Constant {
        /// The register.
        rd: u8,
        /// The constant, or an address.
        value: Field,
        /// Whether compressed forms may be used.
        compress: bool,
    },
    /// AUIPC, and an instruction that takes the low part of the distance as its immediate.
    Relative {
        /// AUIPC's destination.
        scratch: u8,
        /// The second instruction.
        second: Instruction,
        /// The address that both together reach.
        target: Field,
    },
    /// A word of the user's own making (`.insn`).
    Raw {
        /// Fixed bits.
        word: u64,
        /// Length in bytes.
        length: u8,
        /// Operands to insert.
        fields: Vec<Field>,
    },
}

/// How a symbol came to its value.
#[derive(Debug)]
pub enum Definition {
    /// A label.
    Label(Place, Location),
    /// Assignments, in order, each with the place where it stands.
    Assigned(Vec<(Expression, Place)>),
}

/// What `.type` said of a symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SymbolKind {
    /// Nothing.
    #[default]
    None,
    /// A function.
    Function,
    /// Data.
    Object,
}

/// A symbol.
#[derive(Debug)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Where it is first mentioned.
    pub first_use: Location,
    /// Whether an expression uses it.
    pub is_used: bool,
    /// Whether it is reported already that nothing defines it.
    pub is_reported: bool,
    /// The value that the tables of V-ISA give the name, unless the source defines it.
    pub predefined: Option<i64>,
    /// Whether something had to be decided by that value, so that the source cannot give another one any more.
    pub is_settled: Cell<bool>,
    /// Its definition, if it has one.
    pub definition: Option<Definition>,
    /// Whether other programs see it.
    pub is_global: bool,
    /// Function or object.
    pub kind: SymbolKind,
    /// What `.size` said.
    pub size: Option<(Expression, Place)>,
}

/// The program.
pub struct Program {
    /// The sections, in the order of their first mention.
    pub sections: Vec<Section>,
    /// The section that statements go to.
    pub current: usize,
    /// The section before the last change, for `.previous`.
    pub previous: usize,
    /// Errors so far.
    pub messages: Vec<Message>,
    /// Whether one of them is no warning.
    pub has_errors: bool,
    warnings: usize,
    section_names: HashMap<String, usize>,
    symbols: Vec<Symbol>,
    names: HashMap<String, SymbolId>,
    locals: HashMap<u64, Vec<Place>>,
}

impl Program {
    /// An empty program, at the start of `.text`.
    pub fn new() -> Self {
        let mut program = Program {
            sections: Vec::new(),
            current: 0,
            previous: 0,
            messages: Vec::new(),
            has_errors: false,
            warnings: 0,
            section_names: HashMap::new(),
            symbols: Vec::new(),
            names: HashMap::new(),
            locals: HashMap::new(),
        };
        program.enter_section(".text", SectionKind::Code);
        program
    }

    /// Goes on in the section of a name, which is made if there is none.
    pub fn enter_section(&mut self, name: &str, kind: SectionKind) {
        self.previous = self.current;
        if let Some(&found) = self.section_names.get(name) {
            self.current = found;
            return;
        }
        self.current = self.sections.len();
        self.section_names.insert(name.into(), self.current);
        // Code stands at even addresses even after data of odd length.
        let alignment = if kind == SectionKind::Code { 4 } else { 1 };
        self.sections.push(Section { name: name.into(), kind, alignment, items: Vec::new() });
    }

    /// Where the next item of the current section will be.
    pub fn here(&self) -> Place {
        Place { section: self.current, item: self.sections[self.current].items.len() }
    }

    /// Adds an item to the current section.
    pub fn push(&mut self, item: Item) {
        self.sections[self.current].items.push(item);
    }

    /// The symbol of a name, which is made if there is none.
    pub fn intern(&mut self, name: &str, location: Location) -> SymbolId {
        if let Some(&id) = self.names.get(name) {
            return id;
        }
        self.symbols.push(Symbol {
            name: name.into(),
            first_use: location,
            is_used: false,
            is_reported: false,
            predefined: predefined::value(name),
            is_settled: Cell::new(false),
            definition: None,
            is_global: false,
            kind: SymbolKind::None,
            size: None,
        });
        self.names.insert(name.into(), self.symbols.len() - 1);
        self.symbols.len() - 1
    }

    /// A reference to a symbol from an expression.
    pub fn refer(&mut self, name: &str, location: Location) -> Expression {
        let id = self.intern(name, location);
        let symbol = &mut self.symbols[id];
        if !symbol.is_used {
            symbol.is_used = true;
            symbol.first_use = location;
        }
        match &symbol.definition {
            Some(Definition::Assigned(values)) => match &values[values.len() - 1] {
                (Expression::Number(number), _) => Expression::Number(*number),
                _ => Expression::Assigned(id, values.len() - 1),
            },
            _ => Expression::Symbol(id),
        }
    }

    /// A symbol by its index.
    pub fn symbol(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id]
    }

    /// A symbol by its index.
    pub fn symbol_mut(&mut self, id: SymbolId) -> &mut Symbol {
        &mut self.symbols[id]
    }

    /// Every symbol.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// Whether a name has a section already.
    pub fn has_section(&self, name: &str) -> bool {
        self.section_names.contains_key(name)
    }

    /// Whether a symbol of a name is defined so far.
    pub fn is_defined(&self, name: &str) -> bool {
        self.names.get(name).is_some_and(|&id| self.symbols[id].definition.is_some())
    }

    /// Whether a name has a value so far: by the source, or by the tables.
    pub fn has_value(&self, name: &str) -> bool {
        self.is_defined(name) || predefined::value(name).is_some()
    }

    /// Defines a numeric local label here.
    pub fn define_local(&mut self, number: u64) {
        let here = self.here();
        self.locals.entry(number).or_default().push(here);
    }

    /// How many numeric labels of a number there are so far.
    pub fn local_count(&self, number: u64) -> usize {
        self.locals.get(&number).map_or(0, Vec::len)
    }

    /// A numeric local label, by its number and its turn.
    pub fn local(&self, number: u64, index: usize) -> Option<Place> {
        self.locals.get(&number)?.get(index).copied()
    }

    /// The operand of `%pcrel_hi` in the instruction at a place. Items without a length may stand before it.
    pub fn relative_high_target(&self, place: Place) -> Option<&Expression> {
        let item = self.sections[place.section].items.get(place.item)?;
        let Content::Code(Code::Single { fields, .. }) = &item.content else { return None };
        fields.iter().find_map(|field| match &field.value {
            Expression::Modified(Modifier::RelativeHigh, target) => Some(&**target),
            _ => None,
        })
    }

    /// Notes an error or a warning. There is a bound, so that a wrong file does not cost memory without end.
    pub fn report(&mut self, message: Message) {
        match message.severity {
            Severity::Error => self.has_errors = true,
            Severity::Warning if self.warnings >= MOST_WARNINGS => return,
            Severity::Warning => self.warnings += 1,
        }
        if self.messages.len() < MOST_MESSAGES {
            self.messages.push(message);
        }
    }
}
