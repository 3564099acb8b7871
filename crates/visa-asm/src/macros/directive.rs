//! The directives of macros and repetitions, and the use of a macro.

use super::{
    Expansion, MOST_BYTES, MOST_DEPTH, MOST_VALUES, Macro, Parameter, Stretch, split, too_much, unquoted,
};
use crate::diagnostic::Message;
use crate::lexer::Token;
use crate::parser::{Cursor, Parsed};
use crate::source::{Kind, Location, Origin};
use crate::state::{Assembler, Lines};
use crate::suggest::did_you_mean;

impl Lines<'_> {
    /// The lines up to the directive that ends a block; what is read next stands behind it.
    fn block(&mut self, opens: &[&str], closes: &[&str]) -> Option<Stretch> {
        let mut nested = 0;
        let first = self.next;
        let is = |word: &str, list: &[&str]| list.iter().any(|known| word.eq_ignore_ascii_case(known));
        for index in first..self.list.len() {
            let (end, line) = self.list[index];
            let word = line.split_whitespace().next().unwrap_or("");
            if is(word, opens) {
                nested += 1;
            } else if is(word, closes) && nested > 0 {
                nested -= 1;
            } else if is(word, closes) {
                self.next = index + 1;
                let lines = &self.list[first..index];
                let body: String = lines.iter().flat_map(|(_, line)| [*line, "\n"]).collect();
                let start = self.list[first].0 as u32;
                let location = Location { buffer: self.buffer, start, end: end as u32 };
                return Some(Stretch { text: body.into(), location });
            }
        }
        self.next = self.list.len();
        None
    }
}

fn unclosed(location: Location, end: &str) -> Message {
    Message::new(location, format!("no `{end}` follows"))
}

impl Assembler<'_> {
    /// `.macro`.
    pub(crate) fn define_macro(
        &mut self,
        cursor: &mut Cursor,
        location: Location,
        lines: &mut Lines,
    ) -> Parsed<()> {
        let body = lines.block(&[".macro"], &[".endm", ".endmacro"]);
        let definition = Macro::new(cursor, body.ok_or_else(|| unclosed(location, ".endm"))?)?;
        self.macros.insert(definition.name.to_string(), definition);
        Ok(())
    }

    /// `.purgem`.
    pub(crate) fn forget_macro(&mut self, cursor: &mut Cursor) -> Parsed<()> {
        let location = cursor.location();
        let name = cursor.name("a macro")?.to_ascii_lowercase();
        if self.macros.remove(&name).is_none() {
            let known = self.macros.keys().map(String::as_str);
            return Err(Message::new(location, format!("there is no macro `{name}`"))
                .help_if(did_you_mean(&name, known)));
        }
        cursor.expect_end()
    }

    /// A macro's use; the cursor stands at its operands.
    pub(crate) fn expand_macro(
        &mut self,
        definition: &Macro,
        location: Location,
        cursor: &mut Cursor,
        depth: usize,
    ) -> Parsed<()> {
        let values = definition.bind(cursor.rest(), cursor.location(), location)?;
        cursor.skip_all();
        self.expansions += 1;
        let mut expansion = Expansion::default();
        definition.expand(&values, self.expansions - 1, &mut expansion, location)?;
        let Expansion { text, pieces } = expansion;
        self.assemble_text(text, Origin::Pieces(pieces), location, &definition.name, depth)
    }

    /// `.rept`, `.irp` and `.irpc`: the body so many times, or for each of some values.
    pub(crate) fn repetition(
        &mut self,
        name: &str,
        cursor: &mut Cursor,
        location: Location,
        lines: &mut Lines,
    ) -> Parsed<()> {
        let body = lines.block(&[".rept", ".irp", ".irpc"], &[".endr"]);
        let body = body.ok_or_else(|| unclosed(location, ".endr"))?;
        match name {
            ".rept" => self.repeat(cursor, location, &body, lines.depth),
            _ => self.for_each(name, cursor, location, body, lines.depth),
        }
    }

    fn repeat(
        &mut self,
        cursor: &mut Cursor,
        location: Location,
        body: &Stretch,
        depth: usize,
    ) -> Parsed<()> {
        let count_location = cursor.location();
        let count = self.constant(cursor)?;
        let count_location = cursor.since(count_location);
        cursor.expect_end()?;
        let count = usize::try_from(count)
            .map_err(|_| Message::new(count_location, format!("a count of {count} is not possible")))?;
        // A body without text costs nothing, and its repetition does nothing.
        if body.text.len().saturating_mul(count) > MOST_BYTES {
            return Err(too_much(location));
        }
        let text = body.text.repeat(if body.text.is_empty() { 0 } else { count });
        self.assemble_text(text, Origin::Repeated(body.location), location, ".rept", depth)
    }

    fn for_each(
        &mut self,
        directive: &str,
        cursor: &mut Cursor,
        location: Location,
        body: Stretch,
        depth: usize,
    ) -> Parsed<()> {
        let parameter = cursor.name("the name that stands for each value")?;
        cursor.accept(Token::Comma);
        let values = split(cursor.rest(), cursor.location(), &[',']);
        let mut values: Vec<Stretch> = values.into_iter().map(unquoted).collect();
        if directive == ".irpc" {
            values = values.first().map_or(Vec::new(), letters);
        }
        if values.is_empty() {
            // As with GNU as: once, for nothing.
            values.push(Stretch::default());
        }
        cursor.skip_all();
        if values.len() > MOST_VALUES {
            return Err(too_much(location));
        }
        let each = Macro { name: directive.into(), parameters: vec![Parameter::named(parameter)], body };
        let mut expansion = Expansion::default();
        for value in values {
            self.expansions += 1;
            each.expand(&[value], self.expansions - 1, &mut expansion, location)?;
        }
        let Expansion { text, pieces } = expansion;
        self.assemble_text(text, Origin::Pieces(pieces), location, directive, depth)
    }

    fn assemble_text(
        &mut self,
        text: String,
        origin: Origin,
        location: Location,
        name: &str,
        depth: usize,
    ) -> Parsed<()> {
        if depth >= MOST_DEPTH || self.sources.expanded_bytes() + text.len() > MOST_BYTES {
            return Err(too_much(location));
        }
        let shows_body = name.starts_with('.');
        let kind = Kind::Expansion { name: name.into(), origin, shows_body };
        let buffer = self.sources.add(text, kind, Some(location));
        self.run(buffer, depth + 1);
        // `.exitm` leaves one expansion.
        self.exited = false;
        Ok(())
    }
}

/// The letters of a value, one by one.
fn letters(value: &Stretch) -> Vec<Stretch> {
    let first = value.location.start;
    let stretch = |(index, letter): (usize, char)| {
        let start = first + index as u32;
        let location = Location { start, end: start + letter.len_utf8() as u32, ..value.location };
        Stretch { text: letter.to_string().into(), location }
    };
    value.text.char_indices().take(MOST_VALUES + 1).map(stretch).collect()
}
