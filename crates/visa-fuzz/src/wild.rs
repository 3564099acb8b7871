//! Streams that may do anything: for finding out what breaks a machine.

use crate::Random;
use crate::instruction::{self, Reserved};
use visa_isa::compressed;
use visa_isa::operand::Kind;
use visa_isa::table::ROWS;
use visa_isa::{Instruction, encode, encode_compressed, msr};

/// No register is left alone.
const NONE_RESERVED: Reserved = Reserved::NONE;

/// `size` bytes of instructions of every row and ring, of MSR accesses to registers that exist, of
/// near misses (a valid word with a bit flipped), and of garbage.
pub fn stream(random: &mut Random, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 4);
    while bytes.len() < size {
        match random.below(16) {
            0 => bytes.extend((random.bits() as u32).to_le_bytes()),
            1 => bytes.extend((word(random) ^ 1 << random.below(32)).to_le_bytes()),
            2..5 => bytes.extend(half(random).to_le_bytes()),
            _ => bytes.extend(word(random).to_le_bytes()),
        }
    }
    bytes.truncate(size);
    bytes
}

/// A random valid instruction word of any row.
pub fn word(random: &mut Random) -> u32 {
    let row = &ROWS[random.below(ROWS.len() as u64) as usize];
    let mut instruction = instruction::of_row(row, random, NONE_RESERVED);
    if row.format.operands().iter().any(|operand| operand.kind() == Kind::Msr) {
        if !random.once_in(4) {
            instruction.imm = msr::MSRS[random.below(msr::MSRS.len() as u64) as usize].number.into();
        }
        // With R0 as its source most of them only read.
        if random.once_in(2) {
            instruction.rs1 = 0;
        }
    }
    encode(&instruction).unwrap_or(row.bits.value)
}

/// A random compressed form; reserved ones too.
pub fn half(random: &mut Random) -> u16 {
    let row = &compressed::ROWS[random.below(compressed::ROWS.len() as u64) as usize];
    let mut instruction = Instruction::new(row.op);
    for &operand in row.operands {
        operand.set(&mut instruction, instruction::in_range(operand, random));
    }
    encode_compressed(row, &instruction).unwrap_or(row.value)
}
