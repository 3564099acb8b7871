//! Statements that begin with a dot.

use crate::conditional::CONDITIONALS;
use crate::diagnostic::Message;
use crate::evaluate::{Evaluator, Failure};
use crate::expression::Expression;
use crate::lexer::Token;
use crate::parser::{Cursor, Parsed};
use crate::program::{Content, Definition, SectionKind, SymbolKind};
use crate::source::Location;
use crate::state::{Assembler, Mode};
use crate::suggest::did_you_mean;

/// Directives that other assemblers and compilers write, and that mean nothing here.
const QUIET: &[&str] = &[
    ".file",
    ".ident",
    ".attribute",
    ".loc",
    ".addrsig",
    ".addrsig_sym",
    ".local",
    ".hidden",
    ".internal",
    ".protected",
    ".title",
    ".version",
    ".eject",
    ".p2alignl",
];

/// Directives that are known, for advice; those of [`QUIET`] and [`CONDITIONALS`] are, too.
const KNOWN: &[&str] = &[
    ".2byte",
    ".4byte",
    ".8byte",
    ".align",
    ".ascii",
    ".asciz",
    ".balign",
    ".bss",
    ".byte",
    ".comm",
    ".data",
    ".double",
    ".dword",
    ".end",
    ".endm",
    ".endmacro",
    ".endr",
    ".equ",
    ".equiv",
    ".err",
    ".error",
    ".exitm",
    ".fill",
    ".float",
    ".global",
    ".globl",
    ".half",
    ".incbin",
    ".include",
    ".insn",
    ".int",
    ".irp",
    ".irpc",
    ".lcomm",
    ".long",
    ".macro",
    ".option",
    ".org",
    ".p2align",
    ".popsection",
    ".previous",
    ".purgem",
    ".pushsection",
    ".quad",
    ".rept",
    ".rodata",
    ".section",
    ".set",
    ".short",
    ".single",
    ".size",
    ".skip",
    ".sleb128",
    ".space",
    ".string",
    ".text",
    ".type",
    ".uleb128",
    ".warning",
    ".weak",
    ".word",
    ".zero",
];

/// The most sections: indices of symbols are 16 bits in ELF, and its last ones mean something else.
const MOST_SECTIONS: usize = 60_000;

/// The largest alignment.
pub(crate) const MOST_ALIGNMENT: u64 = 1 << 20;

impl Assembler<'_> {
    /// A directive; the cursor stands behind its name.
    pub(crate) fn directive(&mut self, name: &str, location: Location, cursor: &mut Cursor) -> Parsed<()> {
        match name {
            ".text" => self.enter(".text", SectionKind::Code, cursor),
            ".data" => self.enter(".data", SectionKind::Data, cursor),
            ".rodata" => self.enter(".rodata", SectionKind::ReadOnly, cursor),
            ".bss" => self.enter(".bss", SectionKind::Zero, cursor),
            ".section" => self.section(cursor),
            ".pushsection" => {
                self.section_stack.push(self.program.current);
                self.section(cursor)
            }
            ".popsection" => {
                let popped = self.section_stack.pop();
                self.program.current =
                    popped.ok_or_else(|| Message::new(location, ".popsection without .pushsection"))?;
                cursor.expect_end()
            }
            ".previous" => {
                std::mem::swap(&mut self.program.current, &mut self.program.previous);
                cursor.expect_end()
            }
            ".globl" | ".global" | ".weak" => self.global(cursor),
            ".align" | ".p2align" => self.align(cursor, location, true),
            ".balign" => self.align(cursor, location, false),
            ".byte" => self.values(cursor, location, 1),
            ".half" | ".short" | ".2byte" => self.values(cursor, location, 2),
            ".word" | ".long" | ".int" | ".4byte" => self.values(cursor, location, 4),
            ".dword" | ".quad" | ".8byte" => self.values(cursor, location, 8),
            ".float" | ".single" => self.fractions(cursor, location, 4),
            ".double" => self.fractions(cursor, location, 8),
            ".ascii" => self.strings(cursor, location, false),
            ".asciz" | ".string" => self.strings(cursor, location, true),
            ".space" | ".zero" | ".skip" => self.space(cursor, location),
            ".fill" => self.fill(cursor, location),
            ".org" => self.origin(cursor, location),
            ".equ" | ".set" | ".equiv" => {
                let at = cursor.location();
                let symbol = cursor.name("a symbol")?;
                cursor.expect(Token::Comma, "`,`")?;
                self.assign(symbol, at, cursor)
            }
            ".option" => self.option(cursor),
            ".insn" => self.insn(cursor, location),
            ".type" => self.symbol_type(cursor),
            ".size" => self.symbol_size(cursor),
            ".comm" | ".lcomm" => self.common(cursor, location, name == ".comm"),
            ".endm" | ".endmacro" | ".endr" => {
                let start = if name == ".endr" { ".rept, .irp or .irpc" } else { ".macro" };
                Err(Message::new(location, format!("{name} without {start}")))
            }
            ".incbin" => self.incbin(cursor, location),
            ".uleb128" => self.leb128(cursor, false),
            ".sleb128" => self.leb128(cursor, true),
            ".purgem" => self.forget_macro(cursor),
            ".error" | ".err" | ".warning" => self.remark(name, cursor, location),
            ".end" => {
                self.ended = true;
                cursor.skip_all();
                Ok(())
            }
            _ if QUIET.contains(&name) || name.starts_with(".cfi_") => {
                cursor.skip_all();
                Ok(())
            }
            _ => Err(Message::new(location, format!("unknown directive `{name}`"))
                .help_if(did_you_mean(name, KNOWN.iter().chain(QUIET).chain(CONDITIONALS).copied()))),
        }
    }

    /// `.error` and `.warning`: what the source itself has to say.
    fn remark(&mut self, name: &str, cursor: &mut Cursor, location: Location) -> Parsed<()> {
        let text = match cursor.at_end() {
            true => format!("{name} was reached"),
            false => String::from_utf8_lossy(&cursor.string()?).into_owned(),
        };
        cursor.expect_end()?;
        if name == ".warning" {
            self.report(Message::warning(location, text));
            return Ok(());
        }
        Err(Message::new(location, text))
    }

    fn enter(&mut self, name: &str, kind: SectionKind, cursor: &mut Cursor) -> Parsed<()> {
        // A subsection's number, as in `.text 0`, changes nothing.
        cursor.accept(Token::Number);
        self.program.enter_section(name, kind);
        cursor.expect_end()
    }

    fn section(&mut self, cursor: &mut Cursor) -> Parsed<()> {
        let mut pieces = cursor.rest().split(',').map(|piece| piece.trim().trim_matches('"'));
        let name = pieces.next().unwrap_or("");
        if name.is_empty() {
            return Err(cursor.unexpected("a section's name"));
        }
        if self.program.sections.len() >= MOST_SECTIONS && !self.program.has_section(name) {
            let message = format!("more than {MOST_SECTIONS} sections");
            return Err(Message::new(cursor.location(), message));
        }
        let flags = pieces.next();
        let is_zero = pieces.any(|piece| piece.trim_start_matches(['@', '%']) == "nobits");
        let has = |letter| flags.is_some_and(|flags| flags.contains(letter));
        let kind = if flags.is_none() {
            kind_by_name(name)
        } else if !has('a') {
            SectionKind::Unloaded
        } else if is_zero {
            SectionKind::Zero
        } else if has('x') {
            SectionKind::Code
        } else if has('w') {
            SectionKind::Data
        } else {
            SectionKind::ReadOnly
        };
        self.program.enter_section(name, kind);
        cursor.skip_all();
        Ok(())
    }

    fn global(&mut self, cursor: &mut Cursor) -> Parsed<()> {
        loop {
            let location = cursor.location();
            let name = cursor.name("a symbol")?;
            let id = self.program.intern(name, location);
            self.program.symbol_mut(id).is_global = true;
            if !cursor.accept(Token::Comma) {
                return cursor.expect_end();
            }
        }
    }

    fn align(&mut self, cursor: &mut Cursor, location: Location, is_power: bool) -> Parsed<()> {
        let number = self.constant(cursor)?;
        let to = match is_power {
            true => u32::try_from(number).ok().and_then(|power| 1u64.checked_shl(power)).unwrap_or(0),
            false => number.max(1) as u64,
        };
        if !to.is_power_of_two() || to > MOST_ALIGNMENT {
            let range = if is_power { "0 to 20" } else { "a power of two up to 0x100000" };
            return Err(Message::new(location, format!("an alignment of {number} is not possible"))
                .expected(format!("expected {range}")));
        }
        let fill = self.optional_constant(cursor)?.map(|value| value as u8);
        let most = self.optional_constant(cursor)?.map(|value| value as u64);
        cursor.expect_end()?;
        let section = &mut self.program.sections[self.program.current];
        section.alignment = section.alignment.max(to);
        self.push(location, Content::Align { to, fill, most, compress: self.mode.compress });
        Ok(())
    }

    /// A number that has to be known here.
    pub(crate) fn constant(&mut self, cursor: &mut Cursor) -> Parsed<i64> {
        let start = cursor.location();
        let expression = cursor.expression(&mut self.program)?;
        let here = self.program.here();
        let value = Evaluator::new(&self.program, None).number(&expression, here);
        value.map_err(|failure| {
            let location = cursor.since(start);
            let Failure::Undefined(id) = failure else {
                let text = failure.message().unwrap_or_else(|| "this has to be known here".into());
                return Message::new(location, text).expected("expected a constant");
            };
            let symbol = self.program.symbol_mut(id);
            symbol.is_reported = true;
            let name = symbol.name.clone();
            Message::new(location, format!("`{name}` has no value yet, and this has to be known here"))
                .expected("expected a constant")
                .help_if(self.similar_symbol(&name))
        })
    }

    /// A number after a comma, if there is one.
    pub(crate) fn optional_constant(&mut self, cursor: &mut Cursor) -> Parsed<Option<i64>> {
        if !cursor.accept(Token::Comma) || cursor.peek() == Some(Token::Comma) {
            return Ok(None);
        }
        self.constant(cursor).map(Some)
    }

    /// Gives a symbol the value of the expression that follows.
    pub(crate) fn assign(&mut self, name: &str, location: Location, cursor: &mut Cursor) -> Parsed<()> {
        let expression = cursor.expression(&mut self.program)?;
        cursor.expect_end()?;
        if name == "." {
            return Err(Message::new(location, "the place is set with .org, not by assignment"));
        }
        let here = self.program.here();
        // What is known already is put down as a number: long chains of symbols then cost nothing.
        let value = Evaluator::new(&self.program, None).number(&expression, here);
        let expression = value.map(Expression::Number).unwrap_or(expression);
        let id = self.program.intern(name, location);
        self.check_predefined(self.program.symbol(id), location)?;
        let symbol = self.program.symbol_mut(id);
        match &mut symbol.definition {
            Some(Definition::Label(..)) => {
                return Err(Message::new(location, format!("`{name}` is a label, and cannot be assigned")));
            }
            Some(Definition::Assigned(values)) => values.push((expression, here)),
            none => *none = Some(Definition::Assigned(vec![(expression, here)])),
        }
        Ok(())
    }

    fn option(&mut self, cursor: &mut Cursor) -> Parsed<()> {
        let expected = "rvc, norvc, push, pop, relax, norelax, pic, nopic or arch";
        let location = cursor.location();
        let option = cursor.name(expected)?.to_ascii_lowercase();
        match option.as_str() {
            "rvc" => self.mode.compress = true,
            "norvc" => self.mode.compress = false,
            "push" => self.mode_stack.push(self.mode),
            "pop" => {
                self.mode = self
                    .mode_stack
                    .pop()
                    .ok_or_else(|| Message::new(location, ".option pop without .option push"))?;
            }
            "relax" | "norelax" | "pic" | "nopic" => {}
            "arch" => {
                let change = cursor.rest().replace(' ', "");
                let has = |text: &str| change.split(',').any(|piece| piece == text);
                self.mode = Mode { compress: has("+c") || self.mode.compress && !has("-c") };
                cursor.skip_all();
            }
            other => {
                let known = ["rvc", "norvc", "push", "pop", "relax", "norelax", "pic", "nopic", "arch"];
                return Err(Message::new(location, format!("unknown option `{other}`"))
                    .expected(format!("expected {expected}"))
                    .help_if(did_you_mean(other, known.into_iter())));
            }
        }
        cursor.expect_end()
    }

    fn symbol_type(&mut self, cursor: &mut Cursor) -> Parsed<()> {
        let location = cursor.location();
        let name = cursor.name("a symbol")?;
        let id = self.program.intern(name, location);
        let kind = cursor.rest();
        self.program.symbol_mut(id).kind = if kind.contains("function") {
            SymbolKind::Function
        } else if kind.contains("object") {
            SymbolKind::Object
        } else {
            SymbolKind::None
        };
        cursor.skip_all();
        Ok(())
    }

    fn symbol_size(&mut self, cursor: &mut Cursor) -> Parsed<()> {
        let location = cursor.location();
        let name = cursor.name("a symbol")?;
        cursor.expect(Token::Comma, "`,`")?;
        let expression = cursor.expression(&mut self.program)?;
        cursor.expect_end()?;
        let here = self.program.here();
        let id = self.program.intern(name, location);
        self.program.symbol_mut(id).size = Some((expression, here));
        Ok(())
    }
}

fn kind_by_name(name: &str) -> SectionKind {
    let starts = |prefixes: &[&str]| {
        prefixes.iter().any(|prefix| {
            name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    if starts(&[".text", ".init", ".fini"]) {
        SectionKind::Code
    } else if starts(&[".data", ".sdata", ".tdata"]) {
        SectionKind::Data
    } else if starts(&[".bss", ".sbss", ".tbss"]) {
        SectionKind::Zero
    } else if starts(&[".comment", ".note", ".riscv", ".debug_info", ".debug_line", ".debug_str"]) {
        SectionKind::Unloaded
    } else {
        SectionKind::ReadOnly
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_only_what_there_is() {
        for name in KNOWN.iter().chain(CONDITIONALS).chain(QUIET) {
            let source = format!("{name} 1, 1\n");
            let Err(errors) = crate::assemble(&source, "one.s", &crate::Options::default()) else { continue };
            let text = errors.to_string();
            assert!(!text.contains("unknown directive"), "{name}: {text}");
        }
    }
}
