//! User programs: random computation, accesses through random page tables, and everything that traps. R27 always says where
//! to go on after an exception.

use super::EXIT_CALL;
use super::space::Spaces;
use crate::code::register::*;
use crate::instruction::Reserved;
use crate::program::{Lines, POOL_VALUES, code_bytes};
use crate::unit::{Generator, Piece, Places};
use crate::{Random, values};
use visa_isa::{Instruction, Op, msr};

/// What user programs are made of: LR and SC have pieces of their own here.
pub fn generator() -> Generator {
    Generator::without(&[Op::LrW, Op::LrD, Op::ScW, Op::ScD])
}

/// Pieces that belong together.
type Part = Vec<Piece>;

/// A program of so many parts for an address.
pub fn program(
    random: &mut Random,
    generator: &Generator,
    spaces: &Spaces,
    address: u64,
    parts: usize,
) -> Vec<u8> {
    let mut lines = Lines { address, lines: Vec::new() };
    // The kernel may change this one before it runs the program.
    lines.plain(immediate(Op::Addi, A0, A0, random.between(-100, 100) as i32));
    for _ in 0..parts {
        let part = part(random, generator, spaces);
        let behind = lines.address + 8 + part.iter().map(Piece::size).sum::<u64>();
        lines.piece(&Piece::Point { register: S11, to: behind }, |_| 0);
        part.iter().for_each(|piece| lines.piece(piece, |_| 0));
    }
    lines.plain(immediate(Op::Addi, A7, ZERO, EXIT_CALL as i32));
    lines.plain(Instruction::new(Op::Ecall));
    code_bytes(&lines.lines)
}

fn part(random: &mut Random, generator: &Generator, spaces: &Spaces) -> Part {
    match random.below(16) {
        0..8 => computation(random, generator, spaces),
        8..12 => access(random, spaces),
        12 => constant(random, random_register),
        13 => reserved_store(random, spaces),
        _ => vec![Piece::Plain(trapping(random), None)],
    }
}

/// Instructions that trap only if their memory does.
fn computation(random: &mut Random, generator: &Generator, spaces: &Spaces) -> Part {
    let scratch = spaces.scratch(random);
    let places = Places { scratch, scratch_size: 64, pool: scratch, pool_values: POOL_VALUES };
    loop {
        let unit = generator.unit(random, Reserved(S11), &places);
        // Branches go from unit to unit, which these are not.
        if unit.iter().all(|piece| matches!(piece, Piece::Plain(..) | Piece::Point { .. })) {
            return unit;
        }
    }
}

fn random_register(random: &mut Random) -> u8 {
    loop {
        let register = random.between(1, 31) as u8;
        if register != S11 {
            return register;
        }
    }
}

fn immediate(op: Op, rd: u8, rs1: u8, imm: i32) -> Instruction {
    Instruction { rd, rs1, imm, ..Instruction::new(op) }
}

/// Puts a random value of 32 bits into a register.
fn constant(random: &mut Random, register: fn(&mut Random) -> u8) -> Part {
    let rd = register(random);
    let value = values::integer(random) as i32;
    let upper = value.wrapping_add(0x800) & !0xfff;
    vec![
        Piece::Plain(Instruction { rd, imm: upper, ..Instruction::new(Op::Lui) }, None),
        Piece::Plain(immediate(Op::Addiw, rd, rd, value.wrapping_sub(upper)), None),
    ]
}

/// Puts any address into R5.
fn address(value: u64) -> Part {
    let mut code = crate::code::Code::at(0);
    code.constant(T0, value);
    code.into_instructions().into_iter().map(|instruction| Piece::Plain(instruction, None)).collect()
}

/// A load, store, atomic or jump anywhere.
fn access(random: &mut Random, spaces: &Spaces) -> Part {
    const LOADS: [Op; 9] = [Op::Lb, Op::Lbu, Op::Lh, Op::Lhu, Op::Lw, Op::Lwu, Op::Ld, Op::Fld, Op::Flw];
    const STORES: [Op; 6] = [Op::Sb, Op::Sh, Op::Sw, Op::Sd, Op::Fsd, Op::Fsw];
    const ATOMICS: [Op; 4] = [Op::AmoaddW, Op::AmoswapD, Op::AmoorD, Op::AmomaxW];
    let what = random.below(16);
    let mut part = address(spaces.address(random, what >= 7));
    let register = random_register(random);
    part.push(Piece::Plain(
        match what {
            0..7 => Instruction { rd: register, rs1: T0, ..Instruction::new(random.pick(&LOADS)) },
            7..13 => Instruction { rs1: T0, rs2: register, ..Instruction::new(random.pick(&STORES)) },
            13 | 14 => {
                let op = random.pick(&ATOMICS);
                Instruction { rd: register, rs1: T0, rs2: register, ..Instruction::new(op) }
            }
            // To where no instructions are: the program ends.
            _ => Instruction {
                rd: RA,
                rs1: ZERO,
                imm: 2 * random.below(64) as i32,
                ..Instruction::new(Op::Jalr)
            },
        },
        None,
    ));
    part
}

/// LR and SC until they succeed, as the architecture promises that they do.
fn reserved_store(random: &mut Random, spaces: &Spaces) -> Part {
    let (load, store) = random.pick(&[(Op::LrW, Op::ScW), (Op::LrD, Op::ScD)]);
    let mut part = address(spaces.address(random, true));
    let plain = |instruction| Piece::Plain(instruction, None);
    part.push(plain(Instruction { rd: T1, rs1: T0, ..Instruction::new(load) }));
    part.push(plain(immediate(Op::Addi, T1, T1, 1)));
    part.push(plain(Instruction { rd: T2, rs1: T0, rs2: T1, ..Instruction::new(store) }));
    part.push(plain(Instruction { rs1: T2, rs2: ZERO, imm: -12, ..Instruction::new(Op::Bne) }));
    part
}

/// What a user program may not do, or may do only if the kernel says so, and without reading the time.
fn trapping(random: &mut Random) -> Instruction {
    let register = random_register(random);
    match random.below(12) {
        0 | 1 => Instruction::new(Op::Ecall),
        2 => Instruction::new(Op::Ebreak),
        3 => Instruction::new(Op::Sret),
        4 => Instruction { rs1: register, ..Instruction::new(Op::SfenceVma) },
        5 => Instruction::new(random.pick(&[Op::Vmresume, Op::Vmcause, Op::Hvret])),
        6 => Instruction::new(random.pick(&[Op::FenceI, Op::Fence])),
        // R0 takes what the counter says.
        7 => immediate(Op::Csrrs, ZERO, ZERO, random.pick(&[msr::CYCLE, msr::TIME, msr::INSTRET]).into()),
        8 => immediate(Op::Csrrw, register, register, random.pick(&[msr::CYCLE, msr::TIME]).into()),
        9 => {
            let number =
                random.pick(&[msr::SSTATUS, msr::SATP, msr::SSCRATCH, msr::SEPC, msr::STVEC, msr::VMPC]);
            immediate(random.pick(&[Op::Csrrw, Op::Csrrs, Op::Csrrc]), register, register, number.into())
        }
        // A number that no register has.
        10 => immediate(Op::Csrrs, register, ZERO, 0x5c5),
        _ => immediate(Op::Csrrs, register, ZERO, msr::FCSR.into()),
    }
}
