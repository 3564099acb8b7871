//! `.if` and its kin: lines that are read or passed over.

mod directive;

use crate::diagnostic::Message;
use crate::parser::Parsed;
use crate::source::Location;

/// Directives that are read even where lines are passed over.
pub(crate) const CONDITIONALS: &[&str] = &[
    ".if",
    ".ifdef",
    ".ifndef",
    ".ifnotdef",
    ".ifeq",
    ".ifne",
    ".iflt",
    ".ifle",
    ".ifgt",
    ".ifge",
    ".ifb",
    ".ifnb",
    ".ifc",
    ".ifnc",
    ".elseif",
    ".else",
    ".endif",
];

/// How deep `.if` may nest in one text.
const MOST_NESTED: usize = 200;

/// Whether a line begins with one of them.
pub(crate) fn is_conditional(line: &str) -> bool {
    let word = line.trim_start();
    // What the lexer takes for a name.
    let end = word.find(|letter: char| !(letter.is_ascii_alphanumeric() || "_.$".contains(letter)));
    let word = &word[..end.unwrap_or(word.len())];
    CONDITIONALS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// An `.if` that is open.
struct Condition {
    location: Location,
    /// Whether the lines here are read.
    is_active: bool,
    /// Whether those around it are.
    is_reached: bool,
    /// Whether one of its branches was chosen already.
    is_decided: bool,
    has_else: bool,
}

/// Those that are open in one text, the innermost last.
#[derive(Default)]
pub(crate) struct Conditions(Vec<Condition>);

impl Conditions {
    /// Whether the next line is read.
    pub(crate) fn is_active(&self) -> bool {
        self.0.last().is_none_or(|condition| condition.is_active)
    }

    /// At the end of a text: an error if one is left.
    pub(crate) fn unclosed(&self) -> Option<Message> {
        let condition = self.0.last()?;
        Some(Message::new(condition.location, "no `.endif` follows"))
    }

    fn open(&mut self, location: Location, is_reached: bool, holds: bool) -> Parsed<()> {
        if self.0.len() >= MOST_NESTED {
            let message = format!("more than {MOST_NESTED} conditions in each other");
            return Err(Message::new(location, message));
        }
        self.0.push(Condition {
            location,
            is_active: is_reached && holds,
            is_reached,
            is_decided: holds,
            has_else: false,
        });
        Ok(())
    }

    fn innermost(&mut self, name: &str, location: Location) -> Parsed<&mut Condition> {
        self.0.last_mut().ok_or_else(|| Message::new(location, format!("{name} without .if")))
    }
}
