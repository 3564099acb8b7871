//! Guests of random instructions on the interpreter: whatever they do, the host does not panic, Ring -1 is reached only
//! by VM exits, and memory outside the VM stays as it was.
//!
//! `VISA_FUZZ_SECONDS` says how long to go on (default 5), `VISA_FUZZ_SEED` where to start.
#![allow(clippy::disallowed_methods, reason = "it tells people, or measures, how long something takes")]

use std::time::{Duration, Instant};
use visa_core::Hart;
use visa_devices::FinisherRequest;
use visa_fuzz::wild_guest::WildGuest;
use visa_interp::{Interpreter, RunEnd};
use visa_machine::board::{Board, BoardConfig};
use visa_mem::Platform;

const RAM_BASE: u64 = 0x8000_0000;
const RAM_BYTES: u64 = 8 << 20;
const EXIT_COUNT: u32 = 5_000;
const INSTRUCTIONS_MAX: u64 = 200_000;

/// Memory that nobody writes holds this, so that a stray store shows.
const CANARY: u8 = 0xa5;

/// What a run amounted to, to see that runs reach anything at all.
#[derive(Default, Debug)]
struct Sum {
    runs: u64,
    instructions: u64,
    exits: u64,
    passed: u64,
    causes: std::collections::BTreeMap<&'static str, u64>,
}

#[test]
fn wild_guests_stay_inside() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
    };
    let limit = Duration::from_secs(number("VISA_FUZZ_SECONDS", 5));
    let first = number("VISA_FUZZ_SEED", 1);
    let start = Instant::now();
    let mut sum = Sum::default();
    while start.elapsed() < limit {
        run(first.wrapping_add(sum.runs), &mut sum);
    }
    println!("{sum:#?}");
    assert!(sum.instructions / sum.runs > 100, "the guests hardly run: {sum:#?}");
    assert!(sum.causes.len() > 13, "the guests hardly exit: {sum:#?}");
}

fn run(seed: u64, sum: &mut Sum) {
    let guest = WildGuest::random(seed, EXIT_COUNT);
    let config = BoardConfig { ram_bytes: RAM_BYTES, harts: 1, start_time_ns: 0 };
    let mut board = Board::new(&config).expect("a small board");
    let before = memory_before(&guest);
    board.ram().write_bytes(0, &before).expect("RAM takes its own size");
    let mut hart = Hart::new(0, guest.entry, 0);
    let mut interpreter = Interpreter::new();
    let end = loop {
        match interpreter.run(&mut hart, &mut board, INSTRUCTIONS_MAX) {
            RunEnd::Message => hart.state.outgoing.clear(),
            end => break end,
        }
    };
    assert!(!matches!(end, RunEnd::Dead { .. }), "seed {seed}: {end:?}");
    let request = board.take_finisher_request();
    let in_ring_minus_1 =
        [hart.state.hypervisor.hvcause, hart.state.hypervisor.hvepc, hart.state.hypervisor.hvtval];
    assert!(
        matches!(request, None | Some(FinisherRequest::Pass)),
        "seed {seed}: {request:?}, Ring -1 trapped: cause, address, value {in_ring_minus_1:x?}"
    );
    compare(seed, &guest, &before, &board);
    sum.runs += 1;
    sum.instructions += hart.state.instructions;
    sum.passed += u64::from(request.is_some());
    for (cause, count) in &hart.state.statistics.exits {
        sum.exits += count;
        *sum.causes.entry(cause.name()).or_default() += count;
    }
}

fn memory_before(guest: &WildGuest) -> Vec<u8> {
    let mut memory = vec![CANARY; RAM_BYTES as usize];
    for segment in &guest.segments {
        let start = (segment.address - RAM_BASE) as usize;
        memory[start..start + segment.bytes.len()].copy_from_slice(&segment.bytes);
    }
    memory
}

/// Memory outside what a run may change is as it was.
fn compare(seed: u64, guest: &WildGuest, before: &[u8], board: &Board) {
    let mut after = vec![0; before.len()];
    board.ram().read_bytes(0, &mut after).expect("RAM gives its own size");
    let mut at = 0;
    let mut ranges = guest.may_change().to_vec();
    ranges.sort_by_key(|range| range.start);
    ranges.push(RAM_BASE + RAM_BYTES..RAM_BASE + RAM_BYTES);
    for range in ranges {
        let (start, end) = ((range.start - RAM_BASE) as usize, (range.end - RAM_BASE) as usize);
        if before[at..start] != after[at..start] {
            let stray = (at..start).find(|&index| before[index] != after[index]).expect("they differ");
            panic!("seed {seed}: the byte at {:#x} changed", RAM_BASE + stray as u64);
        }
        at = end;
    }
}
