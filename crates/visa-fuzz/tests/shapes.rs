//! What the table says that operations are, held against what the interpreter does: each instruction is executed on random
//! registers and memory, again with what it is said not to look at changed, and again with what it is said to look at.

use visa_core::Hart;
use visa_fuzz::{Random, instruction};
use visa_interp::{Slot, execute_slot};
use visa_isa::operand::Target;
use visa_isa::shape::*;
use visa_isa::table::{ROWS, Row};
use visa_isa::{Instruction, msr};
use visa_mem::{AccessFault, AccessSize, Platform, Ram};
use visa_state::Reservation;

const BASE: u64 = 0x8000_0000;
/// Where accesses go; there is as much again on either side.
const DATA: u64 = BASE + 0x800;
/// All of the memory that is compared.
const BYTES: usize = 0x1000;
const PC: u64 = BASE + 0x1_0000;
/// Where exceptions go.
const VECTOR: u64 = BASE + 0x2_0000;
const TRIALS: usize = 200;

/// RAM, and ports that read as one value and note what is written.
struct Board {
    ram: Ram,
    port_value: u64,
    ports: Vec<(u16, AccessSize, Option<u64>)>,
}

impl Platform for Board {
    fn ram(&self) -> &Ram {
        &self.ram
    }
    fn mmio_read(&mut self, _: u64, _: AccessSize) -> Result<u64, AccessFault> {
        Err(AccessFault)
    }
    fn mmio_write(&mut self, _: u64, _: AccessSize, _: u64) -> Result<(), AccessFault> {
        Err(AccessFault)
    }
    fn port_read(&mut self, port: u16, size: AccessSize) -> u64 {
        self.ports.push((port, size, None));
        self.port_value & size.all_ones()
    }
    fn port_write(&mut self, port: u16, size: AccessSize, value: u64) {
        self.ports.push((port, size, Some(value)));
    }
    fn set_dma_domain(&mut self, _: u64, _: u64, _: Option<u64>) {}
}

/// What an instruction begins with.
#[derive(Clone)]
struct Before {
    r: [u64; 32],
    f: [u64; 32],
    memory: Vec<u8>,
    scratch: u64,
    port_value: u64,
    reservation: Reservation,
}

/// What it leaves.
#[derive(Clone, PartialEq, Debug)]
struct After {
    r: [u64; 32],
    f: [u64; 32],
    memory: Vec<u8>,
    pc: u64,
    trapped: bool,
    attention: bool,
    scratch: u64,
    fcsr: u32,
    ports: Vec<(u16, AccessSize, Option<u64>)>,
}

/// A machine for one instruction after the other.
struct Bench {
    board: Board,
}

impl Bench {
    fn new() -> Bench {
        let ram = Ram::new(BASE, 1 << 20).unwrap();
        Bench { board: Board { ram, port_value: 0, ports: Vec::new() } }
    }

    fn execute(&mut self, before: &Before, i: &Instruction) -> After {
        let board = &mut self.board;
        board.ram.write_bytes(0, &before.memory).unwrap();
        (board.port_value, board.ports) = (before.port_value, Vec::new());
        let mut hart = Hart::new(0, PC, 0);
        (hart.state.bank.r, hart.state.bank.f) = (before.r, before.f);
        hart.state.hypervisor.hvvec = VECTOR;
        hart.state.hypervisor.hvscratch = before.scratch;
        hart.state.reservation = before.reservation;
        hart.pending_work = false;
        let slot = Slot { instruction: *i, bits: 0 };
        execute_slot(&mut hart, board, &slot, None).unwrap();
        let mut memory = vec![0; BYTES];
        board.ram.read_bytes(0, &mut memory).unwrap();
        After {
            r: hart.state.bank.r,
            f: hart.state.bank.f,
            memory,
            pc: hart.state.bank.pc,
            trapped: hart.state.bank.pc == VECTOR,
            attention: hart.pending_work,
            scratch: hart.state.hypervisor.hvscratch,
            fcsr: hart.state.bank.fcsr,
            ports: std::mem::take(&mut board.ports),
        }
    }
}

/// A value of the kinds that instructions treat differently.
fn integer(random: &mut Random) -> u64 {
    let bits = random.bits();
    match random.below(6) {
        0 => bits as i32 as u64,
        1 => bits as u32 as u64,
        2 => random.pick(&[0, 1, u64::MAX, i64::MIN as u64, i32::MIN as u64, 0x8000_0000]),
        3 => bits % 64,
        _ => bits,
    }
}

/// Numbers of both precisions, most of them ordinary.
fn float(random: &mut Random, precision: Precision) -> u64 {
    // Now and then two are equal.
    let number = match random.once_in(3) {
        true => random.pick(&[1.5, -2.5]),
        false => random.between(-1000, 1000) as f64 / random.pick(&[1.0, 3.0, 1024.0, 7e-9]),
    };
    match (random.below(8), precision) {
        (0, _) => random.bits(),
        (1, Precision::Single) => random.bits() | 0xffff_ffff << 32,
        (_, Precision::Single) => ((number as f32).to_bits() as u64) | 0xffff_ffff << 32,
        (_, Precision::Double) => number.to_bits(),
    }
}

/// The precision of what an operation reads.
fn source_precision(shape: Shape) -> Precision {
    match shape {
        Shape::Float(Float { operation: FloatOperation::Convert, precision }) => precision.other(),
        Shape::Float(Float { precision, .. }) => precision,
        _ => Precision::Double,
    }
}

/// An instruction of a row, and something to execute it on. Registers differ, and none of them is R0.
fn case(random: &mut Random, row: &Row) -> (Instruction, Before) {
    let mut i = loop {
        let i = instruction::of_row(row, random, instruction::Reserved::NONE);
        let fields = [(Target::Rd, i.rd), (Target::Rs1, i.rs1), (Target::Rs2, i.rs2), (Target::Rs3, i.rs3)];
        let named: Vec<u8> =
            fields.iter().filter(|(field, _)| row.op.file(*field).is_some()).map(|field| field.1).collect();
        let apart = |(at, number): (usize, &u8)| *number != 0 && !named[..at].contains(number);
        if named.iter().enumerate().all(apart) {
            break i;
        }
    };
    let shape = row.op.shape();
    let precision = source_precision(shape);
    let mut before = Before {
        r: std::array::from_fn(|register| if register == 0 { 0 } else { integer(random) }),
        f: std::array::from_fn(|_| float(random, precision)),
        memory: (0..BYTES).map(|_| random.bits() as u8).collect(),
        scratch: random.bits(),
        port_value: random.bits(),
        reservation: Reservation::NONE,
    };
    if let Some(memory) = shape.memory() {
        let address = DATA + 8 * random.below(16);
        before.r[i.rs1 as usize] = address.wrapping_sub(i.imm as i64 as u64);
        before.reservation = Reservation::new(address - BASE, memory.bytes);
    }
    if let Shape::Msr(_) = shape {
        i.imm = msr::HVSCRATCH.into();
    }
    (i, before)
}

/// Rows of what stays in its ring and its world.
fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(|row| !matches!(row.op.shape(), Shape::WorldSwitch | Shape::Return))
}

/// What bits of two arrays of registers differ.
fn changed(one: &[u64; 32], other: &[u64; 32]) -> u32 {
    (0..32)
        .filter(|&register| one[register] != other[register])
        .fold(0, |bits, register| bits | 1 << register)
}

fn randomize(registers: &mut [u64; 32], which: u32, mut value: impl FnMut() -> u64) {
    for register in (1..32).filter(|register| which >> register & 1 != 0) {
        registers[register] = value();
    }
}

#[test]
fn instructions_read_and_write_the_registers_that_they_are_said_to() {
    let (mut bench, mut random) = (Bench::new(), Random::new(14));
    for row in rows() {
        let precision = source_precision(row.op.shape());
        let mut wrote = false;
        let mut mattered = [false; 3];
        for _ in 0..TRIALS {
            let (i, before) = case(&mut random, row);
            let (reads, writes) = (i.reads(), i.writes());
            let after = bench.execute(&before, &i);
            let (integers, floats) = (changed(&before.r, &after.r), changed(&before.f, &after.f));
            assert_eq!(integers & !writes.integer, 0, "{i:?} writes other registers");
            assert_eq!(floats & !writes.float, 0, "{i:?} writes other floating-point registers");
            wrote |= integers | floats != 0;
            // Of the others, none is seen.
            let mut other = before.clone();
            randomize(&mut other.r, !(reads.integer | writes.integer), || random.bits());
            randomize(&mut other.f, !(reads.float | writes.float), || random.bits());
            let again = bench.execute(&other, &i);
            let of = |after: &After| {
                let result = (after.r[i.rd as usize], after.f[i.rd as usize], after.scratch, after.fcsr);
                let written = (writes != Registers::default()).then_some(result);
                (written, after.memory.clone(), after.pc, after.ports.clone(), after.attention)
            };
            let file = row.op.file(Target::Rd);
            let of_file = |after: &After| {
                let mut what = of(after);
                if let Some(result) = &mut what.0 {
                    let ignored =
                        if file == Some(RegisterFile::Integer) { &mut result.1 } else { &mut result.0 };
                    *ignored = 0;
                }
                what
            };
            assert_eq!(of_file(&after), of_file(&again), "{i:?} sees other registers");
            // Of these, each is.
            let fields = [(Target::Rs1, i.rs1), (Target::Rs2, i.rs2), (Target::Rs3, i.rs3)];
            for (source, (field, register)) in fields.into_iter().enumerate() {
                let mut other = before.clone();
                match row.op.file(field) {
                    Some(RegisterFile::Integer) if row.op.shape().memory().is_some() && source == 0 => {
                        other.r[register as usize] += 8;
                    }
                    Some(RegisterFile::Integer) => other.r[register as usize] = integer(&mut random),
                    Some(RegisterFile::Float) => other.f[register as usize] = float(&mut random, precision),
                    None => mattered[source] = true,
                }
                mattered[source] = mattered[source] || of_file(&bench.execute(&other, &i)) != of_file(&after);
            }
        }
        // What fences and the like do is not in these.
        if row.op.shape() != Shape::System {
            assert_eq!(wrote, row.op.file(Target::Rd).is_some(), "{}: writes rd", row.mnemonic);
            assert_eq!(mattered, [true; 3], "{}: reads rs1, rs2, rs3", row.mnemonic);
        }
    }
}

#[test]
fn accesses_move_the_bytes_that_they_are_said_to() {
    let (mut bench, mut random) = (Bench::new(), Random::new(15));
    for row in rows() {
        let Memory { bytes, loads, stores } =
            row.op.shape().memory().unwrap_or(Memory { bytes: 0, loads: false, stores: false });
        let (mut stored, mut loaded) = (0u32, 0u32);
        for _ in 0..TRIALS {
            let (i, before) = case(&mut random, row);
            let after = bench.execute(&before, &i);
            assert!(bytes == 0 || !after.trapped, "{i:?} traps");
            let start =
                before.r[i.rs1 as usize].wrapping_add(i.imm as i64 as u64).wrapping_sub(BASE) as usize;
            let within = start..start + bytes as usize;
            for (at, (old, new)) in before.memory.iter().zip(&after.memory).enumerate() {
                let inside = bytes != 0 && within.contains(&at);
                assert!(old == new || inside && stores, "{i:?} stores at {at:#x} of {within:x?}");
                if old != new {
                    stored |= 1 << (at - start);
                }
            }
            if bytes == 0 {
                continue;
            }
            let mut other = before.clone();
            let outside = |at: &usize| !within.contains(at);
            (0..BYTES).filter(outside).for_each(|at| other.memory[at] = random.bits() as u8);
            let again = bench.execute(&other, &i);
            assert_eq!((after.r, after.f), (again.r, again.f), "{i:?} loads from outside of {within:x?}");
            for at in within.clone() {
                let mut other = before.clone();
                other.memory[at] ^= 1 << random.below(8);
                let again = bench.execute(&other, &i);
                loaded |= ((after.r, after.f) != (again.r, again.f)) as u32 * (1 << (at - start));
            }
            let mut memory = [0; 8];
            memory[..bytes as usize].copy_from_slice(&before.memory[within.clone()]);
            let value = u64::from_le_bytes(memory);
            match row.op.shape() {
                Shape::Load(Load { extend, file: RegisterFile::Integer, .. }) => {
                    assert_eq!(after.r[i.rd as usize], extended(value, bytes, extend), "{i:?}");
                }
                Shape::Load(Load { extend, .. }) => {
                    assert_eq!(after.f[i.rd as usize], extended(value, bytes, extend), "{i:?}");
                }
                Shape::Atomic(_) if loads => {
                    assert_eq!(after.r[i.rd as usize], extended(value, bytes, Extend::Sign), "{i:?}");
                }
                _ => {}
            }
        }
        let all = (1u32 << bytes) - 1;
        assert_eq!(stored, if stores { all } else { 0 }, "{}: bytes stored", row.mnemonic);
        assert_eq!(loaded, if loads { all } else { 0 }, "{}: bytes loaded", row.mnemonic);
    }
}

fn extended(value: u64, bytes: u64, extend: Extend) -> u64 {
    let unused = 64 - 8 * bytes as u32;
    match extend {
        Extend::Sign => ((value << unused) as i64 >> unused) as u64,
        Extend::Zero => value,
        Extend::NanBox => value | !(u64::MAX >> unused),
    }
}

#[test]
fn ports_move_the_bytes_that_they_are_said_to() {
    let (mut bench, mut random) = (Bench::new(), Random::new(16));
    for row in rows() {
        let Shape::Port(Port { bytes, direction }) = row.op.shape() else { continue };
        for _ in 0..TRIALS {
            let (i, before) = case(&mut random, row);
            let after = bench.execute(&before, &i);
            let [(_, size, written)] = after.ports[..] else { panic!("{i:?}: {:?}", after.ports) };
            assert_eq!(size.bytes(), u64::from(bytes), "{i:?}");
            match direction {
                Direction::Read => {
                    assert_eq!(
                        (written, after.r[i.rd as usize]),
                        (None, before.port_value & size.all_ones())
                    );
                }
                Direction::Write => {
                    assert_eq!(written, Some(before.r[i.rs2 as usize] & size.all_ones()), "{i:?}");
                }
            }
        }
    }
}

#[test]
fn execution_goes_elsewhere_only_behind_what_is_said_to_end_blocks() {
    let (mut bench, mut random) = (Bench::new(), Random::new(17));
    for row in rows() {
        let shape = row.op.shape();
        let mut elsewhere = false;
        for _ in 0..TRIALS {
            let (i, before) = case(&mut random, row);
            let after = bench.execute(&before, &i);
            let next = PC + i.length as u64;
            elsewhere |= after.pc != next || after.attention;
            let distance = PC.wrapping_add(i.imm as i64 as u64);
            let (a, b) = (before.r[i.rs1 as usize], before.r[i.rs2 as usize]);
            let expected = match shape {
                Shape::Branch(condition) if holds(condition, a, b) => distance,
                Shape::Jump => distance,
                Shape::JumpRegister => a.wrapping_add(i.imm as i64 as u64) & !1,
                Shape::Trap => VECTOR,
                Shape::System => continue,
                _ => next,
            };
            assert_eq!(after.pc, expected, "{i:?}");
        }
        assert!(!elsewhere || shape.ends_block(), "{}", row.mnemonic);
    }
}

fn holds(condition: Condition, a: u64, b: u64) -> bool {
    match condition {
        Condition::Equal => a == b,
        Condition::NotEqual => a != b,
        Condition::Less => (a as i64) < b as i64,
        Condition::GreaterOrEqual => a as i64 >= b as i64,
        Condition::LessUnsigned => a < b,
        Condition::GreaterOrEqualUnsigned => a >= b,
    }
}

/// The widths of computations: what of the sources is seen, and how the result fills the register.
#[test]
fn computations_are_as_wide_as_they_are_said_to_be() {
    let (mut bench, mut random) = (Bench::new(), Random::new(18));
    for row in rows() {
        let Shape::Compute(Compute { width, operation }) = row.op.shape() else { continue };
        let (first, second) = (row.op.file(Target::Rs1).is_some(), row.op.file(Target::Rs2).is_some());
        let mut sees = [false; 2];
        for _ in 0..TRIALS {
            let (i, before) = case(&mut random, row);
            let result = bench.execute(&before, &i).r[i.rd as usize];
            if width == Width::Word {
                assert_eq!(result, result as i32 as u64, "{i:?} is no word");
            }
            for (source, register) in [(0, i.rs1), (1, i.rs2)] {
                let mut other = before.clone();
                other.r[register as usize] ^= random.bits() << 32;
                sees[source] |= bench.execute(&other, &i).r[i.rd as usize] != result;
            }
        }
        // Amounts of shifts, and narrow sources, are low bits anyway.
        use Operation::*;
        let narrow = matches!(operation, SignExtend(_) | ZeroExtend(_));
        let amount = matches!(
            operation,
            ShiftLeft
                | ShiftRightLogical
                | ShiftRightArithmetic
                | RotateLeft
                | RotateRight
                | ClearBit
                | ExtractBit
                | InvertBit
                | SetBit
        );
        let expected =
            [first && width == Width::Double && !narrow, second && width != Width::Word && !amount];
        assert_eq!(sees, expected, "{}: sees upper halves", row.mnemonic);
    }
}
