//! Tokens. A line is lexed at a time; comments and blanks vanish here.

use logos::Logos;

/// What a piece of a line is.
#[derive(Logos, Clone, Copy, PartialEq, Eq, Debug)]
#[logos(skip r"[ \t\r\f\v\n]+")]
#[logos(skip(r"([#;]|//)[^\n]*", allow_greedy = true))]
pub enum Token {
    /// A mnemonic, register, symbol or directive.
    #[regex(r"[A-Za-z_.$][A-Za-z0-9_.$]*")]
    Name,
    /// An integer: decimal, 0x, 0b, or octal with a leading zero. Underscores may separate digits.
    #[regex(r"0[xX][0-9A-Fa-f_]+|0[bB][01][01_]*|[0-9][0-9_]*")]
    Number,
    /// A decimal fraction.
    #[regex(r"[0-9]+\.[0-9]*([eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+")]
    Fraction,
    /// A reference to a numeric local label: `1b`, `1f`.
    #[regex(r"[0-9]+[bf]")]
    LocalLabel,
    /// A character: `'a'`, `'\n'`, `'a`.
    #[regex(r"'([^\\\n]|\\.)'?")]
    Character,
    /// A string with its quotation marks.
    #[regex(r#""([^"\\\n]|\\.)*""#)]
    Text,
    /// `,`
    #[token(",")]
    Comma,
    /// `:`
    #[token(":")]
    Colon,
    /// `(`
    #[token("(")]
    Open,
    /// `)`
    #[token(")")]
    Close,
    /// `[`
    #[token("[")]
    OpenBracket,
    /// `]`
    #[token("]")]
    CloseBracket,
    /// `=`
    #[token("=")]
    Equals,
    /// `+`
    #[token("+")]
    Plus,
    /// `-`
    #[token("-")]
    Minus,
    /// `*`
    #[token("*")]
    Star,
    /// `/`
    #[token("/")]
    Slash,
    /// `%`
    #[token("%")]
    Percent,
    /// `<<`
    #[token("<<")]
    ShiftLeft,
    /// `>>`
    #[token(">>")]
    ShiftRight,
    /// `&`
    #[token("&")]
    Ampersand,
    /// `|`
    #[token("|")]
    Bar,
    /// `^`
    #[token("^")]
    Caret,
    /// `==`
    #[token("==")]
    Equal,
    /// `!=`, or `<>`
    #[token("!=")]
    #[token("<>")]
    NotEqual,
    /// `<`
    #[token("<")]
    Less,
    /// `<=`
    #[token("<=")]
    LessOrEqual,
    /// `>`
    #[token(">")]
    Greater,
    /// `>=`
    #[token(">=")]
    GreaterOrEqual,
    /// `&&`
    #[token("&&")]
    And,
    /// `||`
    #[token("||")]
    Or,
    /// `~`
    #[token("~")]
    Tilde,
    /// `!`
    #[token("!")]
    Exclamation,
    /// `@`, as in `.type name, @function`
    #[token("@")]
    At,
    /// Anything else.
    Unknown,
}

/// A token with its place in the line.
#[derive(Clone, Copy, Debug)]
pub struct Lexeme {
    /// What it is.
    pub token: Token,
    /// First byte in the line.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// The tokens of a line.
pub fn lex(line: &str) -> Vec<Lexeme> {
    Token::lexer(line)
        .spanned()
        .map(|(token, span)| Lexeme {
            token: token.unwrap_or(Token::Unknown),
            start: span.start,
            end: span.end,
        })
        .collect()
}

/// Replaces `/* */` comments by blanks of the same length, outside of strings, characters and other comments. On an
/// unterminated one, returns where it starts.
pub fn blank_block_comments(text: &str) -> Result<String, usize> {
    let bytes = text.as_bytes();
    let mut blanked = bytes.to_vec();
    let mut index = 0;
    while index < bytes.len() {
        match bytes[index] {
            b'/' if bytes.get(index + 1) == Some(&b'*') => {
                let start = index;
                let close = bytes[index + 2..].windows(2).position(|pair| pair == b"*/").ok_or(start)?;
                index += close + 4;
                blanked[start..index].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
            }
            b'#' | b';' => index = end_of_line(bytes, index),
            b'/' if bytes.get(index + 1) == Some(&b'/') => index = end_of_line(bytes, index),
            b'"' => index = end_of_string(bytes, index),
            // A character literal hides one character, perhaps escaped.
            b'\'' => index += if bytes.get(index + 1) == Some(&b'\\') { 3 } else { 2 },
            _ => index += 1,
        }
    }
    // Whole comments were replaced, so that no character of several bytes was cut.
    Ok(String::from_utf8(blanked).unwrap_or_default())
}

fn end_of_line(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |length| from + length)
}

fn end_of_string(bytes: &[u8], from: usize) -> usize {
    let mut index = from + 1;
    while index < bytes.len() {
        match bytes[index] {
            b'\\' => index += 2,
            b'"' => return index + 1,
            b'\n' => return index,
            _ => index += 1,
        }
    }
    bytes.len()
}

/// The value of a [`Token::Number`]; `None` if it does not fit in 64 bits.
pub fn number(text: &str) -> Option<u64> {
    let digits = text.replace('_', "").to_ascii_lowercase();
    if let Some(hexadecimal) = digits.strip_prefix("0x") {
        return u64::from_str_radix(hexadecimal, 16).ok();
    }
    if let Some(binary) = digits.strip_prefix("0b") {
        return u64::from_str_radix(binary, 2).ok();
    }
    match digits.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => u64::from_str_radix(octal, 8).ok(),
        _ => digits.parse().ok(),
    }
}

/// The bytes of a [`Token::Text`] or [`Token::Character`] between its quotation marks, escapes resolved. The error
/// is an escape that is not one.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = letters.next().unwrap_or('\\');
        bytes.push(match escape {
            'n' => b'\n',
            't' => b'\t',
            'r' => b'\r',
            'b' => 8,
            'f' => 12,
            'e' => 27,
            '\\' | '"' | '\'' => escape as u8,
            'x' => digits(&mut letters, String::new(), 2, 16).ok_or("\\x")?,
            '0'..='7' => digits(&mut letters, escape.into(), 3, 8).ok_or("\\0")?,
            other => return Err(format!("\\{other}")),
        });
    }
    Ok(bytes)
}

fn digits(
    letters: &mut std::iter::Peekable<std::str::Chars>,
    mut text: String,
    most: usize,
    radix: u32,
) -> Option<u8> {
    while text.len() < most && letters.peek().is_some_and(|letter| letter.is_digit(radix)) {
        text.extend(letters.next());
    }
    u32::from_str_radix(&text, radix).ok().map(|value| value as u8)
}
