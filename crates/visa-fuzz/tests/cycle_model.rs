//! The cycle model watches guests of random instructions, which trap, exit and page in every way: it changes nothing that
//! they do, and counts the same each time.
//!
//! `VISA_FUZZ_SECONDS` says how long to go on (default 3), `VISA_FUZZ_SEED` where to start.
#![allow(clippy::disallowed_methods, reason = "it tells people, or measures, how long something takes")]

use std::time::{Duration, Instant};

use visa_core::Hart;
use visa_cycles::{CycleModel, CycleReport, Parameters, Preset};
use visa_fuzz::wild_guest::WildGuest;
use visa_interp::{Interpreter, RunEnd};
use visa_machine::board::{Board, BoardConfig};
use visa_mem::Platform;
use visa_state::{Feature, Features};

const RAM_BASE: u64 = 0x8000_0000;
const RAM_BYTES: u64 = 8 << 20;
const EXIT_COUNT: u32 = 2_000;
const INSTRUCTIONS_MAX: u64 = 60_000;

/// A hart and its memory after a run, and what the model counted.
struct Outcome {
    /// On the heap: a test's stack has no room for three of them.
    hart: Box<Hart>,
    memory: Vec<u8>,
    report: Option<CycleReport>,
}

fn run(guest: &WildGuest, features: Features, mut model: Option<CycleModel>) -> Outcome {
    let config = BoardConfig { ram_bytes: RAM_BYTES, harts: 1, start_time_ns: 0 };
    let mut board = Board::new(&config).expect("a small board");
    for segment in &guest.segments {
        board.ram().write_bytes(segment.address - RAM_BASE, &segment.bytes).expect("it fits");
    }
    let mut hart = Box::new(Hart::new(0, guest.entry, 0));
    hart.set_features(features);
    let mut interpreter = Interpreter::new();
    loop {
        let end = match &mut model {
            None => interpreter.run(&mut hart, &mut board, INSTRUCTIONS_MAX),
            Some(model) => interpreter.run_watched(&mut hart, &mut board, model, INSTRUCTIONS_MAX),
        };
        match end {
            RunEnd::Message => hart.state.outgoing.clear(),
            _ => break,
        }
    }
    let mut memory = vec![0; RAM_BYTES as usize];
    board.ram().read_bytes(0, &mut memory).expect("RAM gives its own size");
    Outcome { hart, memory, report: model.map(|model| model.report()) }
}

fn assert_same(seed: u64, off: &Outcome, on: &Outcome) {
    let (a, b) = (&off.hart, &on.hart);
    assert_eq!((a.state.instructions, a.state.ring), (b.state.instructions, b.state.ring), "seed {seed}");
    assert_eq!((&a.state.bank, &a.state.inactive), (&b.state.bank, &b.state.inactive), "seed {seed}");
    assert_eq!(
        (&a.state.supervisor, &a.state.hypervisor),
        (&b.state.supervisor, &b.state.hypervisor),
        "seed {seed}"
    );
    assert_eq!((&a.state.vm, &a.state.exit), (&b.state.vm, &b.state.exit), "seed {seed}");
    assert_eq!(a.state.statistics, b.state.statistics, "seed {seed}");
    assert!(off.memory == on.memory, "seed {seed}: memory differs");
}

#[test]
fn wild_guests_do_not_notice_the_model() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
    };
    let limit = Duration::from_secs(number("VISA_FUZZ_SECONDS", 3));
    let start = Instant::now();
    let first = number("VISA_FUZZ_SEED", 1);
    let (mut seed, mut walks, mut entries) = (first, 0, 0);
    while start.elapsed() < limit {
        let guest = WildGuest::random(seed, EXIT_COUNT);
        // Every second run lacks a feature.
        let features = match seed as usize % (2 * Feature::ALL.len()) {
            index if index < Feature::ALL.len() => Features::default().without(Feature::ALL[index]),
            _ => Features::default(),
        };
        let preset = Preset::ALL[seed as usize / 2 % 2];
        let model = || CycleModel::new(&Parameters::preset(preset), features).expect("a preset can be built");
        let off = run(&guest, features, None);
        let [once, again] = [(); 2].map(|()| run(&guest, features, Some(model())));
        assert_same(seed, &off, &once);
        assert_same(seed, &off, &again);
        assert_eq!(once.report, again.report, "seed {seed}");
        let report = once.report.expect("it was modelled");
        assert_eq!(report.instructions(), once.hart.state.instructions, "seed {seed}");
        assert_eq!(report.millicycles(), once.hart.state.millicycles, "seed {seed}");
        walks += report.translation.walks;
        entries += report.entries;
        seed = seed.wrapping_add(1);
    }
    println!("{} guests, {entries} entries, {walks} walks", seed.wrapping_sub(first));
    assert!(walks > 0 && entries > 100, "the guests hardly run");
}
