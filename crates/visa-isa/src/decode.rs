//! From words to instructions, by the tables.

use crate::compressed;
use crate::instruction::Instruction;
use crate::operand::Operand;
use crate::table::{BITS, Op, ROWS};

/// Rows that can match a given opcode (bits 6:2), so that decoding compares with a few of them.
struct Buckets {
    rows: [[u16; BUCKET_CAPACITY]; 32],
    len: [usize; 32],
}

const BUCKET_CAPACITY: usize = 64;

static BUCKETS: Buckets = build_buckets();

const fn build_buckets() -> Buckets {
    let mut buckets = Buckets { rows: [[0; BUCKET_CAPACITY]; 32], len: [0; 32] };
    let mut row = 0;
    while row < BITS.len() {
        let opcode = (BITS[row].value >> 2 & 0x1f) as usize;
        buckets.rows[opcode][buckets.len[opcode]] = row as u16;
        buckets.len[opcode] += 1;
        row += 1;
    }
    buckets
}

/// Decodes the instruction at the start of `bits`: the low 16 bits alone if they are a compressed form.
/// `None` is an illegal instruction.
pub fn decode(bits: u32) -> Option<Instruction> {
    match bits & 3 {
        3 => decode_word(bits),
        _ => decode_compressed(bits as u16),
    }
}

/// Decodes a 32-bit instruction.
pub fn decode_word(word: u32) -> Option<Instruction> {
    if word & 3 != 3 {
        return None;
    }
    let opcode = (word >> 2 & 0x1f) as usize;
    let mut candidates = BUCKETS.rows[opcode][..BUCKETS.len[opcode]].iter().map(|&row| &ROWS[row as usize]);
    // First as the rows are, so that FENCE.TSO and PAUSE are no FENCE of reserved fields.
    let row = candidates
        .clone()
        .find(|row| word & row.bits.mask == row.bits.value)
        .or_else(|| candidates.find(|row| word & row.bits.mask & !row.op.ignored_bits() == row.bits.value))?;
    let mut instruction = Instruction::new(row.op);
    for &operand in row.format.operands() {
        let value = operand.extract(word);
        if operand == Operand::Rm && !is_rounding_mode(value) {
            return None;
        }
        operand.set(&mut instruction, value);
    }
    Some(instruction)
}

/// Rounding modes 5 and 6 are reserved (RISC-V F extension, 20.2).
fn is_rounding_mode(value: i32) -> bool {
    value != 5 && value != 6
}

/// Decodes a compressed instruction to the one that it stands for, with `length` 2.
pub fn decode_compressed(half: u16) -> Option<Instruction> {
    let row = compressed_row(half)?;
    let mut instruction = Instruction { length: 2, ..Instruction::new(row.op) };
    for &operand in row.operands {
        operand.set(&mut instruction, operand.extract(half as u32));
    }
    // C.MV is ADD with R0 as its first source, and a rounding mode has no place in any compressed form.
    row.constraint.holds(&instruction).then_some(instruction)
}

/// The row that a compressed word matches, its constraint not yet looked at.
pub(crate) fn compressed_row(half: u16) -> Option<&'static compressed::Row> {
    compressed::ROWS.iter().find(|row| half & row.mask == row.value)
}

impl compressed::Constraint {
    /// Whether an instruction satisfies the constraint.
    pub fn holds(self, instruction: &Instruction) -> bool {
        match self {
            compressed::Constraint::Any => true,
            compressed::Constraint::Immediate => instruction.imm != 0,
            compressed::Constraint::Destination => instruction.rd != 0,
            compressed::Constraint::Source1 => instruction.rs1 != 0,
            compressed::Constraint::Source2 => instruction.rs2 != 0,
        }
    }
}

impl compressed::Row {
    /// The row that a compressed word matches, if the word is a legal one.
    pub fn of(half: u16) -> Option<&'static compressed::Row> {
        decode_compressed(half).and_then(|_| compressed_row(half))
    }
}

impl Op {
    /// The row whose mnemonic this is.
    pub fn from_mnemonic(mnemonic: &str) -> Option<Op> {
        ROWS.iter().find(|row| row.mnemonic == mnemonic).map(|row| row.op)
    }
}
