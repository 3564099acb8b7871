//! The page that the story is written on: colours and box drawing for a terminal, plain ASCII otherwise.

use std::io::IsTerminal;

use super::source::Source;

/// Columns of a page: those of the narrowest terminal that is usual.
pub const WIDTH: usize = 80;
/// Columns of the arrow before a line of source, and of a comment behind one at least.
const ARROW: usize = 4;
const COMMENT_LEAST: usize = 16;
/// Columns of the label before a step.
const LABEL: usize = 10;

/// What a page can use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Means {
    /// Colours.
    pub colour: bool,
    /// Box drawing and arrows, beyond ASCII.
    pub boxes: bool,
}

impl Means {
    /// Those of standard output: all on a terminal, but no colour if NO_COLOR is set; none elsewhere.
    pub fn of_output() -> Means {
        let boxes = std::io::stdout().is_terminal();
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Means { colour: boxes && !is_unwanted, boxes }
    }
}

/// What a text is about, which gives it its colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ink {
    /// Headings.
    Heading,
    /// What matters less.
    Faint,
    /// Ring 0 and Ring 3.
    Guest,
    /// Ring -1.
    Hypervisor,
    /// What the hardware does.
    Hardware,
    /// A result.
    Result,
}

impl Ink {
    /// Parameters of the terminal's "select graphic rendition".
    const fn code(self) -> &'static str {
        match self {
            Ink::Heading => "1",
            Ink::Faint => "2",
            Ink::Guest => "32",
            Ink::Hypervisor => "35",
            Ink::Hardware => "33",
            Ink::Result => "1;36",
        }
    }
}

/// Who does a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// The guest's user program.
    User,
    /// The guest's kernel.
    Kernel,
    /// The hardware, on the way down.
    Down,
    /// The hypervisor.
    Hypervisor,
    /// The hardware, on the way up.
    Up,
}

/// A page.
pub struct Page {
    means: Means,
    text: String,
}

impl Page {
    /// An empty one.
    pub fn new(means: Means) -> Page {
        Page { means, text: String::new() }
    }

    /// What has been written since the last time.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// A text in its colour.
    pub fn ink(&self, ink: Ink, text: &str) -> String {
        match self.means.colour {
            true => format!("\x1b[{}m{text}\x1b[0m", ink.code()),
            false => text.into(),
        }
    }

    /// One of two texts: with box drawing and arrows, or in ASCII.
    pub fn choose<'a>(&self, boxes: &'a str, ascii: &'a str) -> &'a str {
        if self.means.boxes { boxes } else { ascii }
    }

    /// A line.
    pub fn line(&mut self, text: &str) {
        self.text += text.trim_end();
        self.text.push('\n');
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// A heading with a rule, after an empty line.
    pub fn heading(&mut self, text: &str) {
        self.gap();
        let rule = self.choose("━", "=").repeat(WIDTH - text.chars().count() - 5);
        let start = self.choose("━━━", "===").to_owned();
        let line = format!(
            "{} {} {}",
            self.ink(Ink::Faint, &start),
            self.ink(Ink::Heading, text),
            self.ink(Ink::Faint, &rule)
        );
        self.line(&line);
    }

    /// A paragraph, wrapped.
    pub fn prose(&mut self, text: &str) {
        for line in wrap(text, WIDTH - 2) {
            self.line(&format!("  {line}"));
        }
    }

    /// A remark, wrapped: it matters less.
    pub fn remark(&mut self, text: &str) {
        for line in wrap(text, WIDTH - 2) {
            let line = self.ink(Ink::Faint, &line);
            self.line(&format!("  {line}"));
        }
    }

    /// A result: what the reader should take away.
    pub fn result(&mut self, text: &str) {
        let arrow = self.choose("▶ ", "> ").to_owned();
        for (index, line) in wrap(text, WIDTH - 4).into_iter().enumerate() {
            let start = if index == 0 { arrow.as_str() } else { "  " };
            let line = self.ink(Ink::Result, &format!("{start}{line}"));
            self.line(&format!("  {line}"));
        }
    }

    /// Lines of the guest's source; some of them are the ones that it is about.
    pub fn source(&mut self, source: &Source, lines: impl IntoIterator<Item = u32>, marked: &[u32]) {
        let mut lines: Vec<u32> = lines.into_iter().collect();
        lines.retain(|line| !source.code(*line).trim().is_empty());
        // The indentation that they have in common is not shown.
        let indentation = |line: &u32| source.code(*line).len() - source.code(*line).trim_start().len();
        let margin = lines.iter().map(indentation).min().unwrap_or(0);
        let width = lines.iter().map(|line| source.code(*line).len() - margin).max().unwrap_or(0);
        let code_width = ARROW + 1 + width;
        let room = WIDTH.saturating_sub(code_width + "  ; ".len()).max(COMMENT_LEAST);
        for line in lines {
            let is_marked = marked.contains(&line);
            let arrow = if is_marked { self.choose("──▶", "-->") } else { "" };
            let code = format!("{arrow:>ARROW$} {:<width$}", &source.code(line)[margin..]);
            let code = if is_marked { self.ink(Ink::Guest, &code) } else { code };
            let comment = source.comment(line);
            if comment.is_empty() {
                self.line(&code);
                continue;
            }
            for (index, part) in wrap(comment, room).into_iter().enumerate() {
                let code = if index == 0 { code.clone() } else { " ".repeat(code_width) };
                let comment = self.ink(Ink::Faint, &format!("; {part}"));
                self.line(&format!("{code}  {comment}"));
            }
        }
    }

    /// A step of what happens.
    pub fn step(&mut self, lane: Lane, text: &str) {
        let (label, ink) = match lane {
            Lane::User => ("Ring 3", Ink::Guest),
            Lane::Kernel => ("Ring 0", Ink::Guest),
            Lane::Down => (" exit", Ink::Hardware),
            Lane::Hypervisor => ("Ring -1", Ink::Hypervisor),
            Lane::Up => (" resume", Ink::Hardware),
        };
        let mark = match lane {
            Lane::Down => self.choose("▼", "v"),
            Lane::Up => self.choose("▲", "^"),
            _ => self.choose("│", "|"),
        };
        let start = self.ink(ink, &format!("  {label:<LABEL$}{mark}"));
        let more = self.ink(ink, &format!("  {:<LABEL$}{}", "", self.choose("│", "|")));
        for (index, line) in wrap(text, WIDTH - LABEL - 4).into_iter().enumerate() {
            let start = if index == 0 { &start } else { &more };
            self.line(&format!("{start} {line}"));
        }
    }

    /// A step of the hardware or the hypervisor: what, and with which values; beside it if they fit there, else below.
    pub fn flow(&mut self, ink: Ink, label: &str, what: &str, values: &[String]) {
        const WHAT: usize = 37;
        const BELOW: usize = 4;
        let bar = self.choose("│", "|").to_owned();
        let fits = |room: usize| values.iter().all(|value| value.chars().count() <= room);
        let before = 2 + LABEL + 1 + 1;
        let is_beside = fits(WIDTH - (before + WHAT + 1));
        let column = if is_beside { WHAT } else { BELOW };
        if !is_beside {
            let line = self.ink(ink, &format!("  {label:<LABEL$}{bar} {what}"));
            self.line(&line);
        }
        let lines = values.iter().flat_map(|value| wrap(value, WIDTH - (before + column + 1)));
        for (index, value) in lines.enumerate() {
            let (label, what) = if index == 0 && is_beside { (label, what) } else { ("", "") };
            let start = self.ink(ink, &format!("  {label:<LABEL$}{bar} {what:<column$}"));
            self.line(&format!("{start} {value}"));
        }
    }
}

/// Cuts a text into lines, at spaces. Several spaces stay as they are.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut columns = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        let line = lines.last_mut().expect("there is always a line");
        if columns != 0 && columns + 1 + length > width {
            lines.push(word.into());
            columns = length;
            continue;
        }
        if columns != 0 || !line.is_empty() {
            line.push(' ');
            columns += 1;
        }
        line.push_str(word);
        columns += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_cut_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a-word-too-long b", 4), ["a-word-too-long", "b"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn without_means_a_page_is_plain() {
        let mut page = Page::new(Means { colour: false, boxes: false });
        page.heading("One");
        page.result("Two");
        page.step(Lane::Down, "Three");
        let text = page.take();
        assert!(text.is_ascii(), "{text}");
        assert!(text.contains("\n=== One ==="), "{text}");
        assert!(text.ends_with("  > Two\n   exit     v Three\n"), "{text}");
    }
}
