//! Loops that touch memory far and wide, for engines that treat misses of the TLB specially. They run wherever they are.

use crate::Random;
use crate::code::{Code, register::*};
use crate::instruction::{self, Reserved, Role, rows};
use visa_isa::cause::interrupt;
use visa_isa::table::Row;
use visa_isa::{Group, Instruction, Op, msr};

/// Rounds of a loop, at most, of a long one, and of one in which an engine may give up whatever it presumed of accesses.
const ROUNDS: u64 = 60;
const LONG: u64 = 600;
const LONGEST: u64 = 4_000;
/// Accesses of a round, at most.
const ACCESSES: u64 = 6;
/// How far fields are from the address that a round chose, at most.
const NEAR: u64 = 72;
/// Start of the memory, counter, address, and what addresses are made of.
const KEPT: [u8; 4] = [S0, S1, A0, A1];

/// What loops are made of.
struct Rows {
    accesses: Vec<&'static Row>,
    computations: Vec<&'static Row>,
}

impl Rows {
    fn of(groups: &[Group]) -> Rows {
        Rows {
            accesses: rows(groups, |role| matches!(role, Role::Memory | Role::Atomic(_))),
            computations: rows(groups, |role| role == Role::Compute),
        }
    }
}

/// `size` bytes of such loops. They touch the 2^`memory_bits` bytes, aligned, that they are in themselves.
pub fn stream(random: &mut Random, size: usize, memory_bits: i32) -> Vec<u8> {
    let integer = Rows::of(&[Group::Base, Group::Muldiv, Group::Bitmanip, Group::Atomic]);
    let any = Rows::of(&[Group::Base, Group::Float, Group::Atomic]);
    let mut bytes = Vec::new();
    while bytes.len() < size {
        let mut code = Code::at(0);
        // Loops with floating point are not optimised.
        let rows = if random.once_in(2) { &integer } else { &any };
        repeat(random, &mut code, memory_bits, rows);
        bytes.extend(code.bytes());
    }
    bytes.truncate(size);
    bytes
}

/// A trap handler that goes on behind the instruction, and changes nothing.
pub fn pass_over() -> Vec<u8> {
    let mut code = Code::at(0);
    code.immediate(Op::Csrrw, T0, T0, msr::SSCRATCH.into());
    code.read_msr(T0, msr::SEPC);
    code.immediate(Op::Addi, T0, T0, 4);
    code.write_msr(msr::SEPC, T0);
    code.immediate(Op::Csrrw, T0, T0, msr::SSCRATCH.into());
    code.push(Instruction::new(Op::Sret));
    code.bytes()
}

fn repeat(random: &mut Random, code: &mut Code, memory_bits: i32, rows: &Rows) {
    let Rows { accesses, computations } = rows;
    code.push(Instruction { rd: S0, ..Instruction::new(Op::Auipc) });
    code.immediate(Op::Srli, S0, S0, memory_bits);
    code.immediate(Op::Slli, S0, S0, memory_bits);
    let most = match random.below(16) {
        0 => LONGEST,
        1..4 => LONG,
        _ => ROUNDS,
    };
    code.constant(S1, 1 + random.below(most));
    let head = code.placed();
    // The upper bits of such products are random enough.
    code.constant(A0, random.bits() | 1);
    code.registers(Op::Mul, A1, A1, A0);
    code.immediate(Op::Addi, A1, A1, 1 + random.below(1000) as i32);
    let shift = if random.once_in(4) { memory_bits } else { memory_bits - 3 };
    code.immediate(Op::Srli, A0, A1, 64 - shift);
    if shift != memory_bits {
        code.immediate(Op::Slli, A0, A0, 3);
    }
    code.registers(Op::Add, A0, A0, S0);
    // Accesses are looked up together as far as the next branch.
    let branches = random.once_in(4);
    for _ in 0..1 + random.below(ACCESSES) {
        for _ in 0..random.below(3) {
            let row = random.pick(computations);
            push(random, code, row, |_, _| ());
        }
        if branches && random.once_in(3) {
            skip(random, code, computations);
        }
        match random.below(16) {
            0 => interrupts(random, code),
            1 | 2 => state(random, code),
            _ => {}
        }
        let row = random.pick(accesses);
        let near = |random: &mut Random, i: &mut Instruction| {
            i.rs1 = A0;
            if instruction::role(row.op) == Role::Memory {
                i.imm = random.below(NEAR) as i32;
            }
        };
        push(random, code, row, near);
    }
    // Loops with calls are optimised as a whole.
    let calls = random.once_in(2);
    let (function, behind) = (code.label(), code.label());
    if calls {
        code.call(RA, function);
    }
    code.immediate(Op::Addi, S1, S1, -1);
    code.branch(Op::Bne, S1, ZERO, head);
    if calls {
        code.jump(behind);
        code.place(function);
        code.immediate(Op::Addi, A1, A1, 1);
        code.immediate(Op::Jalr, ZERO, RA, 0);
        code.place(behind);
    }
}

/// A computation that a comparison may skip, mostly of values that are as good as random.
fn skip(random: &mut Random, code: &mut Code, computations: &[&'static Row]) {
    let behind = code.label();
    let op = random.pick(&[Op::Beq, Op::Bne, Op::Blt, Op::Bge, Op::Bltu, Op::Bgeu]);
    let (one, other) = (random.pick(&[A0, A1, T0, A2]), random.pick(&[A1, A1, T1, A3, ZERO]));
    code.branch(op, one, other, behind);
    let row = random.pick(computations);
    push(random, code, row, |_, _| ());
    code.place(behind);
}

/// An instruction of a row that leaves the loop's registers alone.
fn push(
    random: &mut Random,
    code: &mut Code,
    row: &'static Row,
    change: impl Fn(&mut Random, &mut Instruction),
) {
    loop {
        let mut i = instruction::of_row(row, random, Reserved::NONE);
        change(random, &mut i);
        if !KEPT.iter().any(|&register| instruction::writes_reserved(&i, Reserved(register))) {
            return code.push(i);
        }
    }
}

/// What brings a kernel an interrupt of its own, or none: it is pending, wanted, and allowed.
fn interrupts(random: &mut Random, code: &mut Code) {
    const SOFTWARE: u8 = 1 << interrupt::SUPERVISOR_SOFTWARE;
    for (number, bit) in [(msr::SIP, SOFTWARE), (msr::SIE, SOFTWARE), (msr::SSTATUS, msr::sstatus::SIE as u8)]
    {
        let op = if random.once_in(4) { Op::Csrrci } else { Op::Csrrsi };
        code.immediate(op, ZERO, bit, number.into());
    }
}

/// What [`state`] may write.
pub const STATE_WRITES: [u8; 4] = [T0, T1, A2, A3];

/// What a kernel does with its MSRs.
pub fn state(random: &mut Random, code: &mut Code) {
    const PLAIN: [u16; 4] = [msr::SSCRATCH, msr::SEPC, msr::SCAUSE, msr::STVAL];
    const READ: [u16; 6] = [msr::SATP, msr::SSTATUS, msr::STVEC, msr::CYCLE, msr::TIME, msr::INSTRET];
    const READS: [Op; 8] =
        [Op::Csrrs, Op::Csrrs, Op::Csrrs, Op::Csrrs, Op::Csrrs, Op::Csrrc, Op::Csrrsi, Op::Csrrci];
    /// SIE among others, and not FS.
    const BITS: u64 = 32;
    let rd = if random.once_in(5) { ZERO } else { random.pick(&STATE_WRITES) };
    let rs = random.pick(&[ZERO, T0, A2, A4]);
    match random.below(4) {
        0 if random.once_in(4) => code.immediate(Op::Csrrwi, rd, rs, random.pick(&PLAIN).into()),
        0 => code.immediate(Op::Csrrw, rd, rs, random.pick(&PLAIN).into()),
        1 => code.immediate(random.pick(&READS), rd, ZERO, random.pick(&READ).into()),
        2 => code.immediate(random.pick(&READS), rd, ZERO, random.pick(&PLAIN).into()),
        _ => {
            let op = random.pick(&[Op::Csrrsi, Op::Csrrci]);
            code.immediate(op, rd, random.below(BITS) as u8, msr::SSTATUS.into());
        }
    }
}
