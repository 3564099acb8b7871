//! Directives that put data into a section.

use crate::diagnostic::Message;
use crate::directives::MOST_ALIGNMENT;
use crate::expression::Expression;
use crate::lexer::Token;
use crate::parser::{Cursor, Parsed};
use crate::program::{Content, SectionKind};
use crate::source::Location;
use crate::state::Assembler;

impl Assembler<'_> {
    /// `.byte` to `.quad`: numbers of so many bytes each.
    pub(crate) fn values(&mut self, cursor: &mut Cursor, location: Location, width: u8) -> Parsed<()> {
        let mut list = Vec::new();
        while !cursor.at_end() {
            let start = cursor.location();
            let expression = cursor.expression(&mut self.program)?;
            list.push((expression, cursor.since(start)));
            if !cursor.accept(Token::Comma) {
                break;
            }
        }
        cursor.expect_end()?;
        self.push(location, known_values(width, &list).unwrap_or(Content::Values(width, list)));
        Ok(())
    }

    /// `.uleb128` and `.sleb128`.
    pub(crate) fn leb128(&mut self, cursor: &mut Cursor, is_signed: bool) -> Parsed<()> {
        loop {
            let start = cursor.location();
            let value = cursor.expression(&mut self.program)?;
            self.push(cursor.since(start), Content::Leb128 { is_signed, value });
            if !cursor.accept(Token::Comma) {
                return cursor.expect_end();
            }
        }
    }

    /// `.float` and `.double`.
    pub(crate) fn fractions(&mut self, cursor: &mut Cursor, location: Location, width: usize) -> Parsed<()> {
        let mut bytes = Vec::new();
        loop {
            let sign = if cursor.accept(Token::Minus) { "-" } else { "" };
            let text = format!("{sign}{}", cursor.text());
            let value: f64 = text.parse().map_err(|_| cursor.unexpected("a decimal fraction"))?;
            match width {
                4 => bytes.extend_from_slice(&text.parse::<f32>().unwrap_or(value as f32).to_le_bytes()),
                _ => bytes.extend_from_slice(&value.to_le_bytes()),
            }
            cursor.advance();
            if !cursor.accept(Token::Comma) {
                break;
            }
        }
        cursor.expect_end()?;
        self.push(location, Content::Bytes(bytes));
        Ok(())
    }

    /// `.ascii`, and with a zero behind each string `.asciz`.
    pub(crate) fn strings(
        &mut self,
        cursor: &mut Cursor,
        location: Location,
        is_terminated: bool,
    ) -> Parsed<()> {
        let mut bytes = Vec::new();
        loop {
            bytes.extend(cursor.string()?);
            if is_terminated {
                bytes.push(0);
            }
            // Strings side by side are one, as in C, but each has its terminator.
            if !cursor.accept(Token::Comma) && cursor.peek() != Some(Token::Text) {
                break;
            }
        }
        cursor.expect_end()?;
        self.push(location, Content::Bytes(bytes));
        Ok(())
    }

    /// `.space`: bytes of one value.
    pub(crate) fn space(&mut self, cursor: &mut Cursor, location: Location) -> Parsed<()> {
        let count = cursor.expression(&mut self.program)?;
        let value = match cursor.accept(Token::Comma) {
            true => cursor.expression(&mut self.program)?,
            false => Expression::Number(0),
        };
        cursor.expect_end()?;
        self.push(location, Content::Fill { count, width: 1, value });
        Ok(())
    }

    /// `.fill`: values of so many bytes, so many times.
    pub(crate) fn fill(&mut self, cursor: &mut Cursor, location: Location) -> Parsed<()> {
        let count = cursor.expression(&mut self.program)?;
        let size_location = cursor.location();
        let width = self.optional_constant(cursor)?.unwrap_or(1);
        if !(0..=8).contains(&width) {
            return Err(Message::new(size_location, format!("a value of {width} bytes is not possible"))
                .expected("expected 0 to 8"));
        }
        let value = match cursor.accept(Token::Comma) {
            true => cursor.expression(&mut self.program)?,
            false => Expression::Number(0),
        };
        cursor.expect_end()?;
        self.push(location, Content::Fill { count, width: width as u8, value });
        Ok(())
    }

    /// `.org`: up to an offset in the section.
    pub(crate) fn origin(&mut self, cursor: &mut Cursor, location: Location) -> Parsed<()> {
        let target = cursor.expression(&mut self.program)?;
        let fill = self.optional_constant(cursor)?.unwrap_or(0) as u8;
        cursor.expect_end()?;
        self.push(location, Content::Origin(target, fill));
        Ok(())
    }

    /// `.comm`: a symbol with so many zeros.
    pub(crate) fn common(&mut self, cursor: &mut Cursor, location: Location, is_global: bool) -> Parsed<()> {
        let at = cursor.location();
        let name = cursor.name("a symbol")?;
        cursor.expect(Token::Comma, "`,`")?;
        let count = cursor.expression(&mut self.program)?;
        let to = self.optional_constant(cursor)?.unwrap_or(8).clamp(1, MOST_ALIGNMENT as i64) as u64;
        cursor.expect_end()?;
        let to = to.next_power_of_two();
        let (current, previous) = (self.program.current, self.program.previous);
        self.program.enter_section(".bss", SectionKind::Zero);
        let section = &mut self.program.sections[self.program.current];
        section.alignment = section.alignment.max(to);
        self.push(location, Content::Align { to, fill: None, most: None, compress: false });
        let defined = self.define_label(name, at);
        self.push(location, Content::Fill { count, width: 1, value: Expression::Number(0) });
        let id = self.program.intern(name, at);
        self.program.symbol_mut(id).is_global |= is_global;
        (self.program.current, self.program.previous) = (current, previous);
        defined
    }
}

/// Values as bytes, if all are known and fit.
fn known_values(width: u8, list: &[(Expression, Location)]) -> Option<Content> {
    let mut bytes = Vec::with_capacity(list.len() * usize::from(width));
    for (expression, _) in list {
        let Expression::Number(number) = expression else { return None };
        let fitting = Some(*number).filter(|&number| fits(number, width))?;
        bytes.extend_from_slice(&fitting.to_le_bytes()[..usize::from(width)]);
    }
    Some(Content::Bytes(bytes))
}

/// Whether a number fits so many bytes, with a sign or without.
pub(crate) fn fits(number: i64, width: u8) -> bool {
    let bits = u32::from(width) * 8;
    bits >= 64 || (-(1i64 << (bits - 1))..1i64 << bits).contains(&number)
}
