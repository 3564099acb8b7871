//! What visor tells on the console: lines of `@word name=value ...` (guest/demo/README.md), among the guest's own bytes.

use anyhow::Context;

/// A line that visor told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The word behind the `@`.
    pub word: String,
    pairs: Vec<(String, String)>,
}

impl Line {
    /// Reads a line. `None`: it is the guest's own.
    pub fn parse(text: &str) -> Option<Line> {
        let mut words = text.strip_prefix('@')?.split_whitespace();
        let word = words.next()?.to_owned();
        let pairs = words.filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Line { word, pairs })
    }

    /// A value as it was written.
    pub fn text(&self, name: &str) -> anyhow::Result<&str> {
        let found = self.pairs.iter().find(|(pair, _)| pair == name);
        let (_, value) = found.with_context(|| format!("visor's @{} line has no {name}", self.word))?;
        Ok(value)
    }

    /// A value as a number: decimal, or hexadecimal with `0x`.
    pub fn number(&self, name: &str) -> anyhow::Result<u64> {
        let text = self.text(name)?;
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        number.with_context(|| format!("visor's @{} line says {name}={text}, which is no number", self.word))
    }
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn a_line_is_a_word_and_pairs() {
        let line = Line::parse("@exit cause=0x03 name=control-register-write length=4").unwrap();
        assert_eq!(line.word, "exit");
        assert_eq!(line.number("cause").unwrap(), 3);
        assert_eq!(line.number("length").unwrap(), 4);
        assert_eq!(line.text("name").unwrap(), "control-register-write");
    }

    #[test]
    fn the_guests_own_text_is_no_line() {
        assert_eq!(Line::parse("Hello from Ring 0"), None);
        assert_eq!(Line::parse("@"), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let line = Line::parse("@exit cause=three").unwrap();
        assert_eq!(line.number("pc").unwrap_err().to_string(), "visor's @exit line has no pc");
        assert_eq!(
            line.number("cause").unwrap_err().to_string(),
            "visor's @exit line says cause=three, which is no number"
        );
    }
}
