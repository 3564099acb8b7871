//! Source texts, and places in them.

use std::rc::Rc;

/// A piece of a source text: what a message points at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Location {
    /// Which text; 0 is the file itself.
    pub buffer: u32,
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// A text: the file, or the expansion of a macro.
pub struct Buffer {
    /// The text.
    pub text: Rc<str>,
    /// For an expansion: where it was asked for, and what it expands.
    pub parent: Option<(Location, String)>,
}

/// All texts of a run.
#[derive(Default)]
pub struct Sources {
    buffers: Vec<Buffer>,
    bytes: usize,
}

impl Sources {
    /// Adds a text and returns its number.
    pub fn add(&mut self, text: String, parent: Option<(Location, String)>) -> u32 {
        // An expansion costs something even if it is empty.
        self.bytes += text.len() + size_of::<Buffer>();
        self.buffers.push(Buffer { text: text.into(), parent });
        self.buffers.len() as u32 - 1
    }

    /// Bytes that all texts take.
    pub fn total_bytes(&self) -> usize {
        self.bytes
    }

    /// A text by its number.
    pub fn text(&self, buffer: u32) -> &Rc<str> {
        &self.buffers[buffer as usize].text
    }

    /// The place in the file itself that a place belongs to, and for one in a macro's expansion, what the reader has
    /// to know: the macro and its line.
    pub fn in_file(&self, location: Location) -> (Location, Option<String>) {
        let mut current = location;
        let mut expansion = None;
        while let Some((parent, name)) = &self.buffers[current.buffer as usize].parent {
            if expansion.is_none() {
                let line = self.line_of(current).trim();
                expansion = Some(format!("in the expansion of `{name}`: `{line}`"));
            }
            current = *parent;
        }
        (current, expansion)
    }

    fn line_of(&self, location: Location) -> &str {
        let text = self.text(location.buffer);
        let at = (location.start as usize).min(text.len());
        let start = text[..at].rfind('\n').map_or(0, |index| index + 1);
        let end = text[at..].find('\n').map_or(text.len(), |index| at + index);
        &text[start..end]
    }
}
