//! Macros and repetitions: text that is put in before it is read.

use crate::assembler::Assembler;
use crate::diagnostic::Message;
use crate::lexer::Token;
use crate::parser::{Cursor, Parsed};
use crate::source::Location;

/// Bounds on what expansion may make of a source.
const MOST_DEPTH: usize = 40;
const MOST_BYTES: usize = 4 << 20;

/// A macro.
#[derive(Clone)]
pub(crate) struct Macro {
    name: String,
    parameters: Vec<Parameter>,
    body: String,
}

#[derive(Clone)]
struct Parameter {
    name: String,
    default: Option<String>,
    is_required: bool,
    takes_rest: bool,
}

impl Macro {
    /// A macro of the text after `.macro` and its body.
    pub(crate) fn new(cursor: &mut Cursor, body: String) -> Parsed<Macro> {
        let name = cursor.name("the macro's name")?.to_ascii_lowercase();
        let mut parameters = Vec::new();
        cursor.accept(Token::Comma);
        let text = cursor.rest();
        for piece in text.split([',', ' ', '\t']).filter(|piece| !piece.is_empty()) {
            let (head, default) = match piece.split_once('=') {
                Some((head, default)) => (head, Some(default.to_string())),
                None => (piece, None),
            };
            let (name, qualifier) = head.split_once(':').unwrap_or((head, ""));
            if name.is_empty() || !name.bytes().all(is_name_byte) {
                let message = format!("`{piece}` is not a macro's parameter");
                return Err(Message::new(cursor.location(), message)
                    .expected("expected `name`, `name=default`, `name:req` or `name:vararg`"));
            }
            parameters.push(Parameter {
                name: name.into(),
                default,
                is_required: qualifier == "req",
                takes_rest: qualifier == "vararg",
            });
        }
        cursor.skip_all();
        Ok(Macro { name, parameters, body })
    }

    /// The name, in lower case.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The body with the operands in the places of the parameters.
    fn expand(&self, operands: &str, location: Location, count: usize) -> Parsed<String> {
        let values = self.bind(operands, location)?;
        let mut out = String::with_capacity(self.body.len());
        let mut rest = self.body.as_str();
        while let Some((before, after)) = rest.split_once('\\') {
            out += before;
            let length = after.bytes().take_while(|&byte| is_name_byte(byte)).count();
            let name = &after[..length];
            if let Some(after) = after.strip_prefix("()") {
                rest = after;
            } else if let Some(after) = after.strip_prefix('@') {
                out += &count.to_string();
                rest = after;
            } else if let Some(index) = self.parameters.iter().position(|parameter| parameter.name == name) {
                out += &values[index];
                rest = &after[length..];
            } else {
                out.push('\\');
                rest = after;
            }
            if out.len() > MOST_BYTES {
                return Err(too_much(location));
            }
        }
        out += rest;
        Ok(out)
    }

    fn bind(&self, operands: &str, location: Location) -> Parsed<Vec<String>> {
        let mut given = split_operands(operands);
        if let Some(index) = self.parameters.iter().position(|parameter| parameter.takes_rest)
            && given.len() > index
        {
            let rest = given.split_off(index).join(", ");
            given.push(rest);
        }
        if given.len() > self.parameters.len() {
            let most = self.parameters.len();
            let message = format!("macro `{}` takes {most} operands, found {}", self.name, given.len());
            return Err(Message::new(location, message));
        }
        let mut values = Vec::new();
        for (index, parameter) in self.parameters.iter().enumerate() {
            let value = given.get(index).filter(|value| !value.is_empty()).or(parameter.default.as_ref());
            if value.is_none() && parameter.is_required {
                let message = format!("macro `{}` needs a value for `{}`", self.name, parameter.name);
                return Err(Message::new(location, message));
            }
            values.push(value.cloned().unwrap_or_default());
        }
        Ok(values)
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Splits at commas outside of parentheses and strings.
fn split_operands(text: &str) -> Vec<String> {
    let (mut list, mut current) = (Vec::new(), String::new());
    let (mut depth, mut is_quoted) = (0i32, false);
    for letter in text.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '(' | '[' if !is_quoted => depth += 1,
            ')' | ']' if !is_quoted => depth -= 1,
            ',' if !is_quoted && depth <= 0 => {
                list.push(std::mem::take(&mut current).trim().to_string());
                continue;
            }
            _ => {}
        }
        current.push(letter);
    }
    let last = current.trim();
    if !last.is_empty() || !list.is_empty() {
        list.push(last.to_string());
    }
    list
}

fn too_much(location: Location) -> Message {
    let message =
        format!("macros expand to more than {} MiB, or call each other without end", MOST_BYTES >> 20);
    Message::new(location, message)
}

impl Assembler<'_> {
    /// A macro's use.
    pub(crate) fn expand_macro(
        &mut self,
        definition: &Macro,
        location: Location,
        operands: &str,
        depth: usize,
    ) -> Parsed<()> {
        self.expansions += 1;
        let text = definition.expand(operands, location, self.expansions - 1)?;
        self.assemble_text(text, location, definition.name(), depth)
    }

    /// `.rept`: the body so many times.
    pub(crate) fn repeat(
        &mut self,
        cursor: &mut Cursor,
        location: Location,
        body: &str,
        depth: usize,
    ) -> Parsed<()> {
        let count = self.constant(cursor)?;
        cursor.expect_end()?;
        let count = usize::try_from(count)
            .map_err(|_| Message::new(location, format!("a count of {count} is not possible")))?;
        // A body without text costs nothing, and its repetition does nothing.
        if body.len().saturating_mul(count) > MOST_BYTES {
            return Err(too_much(location));
        }
        self.assemble_text(body.repeat(if body.is_empty() { 0 } else { count }), location, ".rept", depth)
    }

    fn assemble_text(&mut self, text: String, location: Location, name: &str, depth: usize) -> Parsed<()> {
        if depth >= MOST_DEPTH || self.sources.total_bytes() + text.len() > MOST_BYTES + self.source_bytes {
            return Err(too_much(location));
        }
        let buffer = self.sources.add(text, Some((location, name.into())));
        self.run(buffer, depth + 1);
        Ok(())
    }
}
