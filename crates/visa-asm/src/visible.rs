//! Text of a source on its way to a terminal: what would move the cursor, change colours or turn the direction of writing
//! is shown, not sent.

/// A text with its control characters made visible, and where each byte of the original went.
pub struct Visible {
    text: String,
    /// Bytes of the original at which something was replaced, and by how much what follows has moved.
    moved: Vec<(usize, isize)>,
}

impl Visible {
    /// Of a text. A tab stays: it is a blank.
    pub fn new(original: &str) -> Visible {
        let mut text = String::with_capacity(original.len());
        let mut moved = Vec::new();
        for (index, letter) in original.char_indices() {
            match replacement(letter) {
                Some(other) => {
                    text.push(other);
                    moved.push((index + letter.len_utf8(), text.len() as isize));
                }
                None => text.push(letter),
            }
        }
        moved.iter_mut().for_each(|(index, end)| *end -= *index as isize);
        Visible { text, moved }
    }

    /// What to show.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where a byte of the original is now.
    pub fn position(&self, index: usize) -> usize {
        let before = self.moved.partition_point(|(first, _)| *first <= index);
        let by = before.checked_sub(1).map_or(0, |last| self.moved[last].1);
        index.saturating_add_signed(by).min(self.text.len())
    }
}

/// A text with its control characters made visible.
pub fn visible(text: &str) -> String {
    Visible::new(text).text
}

/// What is shown for a character that a terminal would obey: of ASCII its picture, else the sign for a character that
/// cannot be shown.
fn replacement(letter: char) -> Option<char> {
    const PICTURES: u32 = 0x2400;
    const PICTURE_OF_DELETE: char = '\u{2421}';
    match letter {
        '\t' => None,
        '\0'..='\x1f' => char::from_u32(PICTURES + u32::from(letter)),
        '\x7f' => Some(PICTURE_OF_DELETE),
        // The second set of control characters, ends of lines, marks and overrides of direction, and what has no width.
        '\u{80}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => Some(char::REPLACEMENT_CHARACTER),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let text: String = (0..0x3000).filter_map(char::from_u32).collect();
        let shown = visible(&text);
        assert!(shown.chars().all(|letter| letter == '\t' || !letter.is_control()), "{shown:?}");
        assert_eq!(visible("a\x1b[31mb\u{202e}"), "a\u{241b}[31mb\u{fffd}");
    }

    #[test]
    fn positions_follow_their_letters() {
        let original = "é\x1bx\u{80}y";
        let shown = Visible::new(original);
        for (index, letter) in original.char_indices().filter(|(_, letter)| !letter.is_control()) {
            assert!(shown.text()[shown.position(index)..].starts_with(letter), "{letter}");
        }
        assert_eq!(shown.position(original.len()), shown.text().len());
        assert_eq!(shown.position(2), 2);
    }
}
