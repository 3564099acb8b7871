//! Single random instructions: what each operand may be, and which rows a program that must not trap may use.

use crate::Random;
use visa_isa::compressed;
use visa_isa::operand::{Kind, Operand, Target};
use visa_isa::shape::{Atomic, Load, RegisterFile, Registers};
use visa_isa::table::{ROWS, Row};
use visa_isa::{Group, Instruction, Op, Shape, encode, encode_compressed};

/// A register that programs leave alone, because whoever made them needs it.
#[derive(Clone, Copy, Debug)]
pub struct Reserved(pub u8);

impl Reserved {
    /// A number that no register has.
    pub const NONE: Self = Self(32);
}

/// What an instruction does to the flow of a program, as far as a generator must know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Registers to registers.
    Compute,
    /// Reads or writes memory at rs1 + imm.
    Memory,
    /// Reads or writes memory at rs1, which must be aligned to this many bytes.
    Atomic(u8),
    /// Branches or jumps by a distance.
    Branch,
    /// Jumps to a register.
    JumpRegister,
    /// Anything that traps, or that only some rings may do, or whose result depends on time.
    Other,
}

/// The role of an instruction, from its shape.
pub fn role(op: Op) -> Role {
    match op.shape() {
        Shape::Compute(_) | Shape::Float(_) | Shape::Fence | Shape::FenceInstructions | Shape::Pause => {
            Role::Compute
        }
        Shape::Load(_) | Shape::Store(_) => Role::Memory,
        Shape::Atomic(Atomic { bytes, .. }) => Role::Atomic(bytes),
        Shape::Branch(_) | Shape::Jump => Role::Branch,
        Shape::JumpRegister => Role::JumpRegister,
        Shape::Trap | Shape::Msr(_) | Shape::Return | Shape::Port(_) | Shape::WorldSwitch | Shape::System => {
            Role::Other
        }
    }
}

/// Whether an instruction loads an integer register.
pub fn loads_integer(op: Op) -> bool {
    matches!(op.shape(), Shape::Load(Load { file: RegisterFile::Integer, .. }))
}

/// The rows of some groups that have a role.
pub fn rows(groups: &[Group], wanted: impl Fn(Role) -> bool) -> Vec<&'static Row> {
    ROWS.iter().filter(|row| groups.contains(&row.group) && wanted(role(row.op))).collect()
}

/// The compressed rows that have a role.
pub fn compressed_rows(wanted: impl Fn(Role) -> bool) -> Vec<&'static compressed::Row> {
    compressed::ROWS.iter().filter(|row| wanted(role(row.op))).collect()
}

/// A random instruction of a row, with operands that are always allowed.
pub fn of_row(row: &Row, random: &mut Random, reserved: Reserved) -> Instruction {
    let mut instruction = Instruction::new(row.op);
    for &operand in row.format.operands() {
        operand.set(&mut instruction, value(operand, random, reserved));
    }
    instruction
}

/// A random instruction of a compressed row. Words that are reserved are left out.
pub fn of_compressed_row(row: &compressed::Row, random: &mut Random, reserved: Reserved) -> Instruction {
    loop {
        let mut instruction = Instruction { length: 2, ..Instruction::new(row.op) };
        for &operand in row.operands {
            operand.set(&mut instruction, value(operand, random, reserved));
        }
        if encode_compressed(row, &instruction).is_ok() && is_its_own(row, &instruction) {
            return instruction;
        }
    }
}

/// C.LUI with the stack pointer is C.ADDI16SP.
fn is_its_own(row: &compressed::Row, instruction: &Instruction) -> bool {
    const STACK_POINTER: u8 = 2;
    !(row.op == Op::Lui && instruction.rd == STACK_POINTER)
}

/// Whether an instruction writes an integer register that it must not.
pub fn writes_reserved(instruction: &Instruction, reserved: Reserved) -> bool {
    instruction.writes().integer & Registers::one(RegisterFile::Integer, reserved.0).integer != 0
}

/// The bytes of an instruction: of a compressed form if a row of one is given.
pub fn bytes(instruction: &Instruction, row: Option<&compressed::Row>) -> Vec<u8> {
    const FITS: &str = "the generator keeps operands in their ranges";
    match row {
        Some(row) => encode_compressed(row, instruction).expect(FITS).to_le_bytes().to_vec(),
        None => encode(instruction).expect(FITS).to_le_bytes().to_vec(),
    }
}

/// A random value of an operand; registers that are written avoid the reserved one.
fn value(operand: Operand, random: &mut Random, reserved: Reserved) -> i32 {
    /// The rounding modes RNE to RMM, and DYN.
    const ROUNDING: [i32; 6] = [0, 1, 2, 3, 4, 7];
    match operand.kind() {
        Kind::Implied => operand.bias(),
        Kind::Rounding => random.pick(&ROUNDING),
        Kind::Integer if matches!(operand.target(), Target::Rd | Target::RdRs1) => loop {
            let register = in_range(operand, random);
            if register != i32::from(reserved.0) {
                return register;
            }
        },
        _ => in_range(operand, random),
    }
}

/// A value that the operand can hold, the ends of its range more often than others.
pub fn in_range(operand: Operand, random: &mut Random) -> i32 {
    let step = 1i64 << operand.alignment_bits();
    let (low, high) = operand.range();
    let value = match random.below(16) {
        0 if operand.kind() != Kind::Integer => low,
        1 if operand.kind() != Kind::Integer => high,
        _ => low + random.below(((high - low) / step + 1) as u64) as i64 * step,
    };
    value as i32
}

/// How far two shifts go, to the left and then to the right, that are a zero extension from 32, 16 or 8 bits, and maybe a shift; or nearly.
pub fn zero_extension(random: &mut Random) -> (i32, i32) {
    let (left, right) = match random.below(4) {
        0 => (48, 48),
        1 => (56, 56),
        2 => (32, 32),
        _ => (32, random.below(64)),
    };
    (left, if random.once_in(8) { random.below(64) as i32 } else { right as i32 })
}
