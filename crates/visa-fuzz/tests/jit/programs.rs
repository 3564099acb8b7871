//! Programs that cannot trap.

use visa_fuzz::code::Code;
use visa_fuzz::program::{Program, code_bytes, pool};
use visa_fuzz::space::{Page, Space};
use visa_fuzz::structured::{self, Places};
use visa_fuzz::unit::Generator;
use visa_fuzz::{Random, loops, switches};
use visa_state::Features;

use crate::pair::{Pair, RAM_BASE, RAM_BYTES, Segment};
use crate::seeds::{for_seeds, for_seeds_until};

/// Tables of address spaces.
const TABLES: u64 = RAM_BASE + (6 << 20);
/// A page that address spaces have elsewhere.
const MOVED: Page = Page { virtual_address: RAM_BASE + (2 << 20) + 0x1000, physical: RAM_BASE + (4 << 20) };

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
        if seed.is_multiple_of(6) && pair.statistics().blocks > 0 {
            assert!(pair.statistics().reclaimed > 0, "{}: {:?}", pair.what, pair.statistics());
        }
        instructions
    });
}

/// What the engine has done with programs.
#[derive(Clone, Copy, Default)]
struct Done {
    optimised: u64,
    guesses: u64,
}

/// Runs programs on both engines, every second one in Ring 0, where two pages that lie side by side are far from each other; at least
/// until the engine has done enough with them.
fn programs_run_alike(
    what: &str,
    enough: impl Fn(Done) -> bool,
    mut segments: impl FnMut(u64, &mut Random, &Space) -> Vec<Segment>,
) {
    let mut done = Done::default();
    let seen = for_seeds_until(|seed| {
        let mut random = Random::fork(seed, 5);
        let space = Space::random(&mut random, RAM_BASE..RAM_BASE + RAM_BYTES, TABLES, Some(MOVED));
        let mut segments = segments(seed, &mut random, &space);
        segments.push((TABLES, space.tables.clone()));
        let mut pair = Pair::new(format!("{what} {seed}"), seed, RAM_BASE, &segments, Features::default());
        if seed / 2 % 2 == 0 {
            pair.enter(&space);
        }
        let instructions = pair.run(60_000);
        assert_eq!(instructions, 60_000, "{}: it ends", pair.what);
        let statistics = pair.statistics();
        done.optimised += statistics.optimised;
        done.guesses += statistics.predictions;
        (instructions, enough(done))
    });
    println!("{} loops optimised, {} accesses guessed", done.optimised, done.guesses);
    assert!(seen, "no loop was optimised, or none guessed");
}

/// Loops in loops, with every kind of computation in them.
#[test]
fn loops_run_alike() {
    const SCRATCH: u64 = MOVED.virtual_address - 0x80;
    let segments =
        |_, random: &mut Random, _: &Space| vec![(RAM_BASE, loops::program(random, RAM_BASE, SCRATCH))];
    // They use more registers than optimised loops may.
    programs_run_alike("loops", |done| done.guesses > 0, segments);
}

/// Programs that look like a compiler's.
#[test]
fn structured_programs_run_alike() {
    const PLACES: Places = Places {
        code: RAM_BASE,
        data: RAM_BASE + (1 << 20),
        scratch: MOVED.virtual_address - 0x400,
        stack: RAM_BASE + (3 << 20),
    };
    programs_run_alike(
        "program",
        |done| done.guesses > 0 && done.optimised > 0,
        |_, random, _| {
            let program = structured::program(random, PLACES);
            vec![(PLACES.code, program.code), (PLACES.data, program.data)]
        },
    );
}

/// Kernels that call a page of code which is elsewhere in each of two address spaces, and change it.
#[test]
fn switches_run_alike() {
    const PAGE: u64 = RAM_BASE + (1 << 16);
    const COPIES: [u64; 2] = [RAM_BASE + (3 << 20), RAM_BASE + (5 << 20)];
    const TABLES_OF: [u64; 2] = [TABLES, TABLES + (1 << 20)];
    for_seeds(|seed| {
        let mut random = Random::fork(seed, 7);
        let memory = RAM_BASE..RAM_BASE + RAM_BYTES;
        let mut space = |index: usize| {
            let moved = Page { virtual_address: PAGE, physical: COPIES[index] };
            Space::random(&mut random, memory.clone(), TABLES_OF[index], Some(moved))
        };
        let spaces = [space(0), space(1)];
        let code = switches::program(&mut random, RAM_BASE, PAGE, [spaces[0].cr3, spaces[1].cr3]);
        let mut segments = vec![(RAM_BASE, code)];
        for (index, space) in spaces.iter().enumerate() {
            segments.push((COPIES[index], switches::page(&mut random, PAGE)));
            segments.push((TABLES_OF[index], space.tables.clone()));
        }
        let mut pair = Pair::new(format!("switches {seed}"), seed, RAM_BASE, &segments, Features::default());
        pair.enter(&spaces[0]);
        let instructions = pair.run(10_000);
        assert_eq!(instructions, 10_000, "{}: it ends", pair.what);
        instructions
    });
}
