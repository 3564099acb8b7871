//! The choice of a compressed form, where there is one.

use visa_isa::{Instruction, Op, compressed, decode_compressed, encode_compressed};

/// The compressed word that means the same, if there is one that is not a hint.
pub fn compress(instruction: &Instruction) -> Option<u16> {
    equivalents(instruction).into_iter().flatten().find_map(|candidate| {
        compressed::ROWS
            .iter()
            .filter(|row| row.op == candidate.op)
            .filter_map(|row| encode_compressed(row, &candidate).ok())
            .find(|&half| {
                decode_compressed(half) == Some(Instruction { length: 2, ..candidate })
                    && !is_hint(&candidate)
            })
    })
}

/// The instruction, and others that do the same.
fn equivalents(instruction: &Instruction) -> [Option<Instruction>; 3] {
    let Instruction { op, rd, rs1, rs2, imm, .. } = *instruction;
    let is_move = op == Op::Addi && imm == 0 && rd != 0 && rs1 != 0;
    let as_add = Instruction { rs1: 0, rs2: rs1, ..Instruction::new(Op::Add) };
    let commutes = matches!(op, Op::Add | Op::And | Op::Or | Op::Xor | Op::Addw) && rs1 != 0 && rs2 != 0;
    let swapped = Instruction { rs1: rs2, rs2: rs1, ..*instruction };
    [
        is_move.then_some(Instruction { rd, ..as_add }),
        // C.ADDI with zero is a hint: a move of a register to itself is C.MV.
        (!is_move).then_some(*instruction),
        commutes.then_some(swapped),
    ]
}

/// Forms that do nothing and are set aside for hints (RISC-V C extension, 27.5). NOP is none.
fn is_hint(instruction: &Instruction) -> bool {
    let Instruction { op, rd, rs1, imm, .. } = *instruction;
    match op {
        Op::Addi => rd == 0 && (rs1 != 0 || imm != 0),
        Op::Add | Op::Lui => rd == 0,
        Op::Slli | Op::Srli | Op::Srai => rd == 0 || imm == 0,
        _ => false,
    }
}
