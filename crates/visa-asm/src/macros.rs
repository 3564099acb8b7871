//! Macros and repetitions: text that is put in before it is read.

mod directive;

use crate::diagnostic::Message;
use crate::lexer::Token;
use crate::parser::{Cursor, Parsed};
use crate::source::{Location, Piece};
use std::rc::Rc;

/// Bounds on what expansion may make of a source.
pub(crate) const MOST_DEPTH: usize = 40;
const MOST_BYTES: usize = 4 << 20;
/// More values than an expansion could take.
const MOST_VALUES: usize = MOST_BYTES / size_of::<Piece>();

/// A text and where it stands.
#[derive(Clone, Debug, Default)]
struct Stretch {
    text: Rc<str>,
    location: Location,
}

/// A macro, or the body of a repetition.
#[derive(Clone)]
pub(crate) struct Macro {
    name: Rc<str>,
    parameters: Vec<Parameter>,
    body: Stretch,
}

#[derive(Clone)]
struct Parameter {
    name: String,
    default: Option<Stretch>,
    is_required: bool,
    takes_rest: bool,
}

impl Parameter {
    fn named(name: &str) -> Parameter {
        Parameter { name: name.into(), default: None, is_required: false, takes_rest: false }
    }
}

/// The text of an expansion while it grows, and where it comes from.
#[derive(Default)]
struct Expansion {
    text: String,
    pieces: Vec<Piece>,
}

impl Expansion {
    fn push(&mut self, text: &str, from: Location, is_copy: bool) {
        if !text.is_empty() {
            self.pieces.push(Piece { start: self.text.len() as u32, from, is_copy });
            self.text += text;
        }
    }

    fn check(&self, location: Location) -> Parsed<()> {
        match self.text.len() + size_of_val(self.pieces.as_slice()) > MOST_BYTES {
            true => Err(too_much(location)),
            false => Ok(()),
        }
    }
}

impl Macro {
    /// A macro of the text after `.macro` and its body.
    fn new(cursor: &mut Cursor, body: Stretch) -> Parsed<Macro> {
        let name = cursor.name("the macro's name")?.to_ascii_lowercase();
        cursor.accept(Token::Comma);
        let mut parameters: Vec<Parameter> = Vec::new();
        for piece in split(cursor.rest(), cursor.location(), &[',', ' ', '\t']) {
            if piece.text.is_empty() {
                continue;
            }
            let (head, default) = match piece.text.split_once('=') {
                Some((head, default)) => {
                    (head, Some(unquoted(Stretch { text: default.into(), location: piece.location })))
                }
                None => (&*piece.text, None),
            };
            let (name, qualifier) = head.split_once(':').unwrap_or((head, ""));
            if name.is_empty()
                || !name.bytes().all(is_name_byte)
                || !["", "req", "vararg"].contains(&qualifier)
            {
                let message = format!("`{}` is not a macro's parameter", piece.text);
                return Err(Message::new(piece.location, message)
                    .expected("expected `name`, `name=default`, `name:req` or `name:vararg`"));
            }
            if parameters.iter().any(|other| other.name == name) {
                let message = format!("the macro has a parameter `{name}` already");
                return Err(Message::new(piece.location, message));
            }
            let (is_required, takes_rest) = (qualifier == "req", qualifier == "vararg");
            parameters.push(Parameter { name: name.into(), default, is_required, takes_rest });
        }
        cursor.skip_all();
        Ok(Macro { name: name.into(), parameters, body })
    }

    /// Adds the body with values in the places of the parameters. `count` is what `\@` stands for.
    fn expand(
        &self,
        values: &[Stretch],
        count: usize,
        out: &mut Expansion,
        location: Location,
    ) -> Parsed<()> {
        let body = &*self.body.text;
        let at = |start: usize, end: usize| {
            let first = self.body.location.start;
            Location { start: first + start as u32, end: first + end as u32, ..self.body.location }
        };
        let mut done = 0;
        while let Some(found) = body[done..].find('\\') {
            let slash = done + found;
            out.push(&body[done..slash], at(done, slash), true);
            let after = &body[slash + 1..];
            let length = after.bytes().take_while(|&byte| is_name_byte(byte)).count();
            let name = &after[..length];
            if after.starts_with("()") {
                done = slash + 3;
            } else if after.starts_with('@') {
                done = slash + 2;
                out.push(&count.to_string(), at(slash, done), false);
            } else if let Some(index) = self.parameters.iter().position(|parameter| parameter.name == name) {
                done = slash + 1 + length;
                out.push(&values[index].text, values[index].location, true);
            } else {
                done = slash + 1;
                out.push("\\", at(slash, done), true);
            }
            out.check(location)?;
        }
        out.push(&body[done..], at(done, body.len()), true);
        out.check(location)
    }

    /// The values of the parameters in a call.
    fn bind(&self, operands: &str, place: Location, location: Location) -> Parsed<Vec<Stretch>> {
        let mut given = split(operands, place, &[',']);
        let mut rest_of_call = None;
        if let Some(index) = self.parameters.iter().position(|parameter| parameter.takes_rest)
            && given.len() > index
        {
            let start = given[index].location.start;
            let rest = operands[(start - place.start) as usize..].trim_end();
            let end = start + rest.len() as u32;
            given.truncate(index);
            rest_of_call = Some(Stretch { text: rest.into(), location: Location { start, end, ..place } });
        }
        // What takes the rest takes it as it stands.
        let given: Vec<Stretch> = given.into_iter().map(unquoted).chain(rest_of_call).collect();
        if given.len() > self.parameters.len() {
            let most = self.parameters.len();
            let message = format!("macro `{}` takes {most} operands, found {}", self.name, given.len());
            return Err(Message::new(location, message));
        }
        let mut values = Vec::new();
        for (index, parameter) in self.parameters.iter().enumerate() {
            let value =
                given.get(index).filter(|value| !value.text.is_empty()).or(parameter.default.as_ref());
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

/// The parts of a text between separators that stand outside of parentheses and strings, without the blanks around
/// them. `place` is where the text begins.
fn split(text: &str, place: Location, separators: &[char]) -> Vec<Stretch> {
    let mut list = Vec::new();
    let (mut depth, mut is_quoted, mut is_escaped, mut start) = (0i32, false, false, 0);
    let part = |start: usize, end: usize| {
        let piece = &text[start..end];
        let trimmed = piece.trim();
        let start = start + (piece.len() - piece.trim_start().len());
        let first = place.start + start as u32;
        let location = Location { start: first, end: first + trimmed.len() as u32, ..place };
        Stretch { text: trimmed.into(), location }
    };
    for (index, letter) in text.char_indices() {
        if list.len() > MOST_VALUES {
            return list;
        }
        match letter {
            _ if is_escaped => {}
            '"' => is_quoted = !is_quoted,
            '(' | '[' if !is_quoted => depth += 1,
            ')' | ']' if !is_quoted => depth -= 1,
            _ if separators.contains(&letter) && !is_quoted && depth <= 0 => {
                list.push(part(start, index));
                start = index + letter.len_utf8();
            }
            _ => {}
        }
        is_escaped = letter == '\\' && is_quoted && !is_escaped;
    }
    let last = part(start, text.len());
    if !last.text.is_empty() || !list.is_empty() {
        list.push(last);
    }
    list
}

/// A value in quotation marks is what stands between them.
fn unquoted(value: Stretch) -> Stretch {
    let inside = value.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    // Two strings side by side, or an escaped mark at the end, are more than one in marks.
    let Some(inside) = inside.filter(|inside| !inside.contains('"') && !inside.ends_with('\\')) else {
        return value;
    };
    let (start, end) = (value.location.start + 1, value.location.end - 1);
    Stretch { text: inside.into(), location: Location { start, end, ..value.location } }
}

fn too_much(location: Location) -> Message {
    let message =
        format!("macros expand to more than {} MiB, or call each other without end", MOST_BYTES >> 20);
    Message::new(location, message)
}
