//! Source texts, and places in them.

use std::cell::OnceCell;
use std::rc::Rc;

/// A piece of a source text: what a message points at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Location {
    /// Which text; 0 is the file that was to be assembled.
    pub buffer: u32,
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

/// A stretch of an expansion, up to the next one, and where its text comes from.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// First byte in the expansion.
    pub start: u32,
    /// What it was copied from, or what it stands for.
    pub from: Location,
    /// Whether it was copied letter by letter.
    pub is_copy: bool,
}

/// Where the text of an expansion comes from.
#[derive(Debug)]
pub enum Origin {
    /// The same text again and again.
    Repeated(Location),
    /// Pieces, in order.
    Pieces(Vec<Piece>),
}

impl Origin {
    /// Bytes that it takes.
    fn bytes(&self) -> usize {
        match self {
            Origin::Repeated(_) => 0,
            Origin::Pieces(pieces) => size_of_val(pieces.as_slice()),
        }
    }

    fn of(&self, start: u32, end: u32) -> Option<Location> {
        match self {
            Origin::Repeated(body) => {
                let length = (body.end - body.start).max(1);
                let at = body.start + start % length;
                Some(Location { start: at, end: (at + end.saturating_sub(start)).min(body.end), ..*body })
            }
            Origin::Pieces(pieces) => {
                let index = pieces.partition_point(|piece| piece.start <= start).checked_sub(1)?;
                let Piece { start: first, from, is_copy } = pieces[index];
                if !is_copy {
                    return Some(from);
                }
                let at = (from.start + (start - first)).min(from.end);
                Some(Location { start: at, end: (at + end.saturating_sub(start)).min(from.end), ..from })
            }
        }
    }
}

/// What a text is.
#[derive(Debug)]
pub enum Kind {
    /// A file.
    File {
        /// What it is called in messages.
        name: Rc<str>,
    },
    /// What a macro or a repetition made.
    Expansion {
        /// The macro, or the directive.
        name: Rc<str>,
        /// Where its text comes from.
        origin: Origin,
        /// Whether debuggers show the lines of the text itself, rather than the line that asked for it.
        shows_body: bool,
    },
}

/// A text: a file, or an expansion.
struct Buffer {
    text: Rc<str>,
    kind: Kind,
    /// Where it was asked for.
    parent: Option<Location>,
    /// First bytes of the lines, once somebody asks.
    lines: OnceCell<Vec<u32>>,
}

/// A file as it was read; one that is included twice is there twice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceFile {
    /// What messages call it.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The file and the line that included it; `None` for the file that was to be assembled.
    pub included_at: Option<(usize, u32)>,
}

/// All texts of a run.
#[derive(Default)]
pub struct Sources {
    buffers: Vec<Buffer>,
    expanded_bytes: usize,
    file_bytes: usize,
}

impl Sources {
    /// Adds a text and returns its number.
    pub fn add(&mut self, text: impl Into<Rc<str>>, kind: Kind, parent: Option<Location>) -> u32 {
        let text = text.into();
        // A text costs something even if it is empty.
        let cost = text.len() + size_of::<Buffer>();
        match &kind {
            Kind::File { .. } => self.file_bytes += cost,
            Kind::Expansion { origin, .. } => self.expanded_bytes += cost + origin.bytes(),
        }
        self.buffers.push(Buffer { text, kind, parent, lines: OnceCell::new() });
        self.buffers.len() as u32 - 1
    }

    /// Bytes that all expansions take.
    pub fn expanded_bytes(&self) -> usize {
        self.expanded_bytes
    }

    /// Bytes that all files take, each as often as it was included.
    pub fn file_bytes(&self) -> usize {
        self.file_bytes
    }

    /// A text by its number.
    pub fn text(&self, buffer: u32) -> &Rc<str> {
        &self.buffers[buffer as usize].text
    }

    /// The name of a file.
    pub fn name(&self, buffer: u32) -> &str {
        match &self.buffers[buffer as usize].kind {
            Kind::File { name } | Kind::Expansion { name, .. } => name,
        }
    }

    /// The file that a text belongs to: itself, or the one that asked for the expansion.
    pub fn file_of(&self, buffer: u32) -> u32 {
        let mut buffer = buffer;
        while let Buffer { kind: Kind::Expansion { .. }, parent: Some(parent), .. } = self.buffer(buffer) {
            buffer = parent.buffer;
        }
        buffer
    }

    fn buffer(&self, buffer: u32) -> &Buffer {
        &self.buffers[buffer as usize]
    }

    /// The place in a file that a place's text was written at.
    pub fn in_file(&self, location: Location) -> Location {
        let mut current = location;
        while let Buffer { kind: Kind::Expansion { origin, .. }, parent, .. } = self.buffer(current.buffer) {
            current = origin.of(current.start, current.end).or(*parent).unwrap_or_default();
        }
        current
    }

    /// What the reader has to know of a place that is not in the file itself: the expansion, and who included the file.
    pub fn context(&self, location: Location) -> Option<String> {
        let mut parts = Vec::new();
        if let Buffer { kind: Kind::Expansion { name, .. }, parent: Some(parent), .. } =
            self.buffer(location.buffer)
        {
            let line = self.line_text(location).trim();
            let place = self.place(*parent);
            parts.push(format!("in the expansion of `{name}` at {place}: `{line}`"));
        }
        if let Some(parent) = self.buffer(self.in_file(location).buffer).parent {
            parts.push(format!("included at {}", self.place(parent)));
        }
        if parts.is_empty() { None } else { Some(parts.join("; ")) }
    }

    /// `file:line:column` of a place.
    pub fn place(&self, location: Location) -> String {
        let location = self.in_file(location);
        let (line, column) = self.line_and_column(location);
        format!("{}:{line}:{column}", self.name(location.buffer))
    }

    /// Line and column, from 1, of a place in a file.
    pub fn line_and_column(&self, location: Location) -> (u32, u32) {
        let text = self.text(location.buffer);
        let start = floor(text, location.start as usize);
        let lines = self.buffer(location.buffer).lines.get_or_init(|| {
            let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(ends.map(|(index, _)| index as u32 + 1)).collect()
        });
        let line = lines.partition_point(|&first| first as usize <= start);
        let first = lines[line - 1] as usize;
        (line as u32, text[first..start].chars().count() as u32 + 1)
    }

    /// The file, as an index of [`Sources::files`]' buffers, and the line that a statement counts for: its own in
    /// a file and in a repetition; in a macro's expansion that of the call.
    pub fn statement_line(&self, location: Location) -> (u32, u32) {
        let mut current = location;
        while let Buffer { kind: Kind::Expansion { origin, shows_body, .. }, parent, .. } =
            self.buffer(current.buffer)
        {
            let own = if *shows_body { origin.of(current.start, current.end) } else { None };
            current = own.or(*parent).unwrap_or_default();
        }
        (current.buffer, self.line_and_column(current).0)
    }

    /// The files, and for each text the file's index among them.
    pub fn files(&self) -> (Vec<SourceFile>, Vec<usize>) {
        let mut files = Vec::new();
        let mut indices = Vec::new();
        for buffer in &self.buffers {
            indices.push(files.len());
            if let Kind::File { name } = &buffer.kind {
                let included_at = buffer.parent.map(|parent| {
                    let (file, line) = self.statement_line(parent);
                    (indices[file as usize], line)
                });
                files.push(SourceFile { name: name.to_string(), text: buffer.text.to_string(), included_at });
            }
        }
        (files, indices)
    }

    /// What orders messages: where each is in the file, and in the files that it includes.
    pub fn order(&self, location: Location) -> Vec<u32> {
        let mut order = Vec::new();
        let mut current = self.in_file(location);
        order.push(current.end);
        order.push(current.start);
        while let Some(parent) = self.buffer(current.buffer).parent {
            current = self.in_file(parent);
            order.push(current.start);
        }
        order.reverse();
        order
    }

    fn line_text(&self, location: Location) -> &str {
        let text = self.text(location.buffer);
        let at = floor(text, location.start as usize);
        let start = text[..at].rfind('\n').map_or(0, |index| index + 1);
        let end = text[at..].find('\n').map_or(text.len(), |index| at + index);
        &text[start..end]
    }
}

/// The nearest boundary of a character at or below an index.
pub fn floor(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}
