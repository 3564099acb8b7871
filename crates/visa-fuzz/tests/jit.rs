//! The JIT against the interpreter, side by side: after every few instructions the two harts must be the same in
//! everything that a guest or a report can see, and at the end their memories too.
//!
//! `VISA_FUZZ_SECONDS` says how long each test goes on (default 3), `VISA_FUZZ_SEED` where to start.

use std::time::{Duration, Instant};

use visa_core::{Feature, Features, Hart};
use visa_fuzz::Random;
use visa_fuzz::code::Code;
use visa_fuzz::loops;
use visa_fuzz::program::{Program, code_bytes, pool};
use visa_fuzz::structured;
use visa_fuzz::unit::Generator;
use visa_fuzz::wild_guest::WildGuest;
use visa_interp::{Interpreter, RunEnd};
use visa_isa::Ring;
use visa_isa::msr::sstatus;
use visa_jit::Jit;
use visa_machine::board::{Board, BoardConfig};
use visa_machine::lockstep::state::{hart_differences, ram_difference};
use visa_mem::Platform;

const RAM_BASE: u64 = 0x8000_0000;
const RAM_BYTES: u64 = 8 << 20;

/// A hart on a board of its own.
struct Machine {
    hart: Hart,
    board: Board,
}

impl Machine {
    fn new(entry: u64, segments: &[(u64, Vec<u8>)], features: Features) -> Machine {
        let config = BoardConfig { ram_bytes: RAM_BYTES, harts: 1, start_time_ns: 0 };
        let board = Board::new(&config).expect("a small board");
        for (address, bytes) in segments {
            board.ram().write_bytes(address - RAM_BASE, bytes).expect("it fits");
        }
        let mut hart = Hart::new(0, entry, 0);
        hart.set_features(features);
        Machine { hart, board }
    }
}

/// The two machines at the start of a program.
struct Pair {
    reference: Machine,
    fast: Machine,
    interpreter: Interpreter,
    jit: Jit,
    random: Random,
    what: String,
}

impl Pair {
    fn new(what: String, seed: u64, entry: u64, segments: &[(u64, Vec<u8>)], features: Features) -> Pair {
        let mut jit = Jit::new();
        // Half of the runs translate everything before it is executed, the others what has been executed a few times.
        jit.set_threshold(if seed.is_multiple_of(2) { 0 } else { 3 });
        // A third has hardly any room for code, and drops all of it again and again.
        if seed.is_multiple_of(3) {
            jit.set_code_limit(0);
        }
        // Loops are optimised almost at once, now and then, or not at all.
        jit.optimise_at_once([40, 40, 700, 700, 0][(seed / 3 % 5) as usize]);
        Pair {
            reference: Machine::new(entry, segments, features),
            fast: Machine::new(entry, segments, features),
            interpreter: Interpreter::new(),
            jit,
            random: Random::fork(seed, 77),
            what,
        }
    }

    /// Runs both up to so many instructions, in slices; returns how many they were.
    fn run(&mut self, most: u64) -> u64 {
        loop {
            let longest = self.random.pick(&[10, 3_000, 3_000, 3_000]);
            let slice = 1 + self.random.below(longest);
            let limit = (self.reference.hart.instructions + slice).min(most);
            let expected = self.interpreter.run(&mut self.reference.hart, &mut self.reference.board, limit);
            let found = self.jit.run(&mut self.fast.hart, &mut self.fast.board, limit);
            assert_eq!(expected, found, "{}", self.what);
            self.compare();
            match expected {
                RunEnd::Limit if self.reference.hart.instructions < most => {}
                RunEnd::Message => {
                    self.reference.hart.outgoing.clear();
                    self.fast.hart.outgoing.clear();
                }
                _ => break,
            }
        }
        let memory = ram_difference(self.fast.board.ram(), self.reference.board.ram());
        assert_eq!(memory, None, "{}: memory differs", self.what);
        self.reference.hart.instructions
    }

    fn compare(&self) {
        let (reference, fast) = (&self.reference.hart, &self.fast.hart);
        let found = hart_differences(fast, reference);
        assert_eq!(found, [], "{} by instruction {}", self.what, reference.instructions);
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// Calls a test with one seed after the other, for as long as it may take; it returns the instructions that it ran.
fn for_seeds(mut test: impl FnMut(u64) -> u64) {
    for_seeds_until(|seed| (test(seed), true));
}

/// The same of a test that also says whether it has seen what it must: if not, it goes on, but not for ever.
fn for_seeds_until(mut test: impl FnMut(u64) -> (u64, bool)) {
    const MOST: u64 = 4_000;
    let limit = Duration::from_secs(number("VISA_FUZZ_SECONDS", 3));
    let start = Instant::now();
    let first = number("VISA_FUZZ_SEED", 1);
    let (mut seed, mut instructions, mut has_seen) = (first, 0, false);
    while start.elapsed() < limit || !has_seen && seed.wrapping_sub(first) < MOST {
        let (done, enough) = test(seed);
        instructions += done;
        has_seen = enough;
        seed = seed.wrapping_add(1);
    }
    println!("{} runs, {instructions} instructions", seed.wrapping_sub(first));
    assert!(instructions > 10_000, "the programs hardly run");
}

/// Guests that trap, exit, page and overwrite themselves in every way.
#[test]
fn wild_guests_run_alike() {
    for_seeds(|seed| guest_runs_alike("wild guest", seed, WildGuest::random(seed, 2_000)));
}

/// Guests whose loops miss the TLB, over the ends of pages, with faults in both stages, devices, and code among the data.
#[test]
fn touching_guests_run_alike() {
    for_seeds(|seed| guest_runs_alike("touching guest", seed, WildGuest::touching(seed, 20_000)));
}

fn guest_runs_alike(what: &str, seed: u64, guest: WildGuest) -> u64 {
    let segments: Vec<_> =
        guest.segments.iter().map(|segment| (segment.address, segment.bytes.clone())).collect();
    // Every second run lacks a feature.
    let features = match seed as usize % (2 * Feature::ALL.len()) {
        index if index < Feature::ALL.len() => Features::default().without(Feature::ALL[index]),
        _ => Features::default(),
    };
    Pair::new(format!("{what} {seed}"), seed, guest.entry, &segments, features).run(60_000)
}

/// Computations of every kind, again and again, with values that are apt to go wrong.
#[test]
fn computations_run_alike() {
    const BLOCK: u64 = RAM_BASE + (2 << 20);
    const POOL: u64 = RAM_BASE + (3 << 20);
    const PROGRAMS: u64 = 24;
    let generator = Generator::default();
    for_seeds(|seed| {
        let mut segments = vec![(POOL, pool(seed))];
        let mut code = RAM_BASE;
        for index in 0..PROGRAMS {
            let block = BLOCK + 0x1000 * index;
            let program = Program::random(&generator, seed, index, 60, block, POOL);
            segments.push((block, program.initial_block().to_vec()));
            let bytes = code_bytes(&program.lay_out(code, 60));
            let next = code + bytes.len() as u64;
            segments.push((std::mem::replace(&mut code, next), bytes));
        }
        let mut end = Code::at(code);
        end.jump_to(RAM_BASE);
        segments.push((code, end.bytes()));
        let what = format!("computation {seed}");
        let mut pair = Pair::new(what, seed, RAM_BASE, &segments, Features::default());
        let instructions = pair.run(60_000);
        // With everything translated, there is far more code than room.
        if seed.is_multiple_of(6) && pair.jit.statistics().units > 0 {
            assert!(pair.jit.statistics().reclaimed > 0, "{}: {:?}", pair.what, pair.jit.statistics());
        }
        instructions
    });
}

/// Tables that map all of RAM to itself in pages of 4 KiB, but for one page; and CR3 for them.
fn tables(elsewhere: u64, physical: u64) -> (Vec<(u64, Vec<u8>)>, u64) {
    const TABLES: u64 = RAM_BASE + (6 << 20);
    const PAGE: u64 = 4096;
    const VALID: u64 = 1;
    /// D, A, X, W, R, V.
    const LEAF: u64 = 0xcf;
    let entry = |address: u64, bits: u64| address >> 12 << 10 | bits;
    let leaf = |index: u64| {
        let page = RAM_BASE + index * PAGE;
        entry(if page == elsewhere { physical } else { page }, LEAF)
    };
    let leaves = RAM_BYTES / PAGE;
    let bytes = |entries: Vec<u64>| entries.into_iter().flat_map(u64::to_le_bytes).collect::<Vec<u8>>();
    let mut root = vec![0; 512];
    root[(RAM_BASE >> 30) as usize] = entry(TABLES + PAGE, VALID);
    let middle = (0..leaves / 512).map(|table| entry(TABLES + (2 + table) * PAGE, VALID)).collect();
    let segments = vec![
        (TABLES, bytes(root)),
        (TABLES + PAGE, bytes(middle)),
        (TABLES + 2 * PAGE, bytes((0..leaves).map(leaf).collect())),
    ];
    (segments, 8 << 60 | TABLES >> 12)
}

/// Loops in loops, with every kind of computation in them; every second time in Ring 0, where the two pages of the scratch
/// memory are far from each other.
#[test]
fn loops_run_alike() {
    const SCRATCH: u64 = RAM_BASE + (2 << 20) + 0xf80;
    const NEXT_PAGE: u64 = RAM_BASE + (2 << 20) + 0x1000;
    let (mut optimised, mut guesses) = (0, 0);
    for_seeds_until(|seed| {
        let mut random = Random::fork(seed, 5);
        let (mut segments, cr3) = tables(NEXT_PAGE, RAM_BASE + (4 << 20));
        segments.push((RAM_BASE, loops::program(&mut random, RAM_BASE, SCRATCH)));
        let mut pair = Pair::new(format!("loops {seed}"), seed, RAM_BASE, &segments, Features::default());
        if seed / 2 % 2 == 0 {
            for hart in [&mut pair.reference.hart, &mut pair.fast.hart] {
                hart.ring = Ring::Kernel;
                hart.supervisor.satp = cr3;
                hart.supervisor.sstatus = sstatus::FS;
                hart.update_translation_context();
            }
        }
        let instructions = pair.run(60_000);
        let done = pair.jit.statistics();
        optimised += done.optimised;
        guesses += done.guesses;
        (instructions, optimised > 0 && guesses > 0)
    });
    println!("{optimised} loops optimised, {guesses} accesses guessed");
    assert!(optimised > 0 && guesses > 0, "no loop was optimised, or none guessed");
}

/// Programs that look like a compiler's; every second time in Ring 0, as above.
#[test]
fn structured_programs_run_alike() {
    const PLACES: structured::Places = structured::Places {
        code: RAM_BASE,
        data: RAM_BASE + (1 << 20),
        scratch: RAM_BASE + (2 << 20) + 0xc00,
        stack: RAM_BASE + (3 << 20),
    };
    const NEXT_PAGE: u64 = RAM_BASE + (2 << 20) + 0x1000;
    let (mut optimised, mut guesses) = (0, 0);
    for_seeds_until(|seed| {
        let mut random = Random::fork(seed, 6);
        let (mut segments, cr3) = tables(NEXT_PAGE, RAM_BASE + (4 << 20));
        let program = structured::program(&mut random, PLACES);
        segments.extend([(PLACES.code, program.code), (PLACES.data, program.data)]);
        let mut pair = Pair::new(format!("program {seed}"), seed, RAM_BASE, &segments, Features::default());
        if seed / 2 % 2 == 0 {
            for hart in [&mut pair.reference.hart, &mut pair.fast.hart] {
                hart.ring = Ring::Kernel;
                hart.supervisor.satp = cr3;
                hart.supervisor.sstatus = sstatus::FS;
                hart.update_translation_context();
            }
        }
        let instructions = pair.run(60_000);
        assert!(instructions == 60_000, "{}: {instructions}", pair.what);
        let done = pair.jit.statistics();
        optimised += done.optimised;
        guesses += done.guesses;
        (instructions, optimised > 0 && guesses > 0)
    });
    println!("{optimised} loops optimised, {guesses} accesses guessed");
    assert!(optimised > 0 && guesses > 0, "no loop was optimised, or none guessed");
}
