//! Two machines of one hart, one on each engine.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use visa_core::Hart;
use visa_fuzz::Random;
use visa_fuzz::space::Space;
use visa_interp::{CodeStatistics, Engine, Interpreter, RunEnd};
use visa_isa::Ring;
use visa_isa::msr::sstatus;
use visa_jit::{Jit, Settings};
use visa_machine::board::{Board, BoardConfig};
use visa_machine::lockstep::state::{hart_differences, ram_difference};
use visa_mem::Platform;
use visa_state::Features;

pub const RAM_BASE: u64 = 0x8000_0000;
pub const RAM_BYTES: u64 = 8 << 20;

/// Bytes that belong at a physical address.
pub type Segment = (u64, Vec<u8>);

/// What a run may take of the host: so much for each slice, and so much for each instruction. That is a hundred times of what is
/// usual with tests' settings, which have everything translated and optimised at once: a guest that gets beyond has found something
/// that is not paid for by its instructions.
const SLICE_COST: Duration = Duration::from_millis(1_500);
const INSTRUCTION_COST: Duration = Duration::from_micros(60);
/// Memory of the process that runs the tests, side by side, in KiB.
const MEMORY_MOST: u64 = 2 << 20;

/// A hart on a board of its own.
pub struct Machine {
    pub hart: Hart,
    pub board: Board,
}

impl Machine {
    fn new(entry: u64, segments: &[Segment], features: Features) -> Machine {
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

/// How a run is cut.
#[derive(Clone, Copy, Debug)]
enum Slices {
    /// After each instruction, to begin with; then anywhere.
    Single,
    /// Anywhere.
    Random,
    /// As `--engine lockstep` does.
    Long,
}

/// Instructions of a long slice.
const LONG: u64 = 10_000;
/// Slices of one instruction that a run begins with.
const SINGLE: u64 = 3_000;

/// The two machines at the start of a program.
pub struct Pair {
    pub reference: Machine,
    pub fast: Machine,
    interpreter: Interpreter,
    jit: Box<dyn Engine<Board>>,
    random: Random,
    slices: Slices,
    /// The reference is observed, instruction by instruction.
    traced: bool,
    pub what: String,
}

impl Pair {
    pub fn new(what: String, seed: u64, entry: u64, segments: &[Segment], features: Features) -> Pair {
        let settings = Settings {
            // Half of the runs translate everything before it is executed, the others what has been executed a few times.
            threshold: Some(if seed.is_multiple_of(2) { 0 } else { 3 }),
            // Loops are optimised almost at once, now and then, or not at all.
            optimise: Some([40, 40, 700, 700, 0][(seed / 3 % 5) as usize]),
            // A third has hardly any room for code, and drops all of it again and again.
            code_limit: seed.is_multiple_of(3).then_some(0),
            check: None,
        };
        Pair {
            reference: Machine::new(entry, segments, features),
            fast: Machine::new(entry, segments, features),
            interpreter: Interpreter::new(),
            jit: Box::new(Jit::new(settings)),
            random: Random::fork(seed, 77),
            slices: [Slices::Random, Slices::Random, Slices::Long, Slices::Single][(seed / 5 % 4) as usize],
            traced: seed % 8 == 5,
            what,
        }
    }

    /// Lets both harts begin in Ring 0, in an address space.
    pub fn enter(&mut self, space: &Space) {
        for hart in [&mut self.reference.hart, &mut self.fast.hart] {
            hart.state.ring = Ring::Kernel;
            hart.state.supervisor.satp = space.cr3;
            hart.state.supervisor.sstatus = sstatus::FS;
            hart.update_translation_context();
        }
    }

    /// How much code the JIT has generated.
    pub fn statistics(&self) -> CodeStatistics {
        self.jit.generated().map(|code| code.statistics()).unwrap_or_default()
    }

    fn slice(&mut self) -> u64 {
        match self.slices {
            Slices::Single if self.reference.hart.state.instructions < SINGLE => 1,
            Slices::Long => LONG,
            _ => {
                let longest = self.random.pick(&[10, 3_000, 3_000, 3_000]);
                1 + self.random.below(longest)
            }
        }
    }

    /// Runs both up to so many instructions, in slices; returns how many they were.
    pub fn run(&mut self, most: u64) -> u64 {
        loop {
            let limit = (self.reference.hart.state.instructions + self.slice()).min(most);
            let expected = self.run_reference(limit);
            let before = processor_time();
            let found = self.jit.run(&mut self.fast.hart, &mut self.fast.board, limit);
            let took = processor_time().saturating_sub(before);
            assert_eq!(
                expected, found,
                "{} by instruction {}",
                self.what, self.reference.hart.state.instructions
            );
            self.compare();
            let most_time = SLICE_COST + INSTRUCTION_COST * LONG as u32;
            assert!(took < most_time, "{}: a slice up to {limit} took {took:?}", self.what);
            match expected {
                RunEnd::Limit if self.reference.hart.state.instructions < most => {}
                RunEnd::Message => {
                    self.reference.hart.state.outgoing.clear();
                    self.fast.hart.state.outgoing.clear();
                }
                _ => break,
            }
        }
        let memory = ram_difference(self.fast.board.ram(), self.reference.board.ram());
        assert_eq!(memory, None, "{}: memory differs", self.what);
        let resident = resident_memory();
        assert!(resident < MEMORY_MOST, "{}: the tests use {resident} KiB", self.what);
        self.reference.hart.state.instructions
    }

    fn run_reference(&mut self, limit: u64) -> RunEnd {
        let Machine { hart, board } = &mut self.reference;
        if !self.traced {
            return self.interpreter.run(hart, board, limit);
        }
        loop {
            if hart.state.instructions >= limit {
                // What comes between two instructions comes at the end of a run, but at the start of a step.
                return self.interpreter.run(hart, board, limit);
            }
            hart.observers.keep_events();
            let (_, end) = self.interpreter.step(hart, board);
            hart.observers.drop_events();
            if let Some(end) = end
                && end != RunEnd::Limit
            {
                return end;
            }
        }
    }

    fn compare(&self) {
        let (reference, fast) = (&self.reference.hart, &self.fast.hart);
        let mut found = hart_differences(fast, reference);
        if self.traced {
            found.retain(|mismatch| mismatch.name != "page-table entries read");
        }
        assert_eq!(found, [], "{} by instruction {}", self.what, reference.state.instructions);
    }
}

/// What this thread has used of the host's processors.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// KiB of memory that this process has; 0 if the host does not say.
fn resident_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
