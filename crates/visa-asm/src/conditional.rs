//! `.if` and its kin: lines that are read or passed over.

use crate::assembler::Assembler;
use crate::diagnostic::Message;
use crate::lexer::Token;
use crate::operands::is_register;
use crate::parser::{Cursor, Parsed};
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

impl Assembler<'_> {
    /// One of [`CONDITIONALS`]; the cursor stands behind its name.
    pub(crate) fn condition(
        &mut self,
        name: &str,
        cursor: &mut Cursor,
        location: Location,
        conditions: &mut Conditions,
    ) -> Parsed<()> {
        match name {
            ".endif" => {
                conditions.innermost(name, location)?;
                conditions.0.pop();
                cursor.expect_end()
            }
            ".else" | ".elseif" => {
                let condition = conditions.innermost(name, location)?;
                if condition.has_else {
                    return Err(Message::new(location, format!("{name} after .else")));
                }
                condition.has_else = name == ".else";
                condition.is_active = false;
                let is_open = condition.is_reached && !condition.is_decided;
                // What cannot be chosen any more is not looked at either.
                let holds = is_open && (name == ".else" || self.holds(".if", cursor)?);
                condition.is_active = holds;
                condition.is_decided |= holds;
                if name == ".else" { cursor.expect_end() } else { Ok(()) }
            }
            _ => {
                let is_reached = conditions.is_active();
                let holds = if is_reached { self.holds(name, cursor) } else { Ok(false) };
                conditions.open(location, is_reached, *holds.as_ref().unwrap_or(&false))?;
                if holds.is_err() {
                    // Neither branch: what follows would be wrong for a reason that is told already.
                    conditions.innermost(name, location)?.is_decided = true;
                }
                holds.map(|_| ())
            }
        }
    }

    /// Whether what follows the directive is so.
    fn holds(&mut self, name: &str, cursor: &mut Cursor) -> Parsed<bool> {
        let holds = match name {
            ".ifdef" | ".ifndef" | ".ifnotdef" => {
                let symbol = cursor.name("a symbol")?;
                let is_defined = self.program.has_value(symbol) || is_register(symbol);
                is_defined == (name == ".ifdef")
            }
            ".ifb" | ".ifnb" => {
                let is_blank = cursor.rest().is_empty();
                cursor.skip_all();
                is_blank == (name == ".ifb")
            }
            ".ifc" | ".ifnc" => same_text(cursor)? == (name == ".ifc"),
            _ => {
                let number = self.constant(cursor)?;
                match name {
                    ".ifeq" => number == 0,
                    ".iflt" => number < 0,
                    ".ifle" => number <= 0,
                    ".ifgt" => number > 0,
                    ".ifge" => number >= 0,
                    _ => number != 0,
                }
            }
        };
        cursor.expect_end()?;
        Ok(holds)
    }
}

/// Whether two texts with a comma between are the same; quotation marks around them do not count.
fn same_text(cursor: &mut Cursor) -> Parsed<bool> {
    let start = cursor.location();
    let mut parts = Vec::new();
    loop {
        let first = cursor.location().start;
        let mut last = first;
        while !cursor.at_end() && cursor.peek() != Some(Token::Comma) {
            last = cursor.location().end;
            cursor.advance();
        }
        parts.push(cursor.between(first, last).trim_matches(['"', '\'']));
        if !cursor.accept(Token::Comma) {
            break;
        }
    }
    match parts[..] {
        [one, other] => Ok(one == other),
        _ => Err(Message::new(cursor.since(start), "two texts with a comma between them are compared")),
    }
}
