//! What is wrong with a source, and how it is shown.

use crate::source::{Location, Sources};
use ariadne::{Config, IndexType, Label, Report, ReportKind, Source};
use std::fmt;
use std::ops::Range;

/// A message about a place, before the place is resolved.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) location: Location,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
}

impl Message {
    /// A message whose place says nothing more.
    pub(crate) fn new(location: Location, message: impl Into<String>) -> Self {
        Message { location, message: message.into(), label: String::new(), help: None }
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

/// One error of a source file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// The bytes of the source that it is about.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What was expected there; may be empty.
    pub label: String,
    /// Advice, such as a name that is close.
    pub help: Option<String>,
}

/// The errors of a source file, in the order of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostics {
    file_name: String,
    source: String,
    list: Vec<Diagnostic>,
    left_out: usize,
}

impl Diagnostics {
    pub(crate) fn new(file_name: &str, sources: &Sources, messages: Vec<Message>, most: usize) -> Self {
        let source = sources.text(0).to_string();
        let mut list: Vec<Diagnostic> =
            messages.into_iter().map(|message| resolve(sources, &source, message)).collect();
        list.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
        list.dedup();
        let left_out = list.len().saturating_sub(most);
        list.truncate(most);
        Diagnostics { file_name: file_name.into(), source, list, left_out }
    }

    /// The errors.
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// The errors with the lines that they are about, for a terminal (`color`) or a file.
    pub fn render(&self, color: bool) -> String {
        let mut out = Vec::new();
        let mut cache = (self.file_name.as_str(), Source::from(self.source.as_str()));
        for diagnostic in &self.list {
            // Writing to memory does not fail; a place outside of the source would, and shows nothing.
            let _ = self.report(diagnostic, color).write(&mut cache, &mut out);
        }
        let mut text = String::new();
        for line in String::from_utf8_lossy(&out).lines() {
            text += line.trim_end();
            text.push('\n');
        }
        if self.left_out > 0 {
            text += &format!("and at least {} more errors\n", self.left_out);
        }
        text
    }

    fn report<'a>(&'a self, diagnostic: &Diagnostic, color: bool) -> Report<'a, (&'a str, Range<usize>)> {
        let span = (self.file_name.as_str(), diagnostic.span.clone());
        let label = match diagnostic.label.as_str() {
            "" => Label::new(span.clone()).with_message("here"),
            text => Label::new(span.clone()).with_message(text),
        };
        let config = Config::default().with_color(color).with_index_type(IndexType::Byte);
        let mut report = Report::build(ReportKind::Error, span)
            .with_config(config)
            .with_message(&diagnostic.message)
            .with_label(label);
        if let Some(help) = &diagnostic.help {
            report = report.with_help(help);
        }
        report.finish()
    }
}

fn resolve(sources: &Sources, source: &str, message: Message) -> Diagnostic {
    let (location, expansion) = sources.in_file(message.location);
    let start = floor(source, location.start as usize);
    let end = floor(source, location.end as usize).max(start);
    let line_start = source[..start].rfind('\n').map_or(0, |index| index + 1);
    let help = match (expansion, message.help) {
        (Some(expansion), Some(help)) => Some(format!("{help} ({expansion})")),
        (expansion, help) => help.or(expansion),
    };
    Diagnostic {
        line: source.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count() as u32 + 1,
        column: source[line_start..start].chars().count() as u32 + 1,
        span: start..end,
        message: message.message,
        label: message.label,
        help,
    }
}

/// The nearest boundary of a character at or below an index.
fn floor(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

impl fmt::Display for Diagnostics {
    /// One line for each error: `file:line:column: message (expected; advice)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.list.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            let Diagnostic { line, column, message, label, help, .. } = diagnostic;
            write!(f, "{end}{}:{line}:{column}: {message}", self.file_name)?;
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
