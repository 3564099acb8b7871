//! Loading a constant into a register with as few instructions as LUI, ADDI and shifts allow. The sequence is the one
//! that GNU as makes.

use crate::evaluate::{high, low};
use visa_isa::{Instruction, Op};

/// Bits of an I-type immediate.
const LOW_BITS: u32 = 12;

/// The instructions that leave `value` in `rd`.
pub fn load(rd: u8, value: i64) -> Vec<Instruction> {
    if value == low(value) {
        return vec![Instruction { rd, imm: value as i32, ..Instruction::new(Op::Addi) }];
    }
    let mut list = Vec::new();
    load_wide(rd, value, &mut list);
    list
}

fn load_wide(rd: u8, value: i64, list: &mut Vec<Instruction>) {
    let low_part = low(value);
    let add = |op, rs1| Instruction { rd, rs1, imm: low_part as i32, ..Instruction::new(op) };
    if i32::try_from(value).is_ok() {
        let upper = (high(value) << LOW_BITS) as i32;
        if upper != 0 {
            list.push(Instruction { rd, imm: upper, ..Instruction::new(Op::Lui) });
        }
        if low_part != 0 || upper == 0 {
            list.push(add(Op::Addiw, if upper != 0 { rd } else { 0 }));
        }
        return;
    }
    // What is left of the value, shifted down as far as its zeros allow, fits fewer bits: this ends.
    let rest = value.wrapping_sub(low_part);
    let shift = rest.trailing_zeros().max(LOW_BITS);
    load_wide(rd, rest >> shift, list);
    list.push(Instruction { rd, rs1: rd, imm: shift as i32, ..Instruction::new(Op::Slli) });
    if low_part != 0 {
        list.push(add(Op::Addi, rd));
    }
}
