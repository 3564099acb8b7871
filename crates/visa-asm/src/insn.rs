//! `.insn`: words by the formats of the base, for instructions that no table has.

use crate::diagnostic::Message;
use crate::instructions::number_of;
use crate::operands::{expression, wrong};
use crate::parser::{Argument, Cursor, Parsed, Written};
use crate::program::{Code, Content, Field};
use crate::source::Location;
use crate::state::Assembler;
use visa_isa::operand::Operand;
use visa_isa::register;

/// Opcodes by the names of the RISC-V specification's opcode map.
const OPCODES: &[(&str, u64)] = &[
    ("load", 0x03),
    ("load_fp", 0x07),
    ("custom_0", 0x0b),
    ("misc_mem", 0x0f),
    ("op_imm", 0x13),
    ("auipc", 0x17),
    ("op_imm_32", 0x1b),
    ("store", 0x23),
    ("store_fp", 0x27),
    ("custom_1", 0x2b),
    ("amo", 0x2f),
    ("op", 0x33),
    ("lui", 0x37),
    ("op_32", 0x3b),
    ("madd", 0x43),
    ("msub", 0x47),
    ("nmsub", 0x4b),
    ("nmadd", 0x4f),
    ("op_fp", 0x53),
    ("custom_2", 0x5b),
    ("branch", 0x63),
    ("jalr", 0x67),
    ("jal", 0x6f),
    ("system", 0x73),
    ("custom_3", 0x7b),
];

/// A format of `.insn`: name and what follows it. Lower-case words are numbers with the bit where they start and
/// their width.
const FORMATS: &[(&str, &[Part])] = {
    use Operand::{Fs3, ImmB, ImmI, ImmJ, ImmS, ImmU, Rd, Rs1, Rs2};
    use Part::{Fixed, Immediate, Memory, Opcode, Register};
    const FUNCT3: Part = Fixed(12, 3);
    &[
        ("r", &[Opcode, FUNCT3, Fixed(25, 7), Register(Rd), Register(Rs1), Register(Rs2)]),
        ("r4", &[Opcode, FUNCT3, Fixed(25, 2), Register(Rd), Register(Rs1), Register(Rs2), Register(Fs3)]),
        ("i", &[Opcode, FUNCT3, Register(Rd), Register(Rs1), Immediate(ImmI)]),
        ("i", &[Opcode, FUNCT3, Register(Rd), Memory(ImmI)]),
        ("s", &[Opcode, FUNCT3, Register(Rs2), Memory(ImmS)]),
        ("b", &[Opcode, FUNCT3, Register(Rs1), Register(Rs2), Immediate(ImmB)]),
        ("sb", &[Opcode, FUNCT3, Register(Rs1), Register(Rs2), Immediate(ImmB)]),
        ("u", &[Opcode, Register(Rd), Immediate(ImmU)]),
        ("j", &[Opcode, Register(Rd), Immediate(ImmJ)]),
        ("uj", &[Opcode, Register(Rd), Immediate(ImmJ)]),
    ]
};

/// One operand of a format.
#[derive(Clone, Copy)]
enum Part {
    /// A 7-bit opcode by number or name.
    Opcode,
    /// A number of so many bits at a bit.
    Fixed(u32, u32),
    /// A register, R or F.
    Register(Operand),
    /// An immediate, or a target.
    Immediate(Operand),
    /// An immediate and rs1, as `8(a0)`.
    Memory(Operand),
}

impl Assembler<'_> {
    /// The operands of `.insn`.
    pub(crate) fn insn(&mut self, cursor: &mut Cursor, location: Location) -> Parsed<()> {
        let format = cursor.text().to_ascii_lowercase();
        let code = match FORMATS.iter().any(|(name, _)| *name == format) {
            true => {
                cursor.advance();
                let arguments = cursor.arguments(&mut self.program)?;
                self.formatted(&format, location, &arguments)?
            }
            false => raw(&cursor.arguments(&mut self.program)?, location)?,
        };
        self.push(location, Content::Code(code));
        Ok(())
    }

    fn formatted(&mut self, format: &str, location: Location, arguments: &[Argument]) -> Parsed<Code> {
        let candidates = FORMATS.iter().filter(|(name, _)| *name == format);
        let mut parts = candidates.map(|(_, parts)| *parts).filter(|parts| parts.len() == arguments.len());
        let Some(parts) = parts.next() else {
            let message = format!("wrong number of operands for `.insn {format}`");
            return Err(Message::new(location, message).expected(format!("found {}", arguments.len())));
        };
        let (mut word, mut fields) = (0, Vec::new());
        for (part, argument) in parts.iter().zip(arguments) {
            word |= self.part(*part, argument, &mut fields)?;
        }
        Ok(Code::Raw { word, length: 4, fields })
    }

    fn part(&mut self, part: Part, argument: &Argument, fields: &mut Vec<Field>) -> Parsed<u64> {
        let field = |operand, value| Field { operand, value, location: argument.location };
        Ok(match part {
            Part::Opcode => match &argument.shape {
                Written::Name(name) if let Some(opcode) = opcode(name) => opcode,
                _ => fixed(argument, 0, 7)?,
            },
            Part::Fixed(bit, width) => fixed(argument, bit, width)?,
            Part::Register(operand) => any_register(operand, argument)?,
            Part::Immediate(operand) => {
                let value = expression(&mut self.program, argument, "a number")?;
                fields.push(field(operand, value));
                0
            }
            Part::Memory(operand) => match &argument.shape {
                Written::Memory { offset, base, .. } => {
                    fields.extend(offset.clone().map(|value| field(operand, value)));
                    u64::from(Operand::Rs1.insert((*base).into()))
                }
                _ => return Err(wrong(argument, "memory: `offset(register)`")),
            },
        })
    }
}

fn opcode(name: &str) -> Option<u64> {
    let found = OPCODES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    found.map(|(_, opcode)| *opcode)
}

fn fixed(argument: &Argument, bit: u32, width: u32) -> Parsed<u64> {
    let most = (1i64 << width) - 1;
    match number_of(argument) {
        Some(number) if (0..=most).contains(&number) => Ok((number as u64) << bit),
        _ => Err(wrong(argument, &format!("a number from 0 to {most}"))),
    }
}

fn any_register(operand: Operand, argument: &Argument) -> Parsed<u64> {
    let number = match &argument.shape {
        Written::Name(name) => {
            let name = name.to_ascii_lowercase();
            register::integer(&name).or_else(|| register::float(&name))
        }
        // `x5` may be written as a number, as GNU as has it.
        _ => number_of(argument).and_then(|number| u8::try_from(number).ok()).filter(|&number| number < 32),
    };
    let number = number.ok_or_else(|| wrong(argument, "a register"))?;
    Ok(operand.insert(number.into()).into())
}

/// `.insn 0x...` or `.insn length, 0x...`.
fn raw(arguments: &[Argument], location: Location) -> Parsed<Code> {
    let expected = "expected a format (r, r4, i, s, b, u, j), or a word, or its length and the word";
    let malformed = || Message::new(location, "`.insn` wants a format or a word").expected(expected);
    let numbers: Option<Vec<i64>> = arguments.iter().map(number_of).collect();
    let numbers = numbers.ok_or_else(malformed)?;
    let (word, length) = match numbers[..] {
        [word] => (word as u64, length_of(word as u64)),
        [length @ (2 | 4), word] if length_of(word as u64) == length as u8 => (word as u64, length as u8),
        _ => return Err(malformed()),
    };
    if length == 4 && word > u32::MAX.into() || length == 2 && word > u16::MAX.into() {
        return Err(Message::new(
            location,
            format!("{word:#x} does not fit an instruction of {length} bytes"),
        ));
    }
    Ok(Code::Raw { word, length, fields: Vec::new() })
}

/// An instruction's length by its low bits (RISC-V unprivileged specification, 1.5).
fn length_of(word: u64) -> u8 {
    if word & 3 == 3 { 4 } else { 2 }
}
