//! Operands of the text, matched with what an instruction's syntax asks for.

use crate::diagnostic::Message;
use crate::evaluate::Evaluator;
use crate::expression::Expression;
use crate::parser::{Argument, Parsed, Written};
use crate::predefined;
use crate::program::{Code, Field, Program};
use crate::registers::{is_register, similar_register};
use crate::source::Location;
use crate::suggest::did_you_mean;
use crate::syntax::{Form, Pattern, default_rounding, named, patterns};
use visa_isa::operand::{Kind, Operand, Target};
use visa_isa::shape::MsrChange;
use visa_isa::{Instruction, Shape, msr, register};

/// The operands of one instruction while they are matched.
struct Matcher<'a> {
    program: &'a mut Program,
    form: &'a Form,
    instruction: Instruction,
    fields: Vec<Field>,
}

/// Matches the operands of a statement with an instruction. `ordering` is what the mnemonic's suffix said.
pub(crate) fn match_instruction(
    program: &mut Program,
    form: &Form,
    ordering: u8,
    location: Location,
    arguments: &[Argument],
    compress: bool,
) -> Parsed<Code> {
    let expected: Vec<Pattern> = patterns(form.syntax).collect();
    let most = expected.len() + usize::from(form.has_rounding());
    if arguments.len() > most || arguments.len() < expected.len() - form.optional {
        return Err(wrong_count(form, location, arguments));
    }
    let mut instruction = Instruction::new(form.op);
    instruction.rm = if form.has_rounding() { default_rounding(form.op) } else { ordering };
    if let Some(row) = form.row {
        instruction.length = 2;
        for operand in row.operands.iter().filter(|operand| operand.kind() == Kind::Implied) {
            operand.set(&mut instruction, operand.extract(0));
        }
    }
    let mut matcher = Matcher { program, form, instruction, fields: Vec::new() };
    for (pattern, argument) in expected.iter().zip(arguments) {
        matcher.argument(*pattern, argument)?;
    }
    if let Some(argument) = arguments.get(expected.len()) {
        let value = rounding(argument)?;
        matcher.instruction.rm = value;
    }
    let Matcher { instruction, fields, .. } = matcher;
    check_read_only(program, &instruction, &fields);
    // As with GNU as, part of an address keeps the full length, whatever its value comes out as.
    let is_part = fields.iter().any(|field| matches!(field.value, Expression::Modified(..)));
    let compress = compress && form.row.is_none() && !is_part;
    Ok(Code::Single { instruction, fields, row: form.row, compress })
}

/// Warns of a write to an MSR that cannot be written: the instruction is illegal whenever it is executed.
fn check_read_only(program: &mut Program, instruction: &Instruction, fields: &[Field]) {
    let source_is_used = |operand: Operand| match fields.iter().find(|field| field.operand == operand) {
        // With an immediate of zero, bits are neither set nor cleared.
        Some(field) => !matches!(field.value, Expression::Number(0)),
        None => operand == Operand::Rs1 && instruction.rs1 != 0,
    };
    let operand = if instruction.op.file(Target::Rs1).is_some() { Operand::Rs1 } else { Operand::Uimm5 };
    let writes = match instruction.op.shape() {
        Shape::Msr(MsrChange::Write) => true,
        Shape::Msr(_) => source_is_used(operand),
        _ => return,
    };
    let Some(field) = fields.iter().find(|field| field.operand.kind() == Kind::Msr).filter(|_| writes) else {
        return;
    };
    let here = program.here();
    let number = Evaluator::new(program, None).number(&field.value, here);
    let Some(number) = number.ok().and_then(|number| u16::try_from(number).ok()) else { return };
    if !msr::is_read_only(number) {
        return;
    }
    let name = msr::by_number(number).map_or(format!("MSR {number:#x}"), |entry| format!("`{}`", entry.name));
    program.report(
        Message::warning(
            field.location,
            format!("{name} is read-only: a write of it is an illegal instruction"),
        )
        .expected("written here"),
    );
}

fn wrong_count(form: &Form, location: Location, arguments: &[Argument]) -> Message {
    let text = format!("{} {}", form.mnemonic, form.syntax);
    let given = match arguments.len() {
        0 => "there are none".to_string(),
        1 => "there is one".to_string(),
        count => format!("there are {count}"),
    };
    let message = format!("wrong number of operands for `{}`: {given}", form.mnemonic);
    Message::new(location, message).expected(format!("expected `{}`", readable(text.trim())))
}

/// A syntax string without the marks of the compressed table.
fn readable(text: &str) -> String {
    text.replace('\'', "")
}

impl Matcher<'_> {
    fn argument(&mut self, pattern: Pattern, argument: &Argument) -> Parsed<()> {
        match pattern {
            Pattern::Bare(name) => match named(self.form.operands, name) {
                Some(operand) => self.operand(operand, argument),
                None => repeated(name, argument),
            },
            Pattern::Memory(offset, base) => self.memory(offset, base, argument),
        }
    }

    /// A register with an offset. A port may also be a register or a number alone.
    fn memory(&mut self, offset: Option<&str>, base: &str, argument: &Argument) -> Parsed<()> {
        let offset_operand = offset.and_then(|name| named(self.form.operands, name));
        let is_port = offset_operand.is_some_and(|operand| operand.kind() == Kind::Port);
        // `jalr a0` and `in R1, R2` mean an offset of zero.
        let may_be_register = is_port || self.form.op.shape() == Shape::JumpRegister;
        let mut value = Expression::Number(0);
        let register = match &argument.shape {
            Written::Memory { offset, base, .. } => {
                value = offset.clone().unwrap_or(value);
                *base
            }
            Written::Name(name) if may_be_register && is_register(name) => integer(argument)?,
            Written::Name(name) if is_port => {
                value = self.program.refer(name, argument.location);
                0
            }
            Written::Expression(expression) if is_port => {
                value = expression.clone();
                0
            }
            _ if is_port => return Err(wrong(argument, "a port: number, register, or `number(register)`")),
            _ => return Err(wrong(argument, "memory: `offset(register)`")),
        };
        match named(self.form.operands, base) {
            Some(operand) => self.register(operand, register, argument, 'R')?,
            None if register::integer(base) == Some(register) => {}
            None => return Err(wrong(argument, &format!("memory at `{base}`"))),
        }
        match offset_operand {
            Some(operand) => self.field(operand, value, argument.location),
            None if matches!(value, Expression::Number(0)) => {}
            None => return Err(wrong(argument, "an address without an offset: `(register)`")),
        }
        Ok(())
    }

    fn operand(&mut self, operand: Operand, argument: &Argument) -> Parsed<()> {
        match operand.kind() {
            Kind::Integer => {
                let number = self.integer(argument)?;
                self.register(operand, number, argument, 'R')?;
            }
            Kind::Float => {
                let number = float(argument)?;
                self.register(operand, number, argument, 'F')?;
            }
            Kind::Msr => match &argument.shape {
                Written::Name(name) if let Some(number) = msr_number(name) => {
                    self.field(operand, Expression::Number(number.into()), argument.location);
                }
                Written::Name(name) if !self.program.has_value(name) => {
                    return Err(unknown_msr(name, argument));
                }
                _ => self.immediate(operand, argument)?,
            },
            Kind::FenceSet => {
                let set = fence_set(argument)?;
                // The predecessor set's bits stand above the successor's.
                operand.set(&mut self.instruction, set << operand.alignment_bits());
            }
            _ => self.immediate(operand, argument)?,
        }
        Ok(())
    }

    /// An integer register. V-ISA's instructions take it in brackets too, where it is an address.
    fn integer(&self, argument: &Argument) -> Parsed<u8> {
        match &argument.shape {
            Written::Memory { offset: None, base, .. } if self.form.op.row().group.is_visa() => Ok(*base),
            _ => integer(argument),
        }
    }

    fn register(&mut self, operand: Operand, number: u8, argument: &Argument, letter: char) -> Parsed<()> {
        let (low, high) = operand.range();
        if !(low..=high).contains(&number.into()) {
            return Err(wrong(argument, &format!("one of {letter}{low} to {letter}{high}")));
        }
        operand.set(&mut self.instruction, number.into());
        Ok(())
    }

    fn immediate(&mut self, operand: Operand, argument: &Argument) -> Parsed<()> {
        let expected = match operand.kind() {
            Kind::PcRelative => "a label or an address",
            Kind::Msr => "an MSR's name or number",
            _ => "a number",
        };
        let value = expression(self.program, argument, expected)?;
        self.field(operand, value, argument.location);
        Ok(())
    }

    fn field(&mut self, operand: Operand, value: Expression, location: Location) {
        self.fields.push(Field { operand, value, location });
    }
}

/// An operand that is an expression.
pub(crate) fn expression(program: &mut Program, argument: &Argument, expected: &str) -> Parsed<Expression> {
    match &argument.shape {
        Written::Expression(expression) => Ok(expression.clone()),
        Written::Name(name) => {
            let is_register = is_register(name) && !program.is_defined(name);
            if is_register {
                return Err(wrong(argument, expected));
            }
            Ok(program.refer(name, argument.location))
        }
        _ => Err(wrong(argument, expected)),
    }
}

/// An integer register.
pub(crate) fn integer(argument: &Argument) -> Parsed<u8> {
    let expected = "an integer register";
    match &argument.shape {
        Written::Name(name) => {
            let lower = name.to_ascii_lowercase();
            register::integer(&lower)
                .ok_or_else(|| wrong(argument, expected).help_if(similar_register(name, true)))
        }
        _ => Err(wrong(argument, expected)),
    }
}

/// A floating-point register.
pub(crate) fn float(argument: &Argument) -> Parsed<u8> {
    let expected = "a floating-point register";
    match &argument.shape {
        Written::Name(name) => {
            let lower = name.to_ascii_lowercase();
            register::float(&lower)
                .ok_or_else(|| wrong(argument, expected).help_if(similar_register(name, false)))
        }
        _ => Err(wrong(argument, expected)),
    }
}

/// The number of an MSR by its name, in either case: of the table, `CR0` and on, `VMR0` to `VMF31`.
pub(crate) fn msr_number(name: &str) -> Option<u16> {
    let name = name.to_ascii_lowercase();
    if let Some(entry) = msr::by_name(&name) {
        return Some(entry.number);
    }
    if let Some(digits) = name.strip_prefix("cr") {
        return msr::by_control_register(canonical(digits)?).map(|entry| entry.number);
    }
    let (first, digits) = match name.strip_prefix("vmr") {
        Some(digits) => (msr::GUEST_R0, digits),
        None => (msr::GUEST_F0, name.strip_prefix("vmf")?),
    };
    canonical(digits).filter(|&number| number < 32).map(|number| first + u16::from(number))
}

fn canonical(digits: &str) -> Option<u8> {
    let number: u8 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

/// An error for a name that is no MSR's.
pub(crate) fn unknown_msr(name: &str, argument: &Argument) -> Message {
    let known = msr::MSRS.iter().map(|entry| entry.name).chain(predefined::names());
    let is_control = name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("cr"));
    if is_control {
        let last = msr::MSRS.iter().filter_map(|entry| entry.cr).max().unwrap_or_default();
        return Message::new(argument.location, format!("unknown control register `{name}`"))
            .expected(format!("expected CR0 to CR{last}"));
    }
    Message::new(argument.location, format!("unknown MSR `{name}`"))
        .expected("expected an MSR's name or number")
        .help_if(did_you_mean(name, known))
}

fn rounding(argument: &Argument) -> Parsed<u8> {
    let names: Vec<&str> = register::ROUNDING.iter().map(|(name, _)| *name).collect();
    let expected = format!("a rounding mode ({})", names.join(", "));
    let Written::Name(name) = &argument.shape else { return Err(wrong(argument, &expected)) };
    let found = register::ROUNDING.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    found.map(|&(_, value)| value).ok_or_else(|| wrong(argument, &expected))
}

/// A set of FENCE as a number: `iorw` from bit 3 down, or `0`.
fn fence_set(argument: &Argument) -> Parsed<i32> {
    let expected = "some of the letters `iorw`, in this order";
    let name = match &argument.shape {
        Written::Expression(Expression::Number(0)) => return Ok(0),
        Written::Name(name) => name.to_ascii_lowercase(),
        _ => return Err(wrong(argument, expected)),
    };
    let mut rest = name.as_str();
    let mut set = 0;
    for (index, letter) in "iorw".char_indices() {
        if let Some(after) = rest.strip_prefix(letter) {
            set |= 8 >> index;
            rest = after;
        }
    }
    if rest.is_empty() { Ok(set) } else { Err(wrong(argument, expected)) }
}

/// A register that the syntax repeats (`sp` in `c.addi16sp sp, -64`).
fn repeated(name: &str, argument: &Argument) -> Parsed<()> {
    match integer(argument)? {
        number if register::integer(name) == Some(number) => Ok(()),
        _ => Err(wrong(argument, &format!("`{name}`"))),
    }
}

/// An error for an operand that is not what it has to be.
pub(crate) fn wrong(argument: &Argument, expected: &str) -> Message {
    let found = match &argument.shape {
        Written::Name(name) if register::integer(&name.to_ascii_lowercase()).is_some() => {
            format!("the integer register `{name}`")
        }
        Written::Name(name) if register::float(&name.to_ascii_lowercase()).is_some() => {
            format!("the floating-point register `{name}`")
        }
        Written::Name(name) => format!("`{name}`"),
        Written::Expression(Expression::Number(number)) => format!("the number {number}"),
        Written::Expression(_) => "an expression".into(),
        Written::Memory { .. } => "a memory operand".into(),
        Written::Text => "a string".into(),
    };
    Message::new(argument.location, format!("expected {expected}, found {found}"))
        .expected(format!("expected {expected}"))
}
