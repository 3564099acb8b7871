//! Machines of several harts, two VMs and devices.

use std::num::NonZeroU64;

use visa_devices::{DiskAccess, MemoryBackend};
use visa_fuzz::Random;
use visa_fuzz::wild_machine::WildMachine;
use visa_machine::board::{Board, BoardConfig};
use visa_machine::lockstep::Lockstep;
use visa_machine::lockstep::state::ram_difference;
use visa_machine::machine::{EngineKind, Machine, Progress, TimeSource};
use visa_mem::{Platform, Ram};
use visa_state::{Feature, Features};

use crate::pair::{RAM_BASE, RAM_BYTES};
use crate::seeds::for_seeds;

/// Instructions of a run, at most.
const MOST: u64 = 60_000;
/// Sectors of the disk.
const DISK_BYTES: usize = 64 << 10;

/// Harts with hypervisors that send each other's guests interrupts, give devices away, and change between two VMs.
#[test]
fn wild_machines_run_alike() {
    for_seeds(|seed| {
        let wild = WildMachine::random(seed, 3_000);
        let mut random = Random::fork(seed, 78);
        let part = random.pick(&[1, 7, 100, 1_000, 10_000]);
        let (mut fast, reference) = (machine(&wild, seed), machine(&wild, seed));
        let threshold = Some(if seed.is_multiple_of(2) { 0 } else { 3 });
        fast.set_engine(EngineKind::Jit { threshold, optimise: Some(random.pick(&[40, 700])) });
        fast.pause_at_halt = true;
        let mut pair = Lockstep::new(reference, NonZeroU64::new(part).expect("none is zero"), None);
        while fast.instructions() < MOST {
            let slice_ns = 1 + random.below(20_000);
            let left = MOST - fast.instructions();
            let progress = pair.run_slice(&mut fast, slice_ns, left);
            match progress.unwrap_or_else(|suspicion| panic!("wild machine {seed}: {suspicion:#?}")) {
                Progress::Running => {}
                Progress::Idle(Some(nanoseconds)) => pair.skip(&mut fast, nanoseconds),
                Progress::Idle(None) | Progress::Ended(_) => break,
                Progress::Breakpoint(_) => unreachable!("there are none"),
            }
        }
        let memory = ram_difference(fast.board.ram(), pair.reference().board.ram());
        assert_eq!(memory, None, "wild machine {seed}: memory differs");
        nothing_else_changed(&wild, fast.board.ram(), seed);
        fast.instructions()
    });
}

fn machine(wild: &WildMachine, seed: u64) -> Machine {
    let config = BoardConfig { ram_bytes: RAM_BYTES, harts: wild.harts, start_time_ns: 0 };
    let mut board = Board::new(&config).expect("a small board");
    let disk = (0..DISK_BYTES).map(|at| (at / 512) as u8).collect();
    board
        .attach_disk(Box::new(MemoryBackend::new(disk, DiskAccess::ReadWrite)), "wild")
        .expect("a slot is free");
    for segment in &wild.segments {
        board.ram().write_bytes(segment.address - RAM_BASE, &segment.bytes).expect("it fits");
    }
    let mut machine = Machine::new(board, wild.entry, 0, TimeSource::Instructions);
    // Every second run lacks a feature; without nested paging, no VM that is kept in its memory can be entered.
    let feature = Feature::ALL.get(seed as usize % (2 * Feature::ALL.len()));
    if let Some(&feature) = feature.filter(|feature| **feature != Feature::NestedPaging) {
        machine.harts.iter_mut().for_each(|hart| hart.set_features(Features::default().without(feature)));
    }
    machine
}

/// Whatever the VMs and devices do, they have no other memory.
fn nothing_else_changed(wild: &WildMachine, ram: &Ram, seed: u64) {
    let mut before = vec![0; RAM_BYTES as usize];
    for segment in &wild.segments {
        let at = (segment.address - RAM_BASE) as usize;
        before[at..at + segment.bytes.len()].copy_from_slice(&segment.bytes);
    }
    let mut after = vec![0; RAM_BYTES as usize];
    ram.read_bytes(0, &mut after).expect("all of it");
    for range in WildMachine::may_change() {
        let range = (range.start - RAM_BASE) as usize..(range.end - RAM_BASE) as usize;
        before[range.clone()].fill(0);
        after[range].fill(0);
    }
    let changed = before.iter().zip(&after).position(|(a, b)| a != b);
    assert_eq!(
        changed.map(|at| at as u64 + RAM_BASE),
        None,
        "wild machine {seed}: memory of nobody's changed"
    );
}
