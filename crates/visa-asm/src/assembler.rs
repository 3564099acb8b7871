//! The run through a source: line by line, into the program; then layout and bytes.

use crate::conditional::{Conditions, is_conditional};
use crate::diagnostic::{Diagnostics, Message};
use crate::directives::MOST_ALIGNMENT;
use crate::emit::emit;
use crate::evaluate::Evaluator;
use crate::files::{Files, MOST_SOURCE_BYTES};
use crate::instructions::{Statement, is_mnemonic};
use crate::layout::{Layout, is_too_large, layout};
use crate::lexer::{Token, blank_block_comments, number};
use crate::object::Object;
use crate::options::Options;
use crate::parser::{Cursor, Parsed};
use crate::program::{Content, MOST_MESSAGES, Program, Symbol};
use crate::registers::is_register;
use crate::source::{Kind, Location, Sources};
use crate::state::{Assembler, Lines, Mode};
use std::collections::{BTreeMap, HashMap};

/// The highest base address: the address space does not end within any program.
const HIGHEST_BASE: u64 = u64::MAX - (1 << 40);

/// Runs through a source.
pub(crate) fn assemble(
    source: &str,
    file_name: &str,
    options: &Options,
    files: &dyn Files,
) -> Result<Object, Diagnostics> {
    let mut assembler = Assembler {
        program: Program::new(),
        sources: Sources::default(),
        mode: Mode { compress: options.compress },
        mode_stack: Vec::new(),
        section_stack: Vec::new(),
        expansions: 0,
        ended: false,
        exited: false,
        macros: BTreeMap::new(),
        files,
        read: HashMap::new(),
        binary_bytes: 0,
        options,
    };
    let kind = Kind::File { name: file_name.into() };
    // Places are 32-bit; a source of this size is a mistake anyway.
    if source.len() as u64 > MOST_SOURCE_BYTES {
        assembler.sources.add("", kind, None);
        let message = format!("a source of more than {} MiB", MOST_SOURCE_BYTES >> 20);
        assembler.report(Message::new(Location::default(), message));
        return Err(assembler.diagnostics());
    }
    assembler.sources.add(source, kind, None);
    assembler.run(0, 0);
    let result = assembler.finish();
    match result.filter(|_| !assembler.program.has_errors) {
        Some(mut object) => {
            object.warnings = assembler.diagnostics();
            Ok(object)
        }
        None => Err(assembler.diagnostics()),
    }
}

impl Assembler<'_> {
    /// Whether there are so many errors that the rest of the file is not looked at.
    fn has_given_up(&self) -> bool {
        self.program.messages.len() >= MOST_MESSAGES
    }

    fn diagnostics(self) -> Diagnostics {
        Diagnostics::new(&self.sources, self.program.messages, self.options.most_errors)
    }

    /// Assembles a text, line by line.
    pub(crate) fn run(&mut self, buffer: u32, depth: usize) {
        let text = self.sources.text(buffer).clone();
        let blanked = match blank_block_comments(&text) {
            Ok(blanked) => blanked,
            Err(start) => {
                let location = Location { buffer, start: start as u32, end: start as u32 + 2 };
                self.report(Message::new(location, "this comment is not closed").expected("expected `*/`"));
                text[..start].to_string()
            }
        };
        let mut offset = 0;
        let list = blanked.split('\n').map(|line| {
            let start = offset;
            offset += line.len() + 1;
            (start, line)
        });
        let mut lines =
            Lines { buffer, list: list.collect(), next: 0, depth, conditions: Conditions::default() };
        while let Some(&(start, line)) = lines.list.get(lines.next)
            && !self.ended
            && !self.exited
        {
            lines.next += 1;
            let is_passed_over = !lines.conditions.is_active() && !is_conditional(line);
            if is_passed_over || line.trim_ascii().is_empty() {
                continue;
            }
            let mut cursor = Cursor::new(line, buffer, start);
            if let Err(message) = self.line(&mut cursor, &mut lines) {
                self.report(message);
            }
            self.ended |= self.has_given_up();
        }
        let unclosed = lines.conditions.unclosed().filter(|_| !self.ended && !self.exited);
        unclosed.into_iter().for_each(|message| self.report(message));
    }

    /// One line: labels, then a directive, an assignment or an instruction. What spans lines moves on in them.
    fn line(&mut self, cursor: &mut Cursor, lines: &mut Lines) -> Parsed<()> {
        self.labels(cursor)?;
        if cursor.at_end() {
            return Ok(());
        }
        let location = cursor.location();
        let word = cursor.name("a label, an instruction or a directive")?;
        if cursor.accept(Token::Equals) {
            return self.assign(word, location, cursor);
        }
        let name = word.to_ascii_lowercase();
        match name.as_str() {
            ".macro" => self.define_macro(cursor, location, lines),
            ".rept" | ".irp" | ".irpc" => self.repetition(&name, cursor, location, lines),
            ".include" => self.include(cursor, location, lines.depth),
            ".exitm" => {
                cursor.expect_end()?;
                self.exited = self.sources.file_of(lines.buffer) != lines.buffer;
                match self.exited {
                    true => Ok(()),
                    false => Err(Message::new(location, ".exitm outside of a macro")),
                }
            }
            _ if is_conditional(&name) => self.condition(&name, cursor, location, &mut lines.conditions),
            _ if name.starts_with('.') && !self.macros.contains_key(&name) => {
                self.directive(&name, location, cursor)
            }
            _ => match self.macros.get(&name).cloned() {
                Some(definition) => self.expand_macro(&definition, location, cursor, lines.depth),
                None => self.instruction(name, location, cursor),
            },
        }
    }

    fn labels(&mut self, cursor: &mut Cursor) -> Parsed<()> {
        while cursor.peek_at(1) == Some(Token::Colon) {
            let (location, text) = (cursor.location(), cursor.text());
            match cursor.peek() {
                Some(Token::Name) => {
                    if let Err(message) = self.define_label(text, location) {
                        self.report(message);
                    }
                }
                Some(Token::Number) => {
                    let number = number(text)
                        .ok_or_else(|| Message::new(location, "the label's number is too large"))?;
                    self.program.define_local(number);
                }
                _ => break,
            }
            cursor.advance();
            cursor.advance();
        }
        Ok(())
    }

    fn instruction(&mut self, mnemonic: String, location: Location, cursor: &mut Cursor) -> Parsed<()> {
        // What is no mnemonic is said first: its operands may be anything.
        if !is_mnemonic(&mnemonic) {
            cursor.skip_all();
        }
        let arguments = cursor.arguments(&mut self.program)?;
        let statement = Statement { mnemonic, location, arguments, compress: self.mode.compress };
        let code = statement.assemble(&mut self.program, self.macros.keys().map(String::as_str))?;
        self.push(location, Content::Code(code));
        Ok(())
    }

    /// Layout and bytes. Errors go to the messages.
    fn finish(&mut self) -> Option<Object> {
        // Symbols of a file that was not read to its end would seem undefined.
        if self.has_given_up() {
            return None;
        }
        self.check_symbols();
        let mut messages = Vec::new();
        let alignment = self.options.alignment.clamp(1, MOST_ALIGNMENT);
        let base = self.options.base;
        if base > HIGHEST_BASE {
            let message = format!("the base address {base:#x} leaves no room for a program");
            self.report(Message::new(Location::default(), message));
            return None;
        }
        let layout = layout(&self.program, base, alignment, &mut messages);
        let is_too_large = is_too_large(&self.program, &layout.addresses);
        let mut images = Vec::new();
        if !is_too_large {
            let evaluator = Evaluator::new(&self.program, Some(&layout.addresses));
            for index in 0..self.program.sections.len() {
                images.push(emit(&self.program, index, &layout.addresses, &evaluator, &mut messages));
            }
        }
        let is_clean = messages.is_empty() && !self.program.has_errors;
        messages.into_iter().for_each(|message| self.report(message));
        is_clean.then(|| self.object(&layout, images))
    }

    fn object(&self, layout: &Layout, images: Vec<Vec<u8>>) -> Object {
        Object::new(&self.program, layout, images, &self.sources)
    }

    /// Symbols that expressions use and nothing defines.
    fn check_symbols(&mut self) {
        let has_value = |symbol: &Symbol| symbol.definition.is_some() || symbol.predefined.is_some();
        let mut messages = Vec::new();
        for symbol in self.program.symbols() {
            if !symbol.is_used || symbol.is_reported || has_value(symbol) {
                continue;
            }
            let message = Message::new(symbol.first_use, format!("undefined symbol `{}`", symbol.name));
            messages.push(match is_register(&symbol.name) {
                true => message
                    .help(format!("`{}` is a register, and cannot stand in an expression", symbol.name)),
                // Each of many undefined symbols is compared with all: only the first ones get advice.
                false if messages.len() < 20 => message.help_if(self.similar_symbol(&symbol.name)),
                false => message,
            });
        }
        messages.into_iter().for_each(|message| self.report(message));
    }
}
