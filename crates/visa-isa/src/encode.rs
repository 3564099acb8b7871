//! From instructions to words, by the same tables.

use crate::compressed;
use crate::instruction::Instruction;
use crate::operand::{Kind, Operand};

/// An operand that does not fit its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EncodeError {
    /// Which operand.
    pub operand: Operand,
    /// Its value.
    pub value: i64,
}

impl core::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (low, high) = self.operand.range();
        let name = self.operand.name();
        let step = 1i64 << self.operand.alignment_bits();
        if self.value < low || self.value > high {
            return write!(f, "{name} is {}, which is outside {low} to {high}", self.value);
        }
        write!(f, "{name} is {}, which is not a multiple of {step}", self.value)
    }
}

impl core::error::Error for EncodeError {}

/// Encodes an instruction as a 32-bit word, whatever its `length` says.
pub fn encode(instruction: &Instruction) -> Result<u32, EncodeError> {
    let row = instruction.op.row();
    insert_all(row.format.operands(), row.bits.value, instruction)
}

/// Encodes an instruction in a compressed form. The caller chose the row; operands that the row lacks are not looked at.
pub fn encode_compressed(row: &compressed::Row, instruction: &Instruction) -> Result<u16, EncodeError> {
    let half = insert_all(row.operands, row.value as u32, instruction)?;
    if !row.constraint.holds(instruction) {
        let operand = row.operands.iter().copied().find(|o| o.get(instruction) == 0);
        return Err(EncodeError { operand: operand.unwrap_or(row.operands[0]), value: 0 });
    }
    Ok(half as u16)
}

fn insert_all(operands: &[Operand], fixed: u32, instruction: &Instruction) -> Result<u32, EncodeError> {
    let mut word = fixed;
    for &operand in operands {
        if operand.kind() == Kind::Implied {
            continue;
        }
        let value = operand.get(instruction);
        let (low, high) = operand.range();
        let aligned = value & ((1 << operand.alignment_bits()) - 1) == 0;
        if !aligned || (value as i64) < low || value as i64 > high {
            return Err(EncodeError { operand, value: value as i64 });
        }
        word |= operand.insert(value);
    }
    Ok(word)
}
