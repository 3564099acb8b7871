//! Statements that are instructions: from mnemonic and operands to [`Code`].

use crate::aliases::{self, SPECIAL};
use crate::diagnostic::Message;
use crate::expression::Expression;
use crate::operands::{expression, float, integer, match_instruction, msr_number, unknown_msr, wrong};
use crate::parser::{Argument, Cursor, Parsed, Written};
use crate::program::{Code, Field, Program};
use crate::registers::is_register;
use crate::source::Location;
use crate::suggest::did_you_mean;
use crate::syntax::{Form, ORDERINGS};
use visa_isa::operand::Operand;
use visa_isa::shape::{Load, RegisterFile, Store};
use visa_isa::table::{Format, ROWS, Row};
use visa_isa::{Instruction, Op, Shape, compressed, msr, register};

/// An instruction as it is written.
pub(crate) struct Statement {
    /// The mnemonic, in lower case.
    pub(crate) mnemonic: String,
    /// Where the mnemonic stands.
    pub(crate) location: Location,
    /// The operands.
    pub(crate) arguments: Vec<Argument>,
    /// Whether compressed forms may be chosen.
    pub(crate) compress: bool,
}

impl Statement {
    /// What the statement means. `macros` are further names that it might have meant.
    pub(crate) fn assemble<'a>(
        &self,
        program: &mut Program,
        macros: impl Iterator<Item = &'a str>,
    ) -> Parsed<Code> {
        let name = self.mnemonic.as_str();
        if SPECIAL.contains(&name) {
            return self.special(program);
        }
        if let Some(template) = aliases::find(name, self.arguments.len()) {
            return self.expand(program, template);
        }
        if let Some((form, ordering)) = lookup(name) {
            return self.table(program, &form, ordering);
        }
        match aliases::counts(name)[..] {
            [] => Err(self.unknown(macros)),
            [0] => Err(self.wrong_count("no operands")),
            [1] => Err(self.wrong_count("1 operand")),
            [count] => Err(self.wrong_count(&format!("{count} operands"))),
            [few, .., many] => Err(self.wrong_count(&format!("{few} to {many} operands"))),
        }
    }

    fn unknown<'a>(&self, macros: impl Iterator<Item = &'a str>) -> Message {
        let known = ROWS
            .iter()
            .map(|row| row.mnemonic)
            .chain(compressed::ROWS.iter().map(|row| row.mnemonic))
            .chain(aliases::ALIASES.iter().map(|alias| alias.0))
            .chain(SPECIAL)
            .chain(macros);
        Message::new(self.location, format!("unknown instruction `{}`", self.mnemonic))
            .help_if(did_you_mean(&self.mnemonic, known))
    }

    fn wrong_count(&self, expected: &str) -> Message {
        let message = format!("wrong number of operands for `{}`", self.mnemonic);
        Message::new(self.location, message)
            .expected(format!("expected {expected}, found {}", self.arguments.len()))
    }

    /// An instruction of the tables; or its immediate form, or the form that reaches a symbol, if the operands say so.
    fn table(&self, program: &mut Program, form: &Form, ordering: u8) -> Parsed<Code> {
        let format = form.op.row().format;
        if form.row.is_none() {
            if matches!(format, Format::R | Format::Csr)
                && self.last_is_number(program)
                && let Some(immediate) = immediate_form(form.op)
            {
                return self.matched(program, &immediate, ordering, &self.arguments);
            }
            if let Some(code) = self.symbol_access(program, form.op)? {
                return Ok(code);
            }
        }
        self.matched(program, form, ordering, &self.arguments)
    }

    fn matched(
        &self,
        program: &mut Program,
        form: &Form,
        ordering: u8,
        arguments: &[Argument],
    ) -> Parsed<Code> {
        match_instruction(program, form, ordering, self.location, arguments, self.compress)
    }

    fn last_is_number(&self, program: &Program) -> bool {
        match self.arguments.last().map(|argument| &argument.shape) {
            Some(Written::Expression(_)) => self.arguments.len() == 3,
            Some(Written::Name(name)) => self.arguments.len() == 3 && program.has_value(name),
            _ => false,
        }
    }

    /// A load or store of a symbol: `lw a0, counter`, `sw a0, counter, t0`, `fld fa0, pi, t0`.
    fn symbol_access(&self, program: &mut Program, op: Op) -> Parsed<Option<Code>> {
        // What is loaded into an integer register is where the address is first.
        let (count, file) = match op.shape() {
            Shape::Load(Load { file: RegisterFile::Integer, .. }) => (2, RegisterFile::Integer),
            Shape::Load(Load { file, .. }) | Shape::Store(Store { file, .. }) => (3, file),
            _ => return Ok(None),
        };
        let is_symbol = match self.arguments.get(1).map(|argument| &argument.shape) {
            Some(Written::Name(name)) => !is_register(name) || program.is_defined(name),
            Some(Written::Expression(_)) => true,
            _ => false,
        };
        if self.arguments.len() != count || !is_symbol {
            return Ok(None);
        }
        let mut second = Instruction::new(op);
        let value_register = match file {
            RegisterFile::Integer => integer(&self.arguments[0])?,
            RegisterFile::Float => float(&self.arguments[0])?,
        };
        let scratch = match self.arguments.get(2) {
            Some(argument) => integer(argument)?,
            None => value_register,
        };
        let low = match op.shape() {
            Shape::Load(_) => {
                second.rd = value_register;
                Operand::ImmI
            }
            _ => {
                second.rs2 = value_register;
                Operand::ImmS
            }
        };
        second.rs1 = scratch;
        let value = expression(program, &self.arguments[1], "a symbol")?;
        let target = Field { operand: low, value, location: self.arguments[1].location };
        Ok(Some(Code::Relative { scratch, second, target }))
    }

    /// What an alias's template says, with the operands of this statement in it.
    fn expand(&self, program: &mut Program, template: &str) -> Parsed<Code> {
        let (mnemonic, operands) = template.split_once(' ').unwrap_or((template, ""));
        let mut arguments = Vec::new();
        for piece in operands.split(", ").filter(|piece| !piece.is_empty()) {
            arguments.push(self.substituted(program, piece)?);
        }
        let expanded = Statement {
            mnemonic: mnemonic.into(),
            location: self.location,
            arguments,
            compress: self.compress,
        };
        match lookup(mnemonic) {
            Some((form, ordering)) => expanded.table(program, &form, ordering),
            None => Err(self.unknown(std::iter::empty())),
        }
    }

    fn substituted(&self, program: &mut Program, piece: &str) -> Parsed<Argument> {
        let parameter = |text: &str| -> Option<&Argument> {
            text.strip_prefix('$')?.parse::<usize>().ok().and_then(|number| self.arguments.get(number - 1))
        };
        if let Some(argument) = parameter(piece) {
            return Ok(argument.clone());
        }
        if let Some((offset, base)) = piece.strip_suffix(')').and_then(|inside| inside.split_once('('))
            && let (Some(offset), Some(base)) = (parameter(offset), parameter(base))
        {
            let offset_value = expression(program, offset, "an offset")?;
            let shape = Written::Memory { offset: Some(offset_value), base: integer(base)? };
            return Ok(Argument { location: offset.location, shape });
        }
        // The rest of a template is text like any other.
        let mut fixed = Cursor::new(piece, self.location.buffer, 0).arguments(program)?;
        let shape = fixed.pop().map_or(Written::Text, |argument| argument.shape);
        Ok(Argument { location: self.location, shape })
    }

    fn special(&self, program: &mut Program) -> Parsed<Code> {
        let arguments = &self.arguments;
        match (self.mnemonic.as_str(), arguments.len()) {
            ("mov", 2) => self.mov(program),
            // Words that are illegal in every ring: all zeros, and a write to a read-only MSR.
            ("unimp", 0) if !self.compress => {
                let mut instruction = Instruction::new(Op::Csrrw);
                Operand::Msr.set(&mut instruction, msr::CYCLE.into());
                Ok(Code::Single { instruction, fields: Vec::new(), row: None, compress: false })
            }
            ("unimp" | "c.unimp", 0) => Ok(Code::Raw { word: 0, length: 2, fields: Vec::new() }),
            ("unimp" | "c.unimp", _) => Err(self.wrong_count("no operands")),
            ("li", 2) => self.constant(program, integer(&arguments[0])?, &arguments[1]),
            ("la" | "lla", 2) => {
                let rd = integer(&arguments[0])?;
                let second = Instruction { rd, rs1: rd, ..Instruction::new(Op::Addi) };
                self.relative(program, rd, second, &arguments[1])
            }
            ("call", 1) => self.jump(program, register_of("ra"), register_of("ra"), &arguments[0]),
            ("call", 2) => self.jump(program, register_of("t1"), integer(&arguments[0])?, &arguments[1]),
            ("tail", 1) => self.jump(program, register_of("t1"), 0, &arguments[0]),
            ("jump", 2) => self.jump(program, integer(&arguments[1])?, 0, &arguments[0]),
            ("call", _) => Err(self.wrong_count("a target, or a register and a target")),
            ("tail", _) => Err(self.wrong_count("a target")),
            ("jump", _) => Err(self.wrong_count("a target and a register to use for it")),
            ("mov", _) => Err(self.wrong_count("a destination and a source")),
            _ => Err(self.wrong_count("a register and a value")),
        }
    }

    fn constant(&self, program: &mut Program, rd: u8, argument: &Argument) -> Parsed<Code> {
        let value = expression(program, argument, "a number")?;
        let field = Field { operand: Operand::ImmI, value, location: argument.location };
        Ok(Code::Constant { rd, value: field, compress: self.compress })
    }

    fn relative(
        &self,
        program: &mut Program,
        scratch: u8,
        second: Instruction,
        argument: &Argument,
    ) -> Parsed<Code> {
        let value = expression(program, argument, "a symbol")?;
        let target = Field { operand: Operand::ImmI, value, location: argument.location };
        Ok(Code::Relative { scratch, second, target })
    }

    fn jump(&self, program: &mut Program, scratch: u8, link: u8, argument: &Argument) -> Parsed<Code> {
        let second = Instruction { rd: link, rs1: scratch, ..Instruction::new(Op::Jalr) };
        self.relative(program, scratch, second, argument)
    }

    /// MOV: between registers, from a constant or an address, from and to CRs and other MSRs.
    fn mov(&self, program: &mut Program) -> Parsed<Code> {
        let place = |argument: &Argument| match &argument.shape {
            Written::Name(name) => Place::named(name),
            _ => Place::Value,
        };
        let [destination, source] = &self.arguments[..] else { return Err(self.wrong_count("two operands")) };
        let template = match (place(destination), place(source)) {
            (Place::Integer, Place::Integer) => "addi $1, $2, 0",
            (Place::Integer, Place::Float) => "fmv.x.d $1, $2",
            (Place::Float, Place::Integer) => "fmv.d.x $1, $2",
            (Place::Float, Place::Float) => "fsgnj.d $1, $2, $2",
            (Place::Integer, Place::Msr) => "csrrs $1, $2, zero",
            (Place::Msr, Place::Integer) => "csrrw zero, $1, $2",
            (Place::Msr, Place::Value) => "csrrwi zero, $1, $2",
            (Place::Integer, Place::Value) => {
                if let Written::Name(name) = &source.shape
                    && looks_like_cr(name)
                    && !program.is_defined(name)
                {
                    return Err(unknown_msr(name, source));
                }
                return self.constant(program, integer(destination)?, source);
            }
            (Place::Value, _) => {
                return Err(match &destination.shape {
                    Written::Name(name) => {
                        unknown_msr(name, destination).expected("expected a register, a CR or another MSR")
                    }
                    _ => wrong(destination, "a register, a CR or another MSR"),
                });
            }
            (Place::Msr, _) => return Err(wrong(source, "an integer register, or a number from 0 to 31")),
            (Place::Float, _) => return Err(wrong(source, "a register")),
        };
        self.expand(program, template)
    }
}

/// What an operand of MOV is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Integer,
    Float,
    Msr,
    Value,
}

impl Place {
    fn named(name: &str) -> Place {
        let lower = name.to_ascii_lowercase();
        if register::integer(&lower).is_some() {
            Place::Integer
        } else if register::float(&lower).is_some() {
            Place::Float
        } else if msr_number(&lower).is_some() {
            Place::Msr
        } else {
            Place::Value
        }
    }
}

fn looks_like_cr(name: &str) -> bool {
    let digits = name.strip_prefix(['c', 'C']).and_then(|rest| rest.strip_prefix(['r', 'R']));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn register_of(name: &str) -> u8 {
    register::integer(name).unwrap_or_default()
}

/// The form of a mnemonic in either table, and its ordering suffix.
pub(crate) fn lookup(mnemonic: &str) -> Option<(Form, u8)> {
    if let Some(op) = Op::from_mnemonic(mnemonic) {
        return Some((Form::of(op.row()), 0));
    }
    if let Some(row) = compressed::ROWS.iter().find(|row| row.mnemonic == mnemonic) {
        return Some((Form::of_compressed(row), 0));
    }
    // The empty suffix was looked for above.
    (1u8..).zip(&ORDERINGS[1..]).find_map(|(ordering, suffix)| {
        let op = Op::from_mnemonic(mnemonic.strip_suffix(suffix)?)?;
        Some((Form::of(op.row()), ordering)).filter(|(form, _)| form.has_ordering())
    })
}

/// The instruction that does the same with an immediate: `add` and `addi`, `addw` and `addiw`, `sltu` and `sltiu`, `csrrw` and
/// `csrrwi`.
fn immediate_form(op: Op) -> Option<Form> {
    let takes_number =
        |row: &&Row| matches!(row.format, Format::I | Format::Shift | Format::ShiftW | Format::CsrImmediate);
    ROWS.iter().filter(takes_number).find(|row| row.op.shape() == op.shape()).map(Form::of)
}

/// Whether a name is a mnemonic or a pseudo-instruction.
pub(crate) fn is_mnemonic(name: &str) -> bool {
    SPECIAL.contains(&name) || !aliases::counts(name).is_empty() || lookup(name).is_some()
}

/// A constant operand that has no symbols.
pub(crate) fn number_of(argument: &Argument) -> Option<i64> {
    match argument.shape {
        Written::Expression(Expression::Number(number)) => Some(number),
        _ => None,
    }
}
