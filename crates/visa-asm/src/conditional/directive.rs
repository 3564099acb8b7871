//! What the directives of conditions do.

use super::Conditions;
use crate::diagnostic::Message;
use crate::lexer::Token;
use crate::parser::{Cursor, Parsed};
use crate::registers::is_register;
use crate::source::Location;
use crate::state::Assembler;

impl Assembler<'_> {
    /// One of [`super::CONDITIONALS`]; the cursor stands behind its name.
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
