//! Kernels that switch address spaces and change code: the same calls go to a page that is somewhere else each time, or holds other
//! instructions.

use crate::Random;
use crate::code::{Code, register::*};
use visa_isa::paging::{PAGE_SIZE, PPN_BITS};
use visa_isa::{Instruction, Op, encode, msr};

/// How often a page is called before the next switch, at most.
const CALLS: u64 = 12;
/// Computations in each of a page's two parts, and instructions of the indirect jump between them.
const PART: u64 = 4;
const JUMP: u64 = 3;

/// Code at an address that calls a page of code for ever, in the one address space and then in the other. They may have the tags
/// of their translations in common: then those of the other are flushed.
pub fn program(random: &mut Random, address: u64, page: u64, spaces: [u64; 2]) -> Vec<u8> {
    let mut code = Code::at(address);
    let (tagged, changes) = (random.once_in(2), !random.once_in(3));
    // The same instructions are executed in both, so they cannot know where they are.
    for (number, (register, space)) in [S2, S3].into_iter().zip(spaces).enumerate() {
        let tag = if tagged { number as u64 + 1 } else { 0 };
        code.constant(register, space | tag << PPN_BITS);
    }
    let head = code.placed();
    for _ in 0..1 + random.below(4) {
        code.write_msr(msr::SATP, S2);
        if !tagged {
            code.push(Instruction::new(Op::SfenceVma));
        }
        code.immediate(Op::Addi, T0, S2, 0);
        code.immediate(Op::Addi, S2, S3, 0);
        code.immediate(Op::Addi, S3, T0, 0);
        calls(random, &mut code, page);
        if random.once_in(2) {
            reads(random, &mut code, page);
        }
        if changes {
            change(random, &mut code, page);
        }
    }
    code.jump(head);
    assert!(code.size() < PAGE_SIZE, "it is short");
    code.bytes()
}

/// Calls a page some times.
fn calls(random: &mut Random, code: &mut Code, page: u64) {
    code.constant(S1, 1 + random.below(CALLS));
    let again = code.placed();
    code.immediate(Op::Addi, A1, A1, 1);
    let distance = page.wrapping_add(4 * random.below(PART)).wrapping_sub(code.here()) as i32;
    code.push(Instruction { rd: RA, imm: distance, ..Instruction::new(Op::Jal) });
    code.immediate(Op::Addi, S1, S1, -1);
    code.branch(Op::Bne, S1, ZERO, again);
}

/// Goes through what a page holds, as data.
fn reads(random: &mut Random, code: &mut Code, page: u64) {
    const BYTES: u64 = 4 * (2 * PART + JUMP + 1);
    let (op, bytes) = random.pick(&[(Op::Lbu, 1), (Op::Lh, 2), (Op::Lw, 4), (Op::Ld, 8)]);
    let rounds = 1 + random.below(BYTES / bytes);
    code.constant(A4, page);
    code.constant(S1, rounds);
    let again = code.placed();
    code.immediate(op, T1, A4, 0);
    code.registers(Op::Add, A0, A0, T1);
    code.immediate(Op::Addi, A4, A4, bytes as i32);
    code.immediate(Op::Addi, S1, S1, -1);
    code.branch(Op::Bne, S1, ZERO, again);
}

/// Puts another computation into a page.
fn change(random: &mut Random, code: &mut Code, page: u64) {
    let place = random.below(2 * PART);
    let place = if place < PART { place } else { place + JUMP };
    let word = encode(&computation(random)).expect("its operands are in their ranges");
    code.constant(T0, page + 4 * place);
    code.constant(T1, word.into());
    code.store(Op::Sw, T1, T0, 0);
    if random.once_in(2) {
        code.push(Instruction::new(Op::FenceI));
    }
}

fn computation(random: &mut Random) -> Instruction {
    let op = random.pick(&[Op::Addi, Op::Xori, Op::Andi, Op::Slli]);
    let (rd, rs1) = (random.pick(&[A0, A2, A3]), random.pick(&[A0, A1, A2]));
    Instruction { rd, rs1, imm: random.below(32) as i32, ..Instruction::new(op) }
}

/// What such a page holds: computations, an indirect jump to others, and the way back.
pub fn page(random: &mut Random, address: u64) -> Vec<u8> {
    let mut code = Code::at(address);
    for part in 0..2 {
        for _ in 0..PART {
            code.push(computation(random));
        }
        if part == 0 {
            code.push(Instruction { rd: T2, ..Instruction::new(Op::Auipc) });
            code.immediate(Op::Addi, T2, T2, 4 * JUMP as i32);
            code.immediate(Op::Jalr, ZERO, T2, 0);
        }
    }
    code.immediate(Op::Jalr, ZERO, RA, 0);
    code.bytes()
}
