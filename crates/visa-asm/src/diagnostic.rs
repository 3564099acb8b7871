//! What is wrong with a source, and how it is shown.

use crate::source::{Location, Sources, floor};
use crate::visible::{Visible, visible};
use ariadne::{Config, IndexType, Label, Report, ReportKind, Source};
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

/// How bad something is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Severity {
    /// There is no program.
    Error,
    /// There is a program, but probably not the one that was meant.
    Warning,
}

/// A message about a place, before the place is resolved.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) severity: Severity,
    pub(crate) location: Location,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
}

impl Message {
    /// An error whose place says nothing more.
    pub(crate) fn new(location: Location, message: impl Into<String>) -> Self {
        let severity = Severity::Error;
        Message { severity, location, message: message.into(), label: String::new(), help: None }
    }

    /// A warning.
    pub(crate) fn warning(location: Location, message: impl Into<String>) -> Self {
        Message { severity: Severity::Warning, ..Message::new(location, message) }
    }

    /// With words at the place itself: what was expected there.
    pub(crate) fn expected(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With advice.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With advice, if there is some.
    pub(crate) fn help_if(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

/// One error or warning. What it quotes of the source has its control characters made visible.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The file that it is about.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// The bytes of the file that it is about.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What was expected there; may be empty.
    pub label: String,
    /// Advice, such as a name that is close, and how the place came to be read.
    pub help: Option<String>,
    /// The line as it is shown, and the part of it to point at.
    excerpt: (String, Range<usize>),
}

/// Errors and warnings, in the order of the source.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    left_out: usize,
}

impl Diagnostics {
    pub(crate) fn new(sources: &Sources, mut messages: Vec<Message>, most: usize) -> Self {
        messages.sort_by_cached_key(|message| sources.order(message.location));
        let left_out = messages.len().saturating_sub(most);
        let shown = messages.into_iter().take(most);
        let mut list: Vec<Diagnostic> = shown.map(|message| resolve(sources, message)).collect();
        list.dedup();
        Diagnostics { list, left_out }
    }

    /// The errors and warnings.
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Each with the line that it is about, for a terminal (`color`) or a file.
    pub fn render(&self, color: bool) -> String {
        let (pages, spans) = self.pages();
        let sources: Vec<_> = pages.iter().map(|page| Source::from(page.text.as_str())).collect();
        let mut text = String::new();
        for (diagnostic, (page, span)) in self.list.iter().zip(spans) {
            for line in diagnostic.render(&pages[page].file, &sources[page], span, color).lines() {
                text += line.trim_end();
                text.push('\n');
            }
        }
        if self.left_out > 0 {
            text += &format!("and at least {} more errors\n", self.left_out);
        }
        text
    }

    /// What is shown of the files, and for each diagnostic the page that it is on and its place there.
    fn pages(&self) -> (Vec<Page>, Vec<(usize, Range<usize>)>) {
        let mut pages: Vec<Page> = Vec::new();
        let mut open: HashMap<&str, usize> = HashMap::new();
        let mut spans = Vec::new();
        for diagnostic in &self.list {
            let (line, span) = &diagnostic.excerpt;
            let fits = |&index: &usize| pages[index].takes(diagnostic.line, line);
            let index = open.get(diagnostic.file.as_str()).copied().filter(fits).unwrap_or_else(|| {
                pages.push(Page { file: visible(&diagnostic.file), text: String::new(), line: 1, start: 0 });
                pages.len() - 1
            });
            open.insert(&diagnostic.file, index);
            let start = pages[index].show(diagnostic.line, line);
            spans.push((index, start + span.start..start + span.end));
        }
        (pages, spans)
    }
}

/// A file of which only some lines are shown: the others are empty, so that each has its number.
struct Page {
    file: String,
    text: String,
    /// The number of the last line, and where it begins.
    line: u32,
    start: usize,
}

impl Page {
    /// Whether a line can come next.
    fn takes(&self, number: u32, line: &str) -> bool {
        number > self.line || number == self.line && [line, ""].contains(&&self.text[self.start..])
    }

    /// Adds a line; returns where it begins.
    fn show(&mut self, number: u32, line: &str) -> usize {
        if number > self.line {
            self.text.extend(std::iter::repeat_n('\n', (number - self.line) as usize));
            (self.line, self.start) = (number, self.text.len());
        }
        self.text.truncate(self.start);
        self.text += line;
        self.start
    }
}

impl Diagnostic {
    fn render(&self, file: &str, source: &Source<&str>, span: Range<usize>, color: bool) -> String {
        let mut out = Vec::new();
        // Writing to memory does not fail; a place outside of the source would, and shows nothing.
        let _ = self.report(file, span, color).write((file, source), &mut out);
        let text = String::from_utf8_lossy(&out).into_owned();
        // A line that is too long is shown in part, and begins elsewhere.
        let (line, shown) = &self.excerpt;
        let column = line.get(..shown.start).map_or(0, |before| before.chars().count()) + 1;
        let place = |column: usize| format!("{file}:{}:{column} ", self.line);
        text.replacen(&place(column), &place(self.column as usize), 1)
    }

    fn report<'a>(
        &self,
        file: &'a str,
        span: Range<usize>,
        color: bool,
    ) -> Report<'a, (&'a str, Range<usize>)> {
        let label = match self.label.as_str() {
            "" => Label::new((file, span.clone())).with_message("here"),
            text => Label::new((file, span.clone())).with_message(text),
        };
        let config = Config::default().with_color(color).with_index_type(IndexType::Byte);
        let kind = match self.severity {
            Severity::Error => ReportKind::Error,
            Severity::Warning => ReportKind::Warning,
        };
        let mut report = Report::build(kind, (file, span))
            .with_config(config)
            .with_message(&self.message)
            .with_label(label);
        if let Some(help) = &self.help {
            report = report.with_help(help);
        }
        report.finish()
    }
}

fn resolve(sources: &Sources, message: Message) -> Diagnostic {
    let location = sources.in_file(message.location);
    let source = sources.text(location.buffer);
    let start = floor(source, location.start as usize);
    let end = floor(source, location.end as usize).max(start);
    let (line, column) = sources.line_and_column(location);
    let help = match (sources.context(message.location), message.help) {
        (Some(context), Some(help)) => Some(format!("{help} ({context})")),
        (context, help) => help.or(context),
    };
    Diagnostic {
        severity: message.severity,
        file: sources.name(location.buffer).into(),
        line,
        column,
        span: start..end,
        message: visible(&message.message),
        label: visible(&message.label),
        help: help.as_deref().map(visible),
        excerpt: excerpt(source, start, end),
    }
}

/// The line of a place as it can be shown, and the place in it. Of a line that is long beyond reading, what is near.
fn excerpt(source: &str, start: usize, end: usize) -> (String, Range<usize>) {
    const NEAR: usize = 2000;
    let line_start = source[..start].rfind('\n').map_or(0, |index| index + 1);
    let line_end = source[start..].find('\n').map_or(source.len(), |index| start + index);
    let from = floor(source, line_start.max(start.saturating_sub(NEAR)));
    let to = floor(source, line_end.min(start.saturating_add(NEAR)));
    let line = Visible::new(source[from..to].trim_end_matches('\r'));
    let last = end.clamp(start, to);
    (line.text().into(), line.position(start - from)..line.position(last - from))
}

impl fmt::Display for Diagnostics {
    /// One line for each: `file:line:column: message: expected; advice`; a warning says so before its message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.list.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            let Diagnostic { severity, file, line, column, message, label, help, .. } = diagnostic;
            let warning = if *severity == Severity::Warning { "warning: " } else { "" };
            write!(f, "{end}{}:{line}:{column}: {warning}{message}", visible(file))?;
            if !message.starts_with(label) {
                write!(f, ": {label}")?;
            }
            if let Some(help) = help {
                write!(f, "; {help}")?;
            }
        }
        match self.left_out {
            0 => Ok(()),
            count => write!(f, "\nand at least {count} more errors"),
        }
    }
}

impl std::error::Error for Diagnostics {}
