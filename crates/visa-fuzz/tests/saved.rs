//! A hart that is saved and loaded at any moment goes on as if it had not been: random guests under random hypervisors, which page, trap and
//! exit in every way, are what they are without, to the last count.
//!
//! `VISA_FUZZ_SECONDS` says how long to go on (default 3), `VISA_FUZZ_SEED` where to start.
#![allow(clippy::disallowed_methods, reason = "it measures how long something takes")]

use std::time::{Duration, Instant};

use visa_core::{Hart, SavedHart};
use visa_fuzz::Random;
use visa_fuzz::wild_guest::WildGuest;
use visa_interp::{Interpreter, RunEnd};
use visa_isa::paging::{Access, PAGE_SHIFT, PAGE_SIZE};
use visa_machine::board::{Board, BoardConfig};
use visa_mem::Platform;
use visa_state::{Feature, Features};

const RAM_BASE: u64 = 0x8000_0000;
const RAM_BYTES: u64 = 8 << 20;
const EXIT_COUNT: u32 = 500;
const INSTRUCTIONS_MAX: u64 = 30_000;

fn start(guest: &WildGuest, features: Features) -> (Board, Hart) {
    let config = BoardConfig { ram_bytes: RAM_BYTES, harts: 1, start_time_ns: 0 };
    let board = Board::new(&config).expect("a small board");
    for segment in &guest.segments {
        board.ram().write_bytes(segment.address - RAM_BASE, &segment.bytes).expect("it fits");
    }
    let mut hart = Hart::new(0, guest.entry, 0);
    hart.set_features(features);
    (board, hart)
}

/// Runs up to a retired count; false if the hart goes on no more.
fn run(interpreter: &mut Interpreter, hart: &mut Hart, board: &mut Board, until: u64) -> bool {
    loop {
        match interpreter.run(hart, board, until) {
            RunEnd::Message => hart.state.outgoing.clear(),
            end => return end == RunEnd::Limit,
        }
    }
}

/// What another hart is made of: by way of bytes.
fn reloaded(hart: &Hart) -> Hart {
    let bytes = postcard::to_allocvec(&hart.save()).expect("it can be written");
    let saved: SavedHart = postcard::from_bytes(&bytes).expect("it can be read");
    let loaded = Hart::of_saved(&saved, RAM_BYTES).expect("it is what was saved");
    assert!(loaded.save() == saved);
    loaded
}

#[test]
fn a_hart_goes_on_from_what_was_saved() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
    };
    let limit = Duration::from_secs(number("VISA_FUZZ_SECONDS", 3));
    let begun = Instant::now();
    let first = number("VISA_FUZZ_SEED", 1);
    let (mut seed, mut misses, mut exits, mut times) = (first, 0, 0, 0);
    while begun.elapsed() < limit {
        let guest = WildGuest::random(seed, EXIT_COUNT);
        let features = match seed as usize % (2 * Feature::ALL.len()) {
            lacking if lacking < Feature::ALL.len() => Features::default().without(Feature::ALL[lacking]),
            _ => Features::default(),
        };
        let (mut board, mut hart) = start(&guest, features);
        let (mut other_board, mut other) = start(&guest, features);
        let (mut interpreter, mut others) = (Interpreter::new(), Interpreter::new());
        let mut random = Random::new(seed);
        let mut until = 0;
        loop {
            until += random.below(3_000) + 1;
            let goes_on = run(&mut interpreter, &mut hart, &mut board, until);
            let other_goes_on = run(&mut others, &mut other, &mut other_board, until);
            assert_eq!(goes_on, other_goes_on, "seed {seed} at {until}");
            assert!(hart.save() == other.save(), "seed {seed} at {until}");
            if !goes_on || until > INSTRUCTIONS_MAX {
                break;
            }
            other = reloaded(&other);
            times += 1;
            // What was decoded is the engine's; a new one finds the same pages watched.
            if random.once_in(2) {
                others = Interpreter::new();
            }
        }
        misses += hart.state.statistics.tlb_misses;
        exits += hart.state.statistics.exits.values().sum::<u64>();
        seed += 1;
    }
    let guests = seed - first;
    assert!(guests == 0 || misses > guests && exits > guests, "{misses} misses, {exits} exits");
    println!("{guests} guests saved and loaded {times} times: {exits} exits, {misses} misses of the TLB");
}

#[test]
fn damaged_bytes_are_refused_or_a_hart() {
    let guest = WildGuest::random(1, EXIT_COUNT);
    let (mut board, mut hart) = start(&guest, Features::default());
    run(&mut Interpreter::new(), &mut hart, &mut board, 5_000);
    let bytes = postcard::to_allocvec(&hart.save()).expect("it can be written");
    let mut random = Random::new(1);
    let (mut refused, mut loaded) = (0, 0);
    for _ in 0..5_000 {
        let mut damaged = bytes.clone();
        let place = random.below(damaged.len() as u64) as usize;
        damaged[place] ^= 1 << random.below(8);
        match postcard::from_bytes::<SavedHart>(&damaged)
            .ok()
            .and_then(|saved| Hart::of_saved(&saved, RAM_BYTES).ok())
        {
            None => refused += 1,
            Some(hart) => {
                // What the first level knows is inside of RAM: no access of it is looked at any more.
                let known = hart.save();
                assert!(Hart::of_saved(&known, RAM_BYTES).is_ok(), "byte {place}");
                loaded += 1;
            }
        }
    }
    assert!(refused > 100 && loaded > 100, "{refused} refused, {loaded} loaded");
}

#[test]
fn translations_to_where_no_ram_is_are_refused() {
    let guest = WildGuest::random(1, EXIT_COUNT);
    let (mut board, mut hart) = start(&guest, Features::default());
    run(&mut Interpreter::new(), &mut hart, &mut board, 5_000);
    hart.mmu.tlb.fill(Access::Load, 0x1234_5000, RAM_BYTES - PAGE_SIZE, PAGE_SHIFT);
    assert!(Hart::of_saved(&hart.save(), RAM_BYTES).is_ok());
    hart.mmu.tlb.fill(Access::Load, 0x1234_5000, RAM_BYTES, PAGE_SHIFT);
    assert!(Hart::of_saved(&hart.save(), RAM_BYTES).is_err());
}
