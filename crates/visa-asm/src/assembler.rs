//! The run through a source: line by line, into the program; then layout and bytes.

use crate::Options;
use crate::data::fits;
use crate::diagnostic::{Diagnostics, Message};
use crate::directives::MOST_ALIGNMENT;
use crate::encode::{Encoder, explain, pad_with_nops};
use crate::expression::{Addresses, Evaluator, Expression};
use crate::instructions::{Statement, is_mnemonic};
use crate::layout::{Layout, is_too_large, layout};
use crate::lexer::{Token, blank_block_comments, number};
use crate::macros::Macro;
use crate::object::Object;
use crate::operands::is_register;
use crate::parser::{Cursor, Parsed};
use crate::program::{Content, Definition, Field, Item, MOST_MESSAGES, Place, Program, SectionKind};
use crate::source::{Location, Sources};
use crate::suggest::did_you_mean;
use std::collections::BTreeMap;
use visa_isa::operand::Operand;

/// What `.option push` saves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    /// Whether compressed forms are chosen.
    pub(crate) compress: bool,
}

/// The state of a run.
pub(crate) struct Assembler<'a> {
    pub(crate) program: Program,
    pub(crate) sources: Sources,
    pub(crate) source_bytes: usize,
    pub(crate) mode: Mode,
    pub(crate) mode_stack: Vec<Mode>,
    pub(crate) section_stack: Vec<usize>,
    pub(crate) expansions: usize,
    pub(crate) ended: bool,
    macros: BTreeMap<String, Macro>,
    line: u32,
    options: &'a Options,
}

/// The highest base address: the address space does not end within any program.
const HIGHEST_BASE: u64 = u64::MAX - (1 << 40);

/// Runs through a source.
pub(crate) fn assemble(source: &str, file_name: &str, options: &Options) -> Result<Object, Diagnostics> {
    let mut assembler = Assembler {
        program: Program::new(),
        sources: Sources::default(),
        source_bytes: source.len(),
        mode: Mode { compress: options.compress },
        mode_stack: Vec::new(),
        section_stack: Vec::new(),
        expansions: 0,
        ended: false,
        macros: BTreeMap::new(),
        line: 0,
        options,
    };
    // Places are 32-bit; a source of this size is a mistake anyway.
    let most = 64 << 20;
    if source.len() > most {
        assembler.sources.add(String::new(), None);
        assembler
            .report(Message::new(Location::default(), format!("a source of more than {} MiB", most >> 20)));
        return Err(assembler.diagnostics(file_name));
    }
    assembler.sources.add(source.into(), None);
    assembler.run(0, 0);
    let result = assembler.finish();
    match result.filter(|_| assembler.program.messages.is_empty()) {
        Some(object) => Ok(object),
        None => Err(assembler.diagnostics(file_name)),
    }
}

impl Assembler<'_> {
    /// Whether there are so many errors that the rest of the file is not looked at.
    fn has_given_up(&self) -> bool {
        self.program.messages.len() >= MOST_MESSAGES
    }

    fn diagnostics(self, file_name: &str) -> Diagnostics {
        Diagnostics::new(file_name, &self.sources, self.program.messages, self.options.most_errors)
    }

    pub(crate) fn report(&mut self, message: Message) {
        self.program.report(message);
    }

    /// Adds an item to the current section.
    pub(crate) fn push(&mut self, location: Location, content: Content) {
        self.program.push(Item { location, line: self.line, content });
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
        let lines: Vec<(usize, &str)> = blanked
            .split('\n')
            .map(|line| {
                let start = offset;
                offset += line.len() + 1;
                (start, line)
            })
            .collect();
        let mut index = 0;
        while index < lines.len() && !self.ended {
            if buffer == 0 {
                self.line = index as u32 + 1;
            }
            let (start, line) = lines[index];
            let mut cursor = Cursor::new(line, buffer, start);
            index += 1;
            if let Err(message) = self.line(&mut cursor, &lines, &mut index, depth) {
                self.report(message);
                self.ended |= self.has_given_up();
            }
        }
    }

    /// One line: labels, then a directive, an assignment or an instruction. What spans lines moves `next` on.
    fn line(
        &mut self,
        cursor: &mut Cursor,
        lines: &[(usize, &str)],
        next: &mut usize,
        depth: usize,
    ) -> Parsed<()> {
        self.labels(cursor)?;
        if cursor.at_end() {
            return Ok(());
        }
        let location = cursor.location();
        let word = cursor.name("a label, an instruction or a directive")?;
        if cursor.accept(Token::Equals) {
            // `a == b` is no assignment, and the second sign is no expression: that is reported.
            return self.assign(word, location, cursor);
        }
        let name = word.to_ascii_lowercase();
        match name.as_str() {
            ".macro" => {
                let body =
                    block(lines, next, ".macro", ".endm").ok_or_else(|| unclosed(location, ".endm"))?;
                let definition = Macro::new(cursor, body)?;
                self.macros.insert(definition.name().to_string(), definition);
                Ok(())
            }
            ".rept" => {
                let body = block(lines, next, ".rept", ".endr").ok_or_else(|| unclosed(location, ".endr"))?;
                self.repeat(cursor, location, &body, depth)
            }
            _ if name.starts_with('.') => self.directive(&name, location, cursor),
            _ => match self.macros.get(&name).cloned() {
                Some(definition) => {
                    let operands = cursor.rest();
                    cursor.skip_all();
                    self.expand_macro(&definition, location, operands, depth)
                }
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

    /// Defines a label here.
    pub(crate) fn define_label(&mut self, name: &str, location: Location) -> Parsed<()> {
        let here = self.program.here();
        let id = self.program.intern(name, location);
        let first = match &self.program.symbol(id).definition {
            None => {
                self.program.symbol_mut(id).definition = Some(Definition::Label(here, location));
                return Ok(());
            }
            Some(Definition::Label(_, first)) => Some(*first),
            Some(Definition::Assigned(_)) => None,
        };
        let message = Message::new(location, format!("`{name}` is defined already"));
        Err(match first {
            Some(first) => message.help(format!("the first definition is in line {}", self.line_of(first))),
            None => message.help("it was assigned with `=`, .set or .equ"),
        })
    }

    fn line_of(&self, location: Location) -> usize {
        let (location, _) = self.sources.in_file(location);
        let text = self.sources.text(0);
        text.as_bytes()[..location.start as usize].iter().filter(|&&byte| byte == b'\n').count() + 1
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
        let is_clean = messages.is_empty() && self.program.messages.is_empty();
        messages.into_iter().for_each(|message| self.report(message));
        is_clean.then(|| self.object(&layout, images))
    }

    fn object(&self, layout: &Layout, images: Vec<Vec<u8>>) -> Object {
        Object::new(&self.program, layout, images, self.sources.text(0))
    }

    /// Symbols that expressions use and nothing defines.
    fn check_symbols(&mut self) {
        let defined = |symbol: &crate::program::Symbol| symbol.definition.is_some();
        let mut messages = Vec::new();
        for symbol in self.program.symbols() {
            if !symbol.is_used || defined(symbol) {
                continue;
            }
            let message = Message::new(symbol.first_use, format!("undefined symbol `{}`", symbol.name));
            messages.push(match is_register(&symbol.name) {
                true => message
                    .help(format!("`{}` is a register, and cannot stand in an expression", symbol.name)),
                false => {
                    let names = self
                        .program
                        .symbols()
                        .iter()
                        .filter(|other| defined(other))
                        .map(|other| other.name.as_str());
                    // Each of many undefined symbols is compared with all: only the first ones get advice.
                    let help = if messages.len() < 20 { did_you_mean(&symbol.name, names) } else { None };
                    message.help_if(help)
                }
            });
        }
        messages.into_iter().for_each(|message| self.report(message));
    }
}

fn unclosed(location: Location, end: &str) -> Message {
    Message::new(location, format!("no `{end}` follows"))
}

/// The lines up to the directive that ends a block; `next` moves behind it.
fn block(lines: &[(usize, &str)], next: &mut usize, open: &str, close: &str) -> Option<String> {
    let mut nested = 0;
    let first = *next;
    for (index, (_, line)) in lines.iter().enumerate().skip(first) {
        let word = line.split_whitespace().next().unwrap_or("");
        if word.eq_ignore_ascii_case(open) {
            nested += 1;
        } else if word.eq_ignore_ascii_case(close) && nested > 0 {
            nested -= 1;
        } else if word.eq_ignore_ascii_case(close) {
            *next = index + 1;
            let body: Vec<&str> = lines[first..index].iter().map(|(_, line)| *line).collect();
            return Some(body.iter().map(|line| format!("{line}\n")).collect());
        }
    }
    *next = lines.len();
    None
}

/// The bytes of a section.
fn emit(
    program: &Program,
    index: usize,
    addresses: &Addresses,
    evaluator: &Evaluator,
    messages: &mut Vec<Message>,
) -> Vec<u8> {
    let section = &program.sections[index];
    let offsets = &addresses.offsets[index];
    let mut out = Vec::new();
    for (item_index, item) in section.items.iter().enumerate() {
        let place = Place { section: index, item: item_index };
        let size = offsets[item_index + 1] - offsets[item_index];
        let start = out.len();
        let is_zero = section.kind == SectionKind::Zero;
        if is_zero {
            check_zero(item, evaluator, place, messages);
            continue;
        }
        if let Err(message) = emit_item(item, place, size, addresses, evaluator, &mut out) {
            messages.extend(message.map(|message| *message));
        }
        // Only an item with an error has another size than the layout gave it.
        out.resize(start + size as usize, 0);
    }
    out
}

fn check_zero(item: &Item, evaluator: &Evaluator, place: Place, messages: &mut Vec<Message>) {
    let is_zero = match &item.content {
        Content::Align { .. } | Content::Origin(..) => true,
        Content::Bytes(bytes) => bytes.iter().all(|&byte| byte == 0),
        Content::Fill { value, .. } => evaluator.number(value, place) == Ok(0),
        Content::Values(_, list) => list.iter().all(|(value, _)| evaluator.number(value, place) == Ok(0)),
        Content::Code(_) => false,
    };
    if !is_zero {
        let message = "this section holds zeros alone";
        messages.push(Message::new(item.location, message).help("put it into .data, .rodata or .text"));
    }
}

fn emit_item(
    item: &Item,
    place: Place,
    size: u64,
    addresses: &Addresses,
    evaluator: &Evaluator,
    out: &mut Vec<u8>,
) -> Result<(), Option<Box<Message>>> {
    let end = out.len() + size as usize;
    match &item.content {
        Content::Bytes(bytes) => out.extend_from_slice(bytes),
        Content::Values(width, list) => {
            for (expression, location) in list {
                let number = value(evaluator, expression, place, *location, *width)?;
                out.extend_from_slice(&number.to_le_bytes()[..usize::from(*width)]);
            }
        }
        Content::Fill { width, value: expression, .. } => {
            let number = value(evaluator, expression, place, item.location, *width)?;
            let unit = &number.to_le_bytes()[..usize::from(*width)];
            out.extend(unit.iter().cycle().take(size as usize));
        }
        Content::Align { fill: Some(fill), .. } | Content::Origin(_, fill) => out.resize(end, *fill),
        Content::Align { compress, .. } => match evaluator.section_kind(place) {
            SectionKind::Code => pad_with_nops(out, end, *compress),
            _ => out.resize(end, 0),
        },
        Content::Code(code) => {
            let address = addresses.of(place);
            Encoder { evaluator, place, address }.bytes(code, size, out)?;
        }
    }
    Ok(())
}

fn value(
    evaluator: &Evaluator,
    expression: &Expression,
    place: Place,
    location: Location,
    width: u8,
) -> Result<i64, Option<Box<Message>>> {
    let field = Field { operand: Operand::ImmI, value: expression.clone(), location };
    let number = evaluator.number(expression, place).map_err(|failure| explain(failure, &field))?;
    if width > 0 && !fits(number, width) {
        let bytes = if width == 1 { "a byte".into() } else { format!("{width} bytes") };
        let message = format!("{number} does not fit {bytes}");
        let most = (1u64 << (u32::from(width) * 8)) - 1;
        let least = 1u64 << (u32::from(width) * 8 - 1);
        return Err(Some(Box::new(
            Message::new(location, message).expected(format!("expected -{least:#x} to {most:#x}")),
        )));
    }
    Ok(number)
}
