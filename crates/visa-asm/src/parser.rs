//! A line's tokens to operands and expressions, by recursive descent.

use crate::diagnostic::Message;
use crate::evaluate::compute;
use crate::expression::{Binary, Expression, Modifier, Unary};
use crate::lexer::{Lexeme, Token, lex, number, unescape};
use crate::program::Program;
use crate::registers::similar_register;
use crate::source::Location;
use crate::suggest::did_you_mean;
use visa_isa::register;

/// What parsing gives: the value, or the error that ends the statement.
pub(crate) type Parsed<T> = Result<T, Message>;

/// An operand as it is written. What a name means depends on the instruction.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) location: Location,
    pub(crate) shape: Written,
}

/// The shapes of operands.
#[derive(Clone, Debug)]
pub(crate) enum Written {
    /// A name alone: register, MSR, symbol, rounding mode...
    Name(String),
    /// An expression.
    Expression(Expression),
    /// `offset(base)`, `(base)`, `[base]`, `[base + offset]`.
    Memory { offset: Option<Expression>, base: u8 },
    /// A string.
    Text,
}

/// How deep parentheses and signs may nest, and how many operators an expression may have.
const MOST_OPERATORS: usize = 256;

/// Reads the tokens of a line.
pub(crate) struct Cursor<'a> {
    line: &'a str,
    lexemes: Vec<Lexeme>,
    index: usize,
    buffer: u32,
    base: usize,
    operators: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of a line, which begins at byte `base` of a text.
    pub(crate) fn new(line: &'a str, buffer: u32, base: usize) -> Self {
        Cursor { line, lexemes: lex(line), index: 0, buffer, base, operators: 0 }
    }

    /// The next token.
    pub(crate) fn peek(&self) -> Option<Token> {
        self.peek_at(0)
    }

    /// A token further on.
    pub(crate) fn peek_at(&self, ahead: usize) -> Option<Token> {
        self.lexemes.get(self.index + ahead).map(|lexeme| lexeme.token)
    }

    /// The text of the next token.
    pub(crate) fn text(&self) -> &'a str {
        self.text_at(0)
    }

    /// The text of a token further on.
    pub(crate) fn text_at(&self, ahead: usize) -> &'a str {
        let lexeme = self.lexemes.get(self.index + ahead);
        lexeme.and_then(|lexeme| self.line.get(lexeme.start..lexeme.end)).unwrap_or("")
    }

    /// The text from the next token to the end of the line's last one.
    pub(crate) fn rest(&self) -> &'a str {
        let last = self.lexemes.last().map_or(0, |lexeme| lexeme.end);
        let first = self.lexemes.get(self.index).map_or(last, |lexeme| lexeme.start);
        self.line.get(first..last).unwrap_or("")
    }

    /// The text between two places of the line.
    pub(crate) fn between(&self, start: u32, end: u32) -> &'a str {
        self.line.get(start as usize - self.base..end as usize - self.base).unwrap_or("")
    }

    /// Goes past the next token.
    pub(crate) fn advance(&mut self) {
        self.index += 1;
    }

    /// Goes past the next token if it is this one.
    pub(crate) fn accept(&mut self, token: Token) -> bool {
        let found = self.peek() == Some(token);
        if found {
            self.advance();
        }
        found
    }

    /// Whether nothing follows.
    pub(crate) fn at_end(&self) -> bool {
        self.index >= self.lexemes.len()
    }

    /// Goes to the end of the line.
    pub(crate) fn skip_all(&mut self) {
        self.index = self.lexemes.len();
    }

    /// The place of the next token, or of the line's end.
    pub(crate) fn location(&self) -> Location {
        match self.lexemes.get(self.index) {
            Some(lexeme) => self.span(lexeme.start, lexeme.end),
            None => {
                let end = self.lexemes.last().map_or(0, |lexeme| lexeme.end);
                self.span(end, end)
            }
        }
    }

    /// The place from a start to the last token that was read.
    pub(crate) fn since(&self, start: Location) -> Location {
        let last = self.lexemes.get(self.index.wrapping_sub(1)).map_or(0, |lexeme| lexeme.end);
        let end = (self.base + last) as u32;
        Location { end: end.max(start.start), ..start }
    }

    fn span(&self, start: usize, end: usize) -> Location {
        Location { buffer: self.buffer, start: (self.base + start) as u32, end: (self.base + end) as u32 }
    }

    /// What the next token is, for messages.
    pub(crate) fn found(&self) -> String {
        if self.at_end() { "the end of the line".into() } else { format!("`{}`", self.text()) }
    }

    /// An error at the next token.
    pub(crate) fn unexpected(&self, expected: &str) -> Message {
        let message = format!("expected {expected}, found {}", self.found());
        Message::new(self.location(), message).expected(format!("expected {expected}"))
    }

    /// Takes a token, or says that it was expected.
    pub(crate) fn expect(&mut self, token: Token, shown: &str) -> Parsed<()> {
        if self.accept(token) { Ok(()) } else { Err(self.unexpected(shown)) }
    }

    /// Takes a name.
    pub(crate) fn name(&mut self, expected: &str) -> Parsed<&'a str> {
        if self.peek() != Some(Token::Name) {
            return Err(self.unexpected(expected));
        }
        let text = self.text();
        self.advance();
        Ok(text)
    }

    /// Says so if something is left.
    pub(crate) fn expect_end(&self) -> Parsed<()> {
        if self.at_end() { Ok(()) } else { Err(self.unexpected("`,` or the end of the line")) }
    }

    /// Operands up to the end of the line.
    pub(crate) fn arguments(&mut self, program: &mut Program) -> Parsed<Vec<Argument>> {
        let mut list = Vec::new();
        if self.at_end() {
            return Ok(list);
        }
        loop {
            list.push(self.argument(program)?);
            if !self.accept(Token::Comma) {
                break;
            }
        }
        self.expect_end()?;
        Ok(list)
    }

    fn argument(&mut self, program: &mut Program) -> Parsed<Argument> {
        let start = self.location();
        let shape = self.shape(program)?;
        Ok(Argument { location: self.since(start), shape })
    }

    fn shape(&mut self, program: &mut Program) -> Parsed<Written> {
        match self.peek() {
            Some(Token::Text) => {
                self.string()?;
                return Ok(Written::Text);
            }
            Some(Token::OpenBracket) => return self.bracketed(program),
            Some(Token::Open) => {
                if let Some(base) = self.parenthesized_register() {
                    return Ok(Written::Memory { offset: None, base });
                }
            }
            Some(Token::Name) if !self.continues() && self.text() != "." => {
                return Ok(Written::Name(self.name("an operand")?.to_string()));
            }
            _ => {}
        }
        let expression = self.expression(program)?;
        match self.parenthesized_register() {
            Some(base) => Ok(Written::Memory { offset: Some(expression), base }),
            None if self.peek() == Some(Token::Open) && self.peek_at(1) == Some(Token::Name) => {
                self.advance();
                Err(self.unexpected("an integer register").help_if(similar_register(self.text(), true)))
            }
            None => Ok(Written::Expression(expression)),
        }
    }

    /// Whether an expression goes on after the next token.
    fn continues(&self) -> bool {
        self.peek_at(1).is_some_and(|token| token == Token::Open || binary(token).is_some())
    }

    /// `(a0)`, if that is what follows.
    fn parenthesized_register(&mut self) -> Option<u8> {
        let is_group = self.peek() == Some(Token::Open)
            && self.peek_at(1) == Some(Token::Name)
            && self.peek_at(2) == Some(Token::Close);
        if !is_group {
            return None;
        }
        let base = register::integer(&self.text_at(1).to_ascii_lowercase())?;
        self.index += 3;
        Some(base)
    }

    /// `[R1]`, `[R1 + 8]`, `[R1 - 8]`.
    fn bracketed(&mut self, program: &mut Program) -> Parsed<Written> {
        self.advance();
        let expected = "an integer register";
        let base = register::integer(&self.text().to_ascii_lowercase())
            .ok_or_else(|| self.unexpected(expected).help_if(similar_register(self.text(), true)))?;
        self.advance();
        let offset = match self.peek() {
            Some(Token::Plus | Token::Minus) => {
                // The sign belongs to the first term: [R1 - 8 + 4] is R1 - 4.
                let zero = Expression::Number(0);
                Some(self.operators(program, zero, 0)?)
            }
            _ => None,
        };
        self.expect(Token::CloseBracket, "`]`")?;
        Ok(Written::Memory { offset, base })
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Parsed<Vec<u8>> {
        let (location, text) = (self.location(), self.text());
        if self.peek() != Some(Token::Text) {
            return Err(self.unexpected("a string"));
        }
        self.advance();
        let inside = text.get(1..text.len().max(2) - 1).unwrap_or("");
        unescape(inside).map_err(|escape| unknown_escape(location, &escape))
    }

    /// An expression.
    pub(crate) fn expression(&mut self, program: &mut Program) -> Parsed<Expression> {
        self.operators = 0;
        self.nested(program, 0)
    }

    fn nested(&mut self, program: &mut Program, binding: u8) -> Parsed<Expression> {
        let first = self.term(program)?;
        self.operators(program, first, binding)
    }

    /// The operators that follow a term and bind at least as tightly as `binding`.
    fn operators(&mut self, program: &mut Program, first: Expression, binding: u8) -> Parsed<Expression> {
        let mut left = first;
        while let Some((operator, strength)) = self.peek().and_then(binary).filter(|found| found.1 > binding)
        {
            self.count()?;
            self.advance();
            let right = self.nested(program, strength)?;
            left = fold(operator, left, right);
        }
        Ok(left)
    }

    fn count(&mut self) -> Parsed<()> {
        self.operators += 1;
        match self.operators > MOST_OPERATORS {
            true => Err(Message::new(
                self.location(),
                format!("more than {MOST_OPERATORS} operators in one expression"),
            )),
            false => Ok(()),
        }
    }

    fn term(&mut self, program: &mut Program) -> Parsed<Expression> {
        self.count()?;
        let Some(token) = self.peek() else { return Err(self.unexpected("an expression")) };
        match token {
            Token::Number => self.number().map(Expression::Number),
            Token::Character => self.character().map(Expression::Number),
            Token::LocalLabel => self.local_label(program),
            Token::Name if self.text() == "." => {
                self.advance();
                Ok(Expression::Place(program.here()))
            }
            Token::Name => {
                let location = self.location();
                let name = self.name("a symbol")?;
                Ok(program.refer(name, location))
            }
            Token::Percent => self.modified(program),
            Token::Open => {
                self.advance();
                let inner = self.nested(program, 0)?;
                self.expect(Token::Close, "`)`")?;
                Ok(inner)
            }
            Token::Plus => {
                self.advance();
                self.term(program)
            }
            Token::Minus => self.unary(program, Unary::Negate),
            Token::Tilde => self.unary(program, Unary::Complement),
            Token::Exclamation => self.unary(program, Unary::Not),
            _ => Err(self.unexpected("an expression")),
        }
    }

    fn unary(&mut self, program: &mut Program, operator: Unary) -> Parsed<Expression> {
        self.advance();
        let operand = self.term(program)?;
        Ok(match (operator, operand) {
            (Unary::Negate, Expression::Number(value)) => Expression::Number(value.wrapping_neg()),
            (Unary::Complement, Expression::Number(value)) => Expression::Number(!value),
            (Unary::Not, Expression::Number(value)) => Expression::Number((value == 0).into()),
            (operator, operand) => Expression::Unary(operator, Box::new(operand)),
        })
    }

    fn number(&mut self) -> Parsed<i64> {
        let value = number(self.text()).ok_or_else(|| {
            let message = format!("`{}` is not a 64-bit number", self.text());
            Message::new(self.location(), message).expected("expected at most 0xffffffffffffffff")
        })?;
        self.advance();
        Ok(value as i64)
    }

    fn character(&mut self) -> Parsed<i64> {
        let (location, text) = (self.location(), self.text());
        self.advance();
        let inside = text[1..].strip_suffix('\'').filter(|inside| !inside.is_empty()).unwrap_or(&text[1..]);
        let bytes = unescape(inside).map_err(|escape| unknown_escape(location, &escape))?;
        match bytes[..] {
            [byte] => Ok(byte.into()),
            _ => Err(Message::new(location, "a character literal holds one byte")),
        }
    }

    fn local_label(&mut self, program: &mut Program) -> Parsed<Expression> {
        let (location, text) = (self.location(), self.text());
        let (digits, direction) = text.split_at(text.len() - 1);
        let number =
            number(digits).ok_or_else(|| Message::new(location, "the label's number is too large"))?;
        self.advance();
        let count = program.local_count(number);
        match direction {
            "f" => Ok(Expression::Local(number, count)),
            _ if count > 0 => Ok(Expression::Local(number, count - 1)),
            _ => Err(Message::new(location, format!("no label `{number}:` stands before this"))),
        }
    }

    fn modified(&mut self, program: &mut Program) -> Parsed<Expression> {
        const NAMES: [(&str, Modifier); 4] = [
            ("hi", Modifier::High),
            ("lo", Modifier::Low),
            ("pcrel_hi", Modifier::RelativeHigh),
            ("pcrel_lo", Modifier::RelativeLow),
        ];
        self.advance();
        let (location, name) = (self.location(), self.text().to_ascii_lowercase());
        let Some(&(_, modifier)) = NAMES.iter().find(|(known, _)| *known == name) else {
            return Err(Message::new(location, format!("unknown relocation function `%{name}`"))
                .expected("expected %hi, %lo, %pcrel_hi or %pcrel_lo")
                .help_if(did_you_mean(&name, NAMES.iter().map(|(known, _)| *known))));
        };
        self.advance();
        self.expect(Token::Open, "`(`")?;
        let inner = self.nested(program, 0)?;
        self.expect(Token::Close, "`)`")?;
        Ok(Expression::Modified(modifier, Box::new(inner)))
    }
}

fn unknown_escape(location: Location, escape: &str) -> Message {
    Message::new(location, format!("unknown escape `{escape}`"))
        .expected(r#"expected one of \n \t \r \b \f \e \\ \" \' \x \0"#)
}

/// A binary operator and how tightly it binds (GNU as: multiplication and shifts, then bits, then addition, then
/// comparisons, then logic).
fn binary(token: Token) -> Option<(Binary, u8)> {
    Some(match token {
        Token::Star => (Binary::Multiply, 6),
        Token::Slash => (Binary::Divide, 6),
        Token::Percent => (Binary::Remainder, 6),
        Token::ShiftLeft => (Binary::ShiftLeft, 6),
        Token::ShiftRight => (Binary::ShiftRight, 6),
        Token::Bar => (Binary::Or, 5),
        Token::Ampersand => (Binary::And, 5),
        Token::Caret => (Binary::Xor, 5),
        Token::Plus => (Binary::Add, 4),
        Token::Minus => (Binary::Subtract, 4),
        Token::Equal => (Binary::Equal, 3),
        Token::NotEqual => (Binary::NotEqual, 3),
        Token::Less => (Binary::Less, 3),
        Token::LessOrEqual => (Binary::LessOrEqual, 3),
        Token::Greater => (Binary::Greater, 3),
        Token::GreaterOrEqual => (Binary::GreaterOrEqual, 3),
        Token::And => (Binary::LogicalAnd, 2),
        Token::Or => (Binary::LogicalOr, 1),
        _ => return None,
    })
}

/// Numbers are computed at once, so that most expressions are one.
fn fold(operator: Binary, left: Expression, right: Expression) -> Expression {
    if let (Expression::Number(a), Expression::Number(b)) = (&left, &right)
        && let Ok(number) = compute(operator, *a, *b)
    {
        return Expression::Number(number);
    }
    Expression::Binary(operator, Box::new(left), Box::new(right))
}
