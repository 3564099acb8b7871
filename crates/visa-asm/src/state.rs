//! The state of a run through a source, and what every directive does with it.

use crate::conditional::Conditions;
use crate::diagnostic::Message;
use crate::files::Files;
use crate::macros::Macro;
use crate::options::Options;
use crate::parser::Parsed;
use crate::predefined;
use crate::program::{Content, Definition, Item, Program, Symbol};
use crate::source::{Location, Sources};
use crate::suggest::did_you_mean;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::rc::Rc;

/// What `.option push` saves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    /// Whether compressed forms are chosen.
    pub(crate) compress: bool,
}

/// The state of a run.
pub(crate) struct Assembler<'a> {
    pub(crate) program: Program,
    pub(crate) sources: Sources,
    pub(crate) mode: Mode,
    pub(crate) mode_stack: Vec<Mode>,
    pub(crate) section_stack: Vec<usize>,
    pub(crate) expansions: usize,
    /// `.end`, or too many errors: nothing is read any more.
    pub(crate) ended: bool,
    /// `.exitm`: the expansion is not read any more.
    pub(crate) exited: bool,
    pub(crate) macros: BTreeMap<String, Macro>,
    pub(crate) files: &'a dyn Files,
    /// What was read from files, by path.
    pub(crate) read: HashMap<PathBuf, Rc<[u8]>>,
    /// Bytes that `.incbin` has put into the program.
    pub(crate) binary_bytes: u64,
    pub(crate) options: &'a Options,
}

/// The lines of a text while they are read.
pub(crate) struct Lines<'a> {
    /// The text they are of.
    pub(crate) buffer: u32,
    /// Each with the byte at which it begins.
    pub(crate) list: Vec<(usize, &'a str)>,
    /// The next one.
    pub(crate) next: usize,
    /// How many texts this one stands in.
    pub(crate) depth: usize,
    /// The `.if` that are open.
    pub(crate) conditions: Conditions,
}

impl Assembler<'_> {
    pub(crate) fn report(&mut self, message: Message) {
        self.program.report(message);
    }

    /// Adds an item to the current section.
    pub(crate) fn push(&mut self, location: Location, content: Content) {
        self.program.push(Item { location, content });
    }

    /// Defines a label here.
    pub(crate) fn define_label(&mut self, name: &str, location: Location) -> Parsed<()> {
        let here = self.program.here();
        let id = self.program.intern(name, location);
        self.check_predefined(self.program.symbol(id), location)?;
        let first = match &self.program.symbol(id).definition {
            None => {
                self.program.symbol_mut(id).definition = Some(Definition::Label(here, location));
                return Ok(());
            }
            Some(Definition::Label(_, first)) => Some(*first),
            Some(Definition::Assigned(_)) => None,
        };
        let message = Message::new(location, format!("`{name}` is defined already"));
        Err(match first {
            Some(first) => {
                message.help(format!("the first definition is {}", self.describe(first, location)))
            }
            None => message.help("it was assigned with `=`, .set or .equ"),
        })
    }

    /// Says so if a name of the tables is given another value after something was decided by its own.
    pub(crate) fn check_predefined(&self, symbol: &Symbol, location: Location) -> Parsed<()> {
        if symbol.definition.is_some() || !symbol.is_settled.get() {
            return Ok(());
        }
        let name = &symbol.name;
        let message = format!("`{name}` is defined by V-ISA, and its value was used before this");
        let first = self.describe(symbol.first_use, location);
        Err(Message::new(location, message)
            .help(format!("the first use is {first}; define it before that, or take another name")))
    }

    /// Where a place is, seen from another.
    fn describe(&self, place: Location, from: Location) -> String {
        let (place, from) = (self.sources.in_file(place), self.sources.in_file(from));
        let (line, _) = self.sources.line_and_column(place);
        match self.sources.name(place.buffer) {
            _ if place.buffer == from.buffer => format!("in line {line}"),
            name => format!("in {name}, line {line}"),
        }
    }

    /// A symbol that was probably meant: one that is defined so far, or by V-ISA.
    pub(crate) fn similar_symbol(&self, name: &str) -> Option<String> {
        let defined = self.program.symbols().iter().filter(|symbol| symbol.definition.is_some());
        let defined = defined.map(|symbol| symbol.name.as_str());
        did_you_mean(name, defined.chain(predefined::names().map(|name| -> &str { name })))
    }
}
