//! What the generators promise.

use std::collections::BTreeSet;
use visa_fuzz::instruction::{Role, role};
use visa_fuzz::program::{Line, Program, code_bytes};
use visa_fuzz::unit::Generator;
use visa_fuzz::{Random, wild};
use visa_isa::operand::{Kind, Target};
use visa_isa::table::ROWS;
use visa_isa::{Group, Op, compressed, decode, msr};

const CODE: u64 = 0x8000_0000;
const BLOCK: u64 = 0x8020_0000;
const POOL: u64 = 0x8030_0000;
const UNITS: usize = 80;

fn program(generator: &Generator, seed: u64) -> Program {
    Program::random(generator, seed, 0, UNITS, BLOCK, POOL)
}

fn many_lines() -> Vec<Line> {
    let generator = Generator::default();
    (0..400).flat_map(|seed| program(&generator, seed).lay_out(CODE, UNITS)).collect()
}

#[test]
fn a_seed_means_the_same_bytes() {
    let generator = Generator::default();
    let bytes = |seed| code_bytes(&program(&generator, seed).lay_out(CODE, UNITS));
    assert_eq!(bytes(5), bytes(5));
    assert_ne!(bytes(5), bytes(6));
}

#[test]
fn every_user_instruction_that_cannot_trap_occurs() {
    let seen: BTreeSet<Op> = many_lines().iter().map(|line| line.instruction.op).collect();
    let missing: Vec<_> =
        ROWS.iter().filter(|row| role(row.op) != Role::Other && !seen.contains(&row.op)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_compressed_form_but_the_breakpoint_occurs() {
    let halves: Vec<u16> = many_lines()
        .iter()
        .filter(|line| line.instruction.length == 2)
        .map(|line| line.bits as u16)
        .collect();
    for row in compressed::ROWS.iter().filter(|row| row.op != Op::Ebreak) {
        let occurs = halves.iter().any(|half| half & row.mask == row.value);
        assert!(occurs, "{} does not occur", row.mnemonic);
    }
}

#[test]
fn branches_go_forward_and_stay_inside() {
    let generator = Generator::default();
    for seed in 0..200 {
        let lines = program(&generator, seed).lay_out(CODE, UNITS);
        let starts: BTreeSet<u64> = lines.iter().map(|line| line.address).collect();
        for line in lines.iter().filter(|line| role(line.instruction.op) == Role::Branch) {
            assert!(line.instruction.imm > 0, "seed {seed}: {line:?}");
            let target = line.address + line.instruction.imm as u64;
            assert!(starts.contains(&target), "seed {seed}: {line:?} goes between instructions");
        }
    }
}

#[test]
fn the_rounding_mode_stays_valid() {
    for line in many_lines() {
        let instruction = line.instruction;
        if instruction.op.row().group != Group::System {
            continue;
        }
        match (instruction.op, instruction.imm as u16) {
            (Op::Csrrwi, msr::FRM) => assert!(instruction.rs1 <= 4, "{line:?}"),
            // Setting bits, or writing a register's value, might make a reserved mode.
            (Op::Csrrs | Op::Csrrsi, msr::FRM) => panic!("{line:?}"),
            (Op::Csrrs, msr::FCSR) => assert_eq!(instruction.rs1, 0, "{line:?}"),
            _ => {}
        }
    }
}

/// What a program does up to a unit does not depend on whether it goes on, so that cutting it finds the unit at
/// which two engines part.
#[test]
fn cut_programs_begin_alike() {
    let generator = Generator::default();
    let program = program(&generator, 3);
    let whole = program.lay_out(CODE, UNITS);
    for unit in 0..UNITS {
        let lines = program.unit_lines(CODE, unit);
        assert!(!lines.is_empty());
        // A branch near the cut goes to the end instead; and ADDI may hold a part of its distance.
        let same_everywhere =
            |line: &&Line| role(line.instruction.op) == Role::Compute && line.instruction.op != Op::Addi;
        for line in lines.iter().filter(same_everywhere) {
            let found = whole.iter().any(|other| other.address == line.address && other.bits == line.bits);
            assert!(found, "unit {unit}: {line:?}");
        }
    }
}

#[test]
fn wild_streams_hold_every_row_and_things_that_are_none() {
    const SIZE: usize = 400_000;
    let bytes = wild::stream(&mut Random::new(1), SIZE);
    assert_eq!(bytes.len(), SIZE);
    let mut seen = BTreeSet::new();
    let (mut illegal, mut writes_r0) = (0, 0);
    let mut at = 0;
    while at + 4 <= bytes.len() {
        let word = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        at += if word & 3 == 3 { 4 } else { 2 };
        let Some(instruction) = decode(word) else {
            illegal += 1;
            continue;
        };
        seen.insert(instruction.op);
        let has_destination = instruction
            .op
            .row()
            .format
            .operands()
            .iter()
            .any(|operand| operand.kind() == Kind::Integer && operand.target() == Target::Rd);
        writes_r0 += usize::from(has_destination && instruction.rd == 0);
    }
    let missing: Vec<_> = ROWS.iter().filter(|row| !seen.contains(&row.op)).map(|row| row.mnemonic).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(illegal > 1000 && writes_r0 > 100, "{illegal} illegal, {writes_r0} write R0");
}
