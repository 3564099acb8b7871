//! The machine: a board, its harts, the engine, and time.
//!
//! A machine runs in slices of virtual time. A slice changes nothing that the guest could see: time follows from retired
//! instructions, several harts take turns that no slice ends, and an interrupt comes at the same instruction however the
//! run is sliced.

mod engine;
mod run;
pub(crate) mod turn;

use std::collections::{BTreeMap, BTreeSet};

use visa_core::Hart;
use visa_core::clock::HostClock;
use visa_cycles::CycleModel;
use visa_devices::FinisherRequest;
use visa_interp::CodeStatistics;
use visa_isa::Ring;
use visa_isa::cause::ExitCause;
use visa_state::{HypervisorException, Spread};

use crate::board::Board;
use crate::compare::{CheckedFigures, Difference, Executed};
use crate::input::{GivenTime, Input, LogEntry, LogRecorder};
use engine::MachineEngine;
pub use engine::{EngineKind, GENERATES_CODE};
pub use turn::Slice;
use turn::Turn;

/// Where time comes from.
#[derive(Clone, Debug, Default)]
pub enum TimeSource {
    /// One nanosecond for each retired instruction; a halt skips to the next event. Deterministic.
    #[default]
    Instructions,
    /// The host's clock, for interactive use.
    Host(HostClock),
    /// What is given as [`Input::Time`], in that order: for a run that happens again.
    Given,
}

/// Why a machine has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// A guest asked for it, with this exit code.
    Finished(u16),
    /// A guest asked for a reset.
    Reset,
    /// Ring -1 of a hart raised three exceptions in a row.
    Dead {
        /// The hart.
        hart: u64,
        /// HVCAUSE of the last.
        cause: u64,
        /// HVTVAL.
        value: u64,
        /// HVEPC.
        pc: u64,
        /// The first of the three.
        first: HypervisorException,
        /// HVVEC, where it should have been handled.
        vector: u64,
    },
}

/// What a slice came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// There is more to do.
    Running,
    /// Every hart halts. `None`: only input can wake the machine. Otherwise: nanoseconds until the next event. With
    /// time from instructions that comes only if [`Machine::pause_at_halt`] asks for it, and [`Machine::skip`] goes on.
    Idle(Option<u64>),
    /// A hart is at one of the [`Machine::breakpoints_mut`]; the instruction there has not been executed.
    Breakpoint(usize),
    /// It has ended.
    Ended(End),
}

/// Sums over all harts, for reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Retired instructions, all rings.
    pub instructions: u64,
    /// Of these, in Ring -1.
    pub instructions_ring_minus_1: u64,
    /// VM exits by cause.
    pub exits: BTreeMap<ExitCause, u64>,
    /// Exceptions and interrupts that Ring 0 took, by scause.
    pub traps: BTreeMap<u64, u64>,
    /// Instructions that Ring -1 completed in software.
    pub emulated: u64,
    /// Combined TLB misses.
    pub tlb_misses: u64,
    /// Page-table entries that walks read.
    pub walk_references: u64,
    /// Instructions of Ring -1 from an exit to the next entry, by the exit's cause.
    pub exit_instructions: BTreeMap<ExitCause, Spread>,
    /// Registers that world switches moved through memory, for want of a banked switch.
    pub register_moves: u64,
}

/// The machine.
pub struct Machine {
    /// Devices and memory.
    pub board: Board,
    /// The harts.
    pub harts: Vec<Hart>,
    /// Come back when every hart halts also with time from instructions, rather than skip to the next event: for
    /// callers that hand in input at such moments.
    pub pause_at_halt: bool,
    engine: Box<dyn MachineEngine>,
    engine_kind: EngineKind,
    /// A cycle model for each hart, or none.
    pub(crate) models: Vec<CycleModel>,
    pub(crate) time: Time,
    /// The log of what happens to it.
    pub(crate) recorder: Option<LogRecorder>,
    /// Nanoseconds since the start, as of the end of the last slice or step.
    now_ns: u64,
    /// The turn that is not over.
    turn: Option<Turn>,
}

/// Where a machine's time comes from, since it started.
pub(crate) enum Time {
    Instructions,
    Host { clock: HostClock, start: u64, given: Option<GivenTime> },
}

impl Time {
    fn of(source: TimeSource) -> Time {
        match source {
            TimeSource::Instructions => Time::Instructions,
            TimeSource::Host(clock) => Time::Host { start: clock.nanoseconds(), clock, given: None },
            TimeSource::Given => {
                let given = GivenTime::default();
                Time::Host { clock: given.clock(), start: 0, given: Some(given) }
            }
        }
    }

    /// Nanoseconds that have passed whatever the harts did; `None`: time follows from that alone.
    fn passed(&self) -> Option<u64> {
        match self {
            Time::Instructions => None,
            Time::Host { clock, start, .. } => Some(clock.nanoseconds().saturating_sub(*start)),
        }
    }

    fn is_virtual(&self) -> bool {
        matches!(self, Time::Instructions)
    }

    /// The answers that are given, if the time comes from inputs.
    pub(crate) fn given(&self) -> Option<&GivenTime> {
        match self {
            Time::Host { given, .. } => given.as_ref(),
            Time::Instructions => None,
        }
    }

    /// Has the clock, if there is one, replaced by what is made of it and of what it said at the start.
    pub(crate) fn replace_clock(&mut self, made: impl FnOnce(HostClock, u64) -> HostClock) {
        if let Time::Host { clock, start, .. } = self {
            *clock = made(clock.clone(), *start);
        }
    }
}

impl Machine {
    /// A machine after reset: every hart in Ring -1 at `entry`, with the address of the device tree in R11.
    pub fn new(board: Board, entry: u64, device_tree: u64, time: TimeSource) -> Machine {
        let harts = (0..board.harts() as u64).map(|id| Hart::new(id, entry, device_tree)).collect();
        Machine {
            board,
            harts,
            pause_at_halt: false,
            engine: EngineKind::default().make(),
            engine_kind: EngineKind::default(),
            models: Vec::new(),
            time: Time::of(time),
            recorder: None,
            now_ns: 0,
            turn: None,
        }
    }

    /// Nanoseconds since the start, as the harts see it.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Addresses (of whatever ring is running) at which a run comes back before it executes the instruction.
    pub fn breakpoints_mut(&mut self) -> &mut BTreeSet<u64> {
        &mut self.engine.interpreter().breakpoints
    }

    /// Chooses the engine, between two slices or parts of them. Breakpoints are to be set anew.
    pub fn set_engine(&mut self, kind: EngineKind) {
        self.engine = kind.make();
        self.engine_kind = kind;
    }

    /// What a [`EngineKind::Recorder`] has executed last, in order; it forgets it.
    pub fn take_executed(&mut self) -> Vec<Executed> {
        self.engine.take_executed()
    }

    /// What an [`EngineKind::Checked`] has found, once: the run ends with it.
    pub fn take_difference(&mut self) -> Option<Difference> {
        self.engine.take_difference()
    }

    /// How much an [`EngineKind::Checked`] has checked, if that is the engine.
    pub fn checked(&self) -> Option<CheckedFigures> {
        self.engine.checked()
    }

    /// What is wrong with generated code, in words, where that is checked.
    pub fn code_faults(&self) -> Vec<String> {
        self.engine.generated().map(|code| code.faults()).unwrap_or_default()
    }

    /// How much code the engine has generated, if it generates any.
    pub fn code_statistics(&self) -> Option<CodeStatistics> {
        self.engine.generated().map(|code| code.statistics())
    }

    /// The engine's name in reports. With a cycle model, the interpreter executes whatever the engine.
    pub fn engine_name(&self) -> &'static str {
        if self.models.is_empty() { self.engine.name() } else { "interpreter" }
    }

    /// Whether its time follows from instructions, and from nothing that comes from outside.
    pub(crate) fn time_is_virtual(&self) -> bool {
        self.time.is_virtual()
    }

    /// The turn that is not over.
    pub(crate) fn turn(&self) -> Option<&Turn> {
        self.turn.as_ref()
    }

    /// Puts it at a moment: so many nanoseconds since the start, and in a turn. The engine forgets what it has made of the code.
    pub(crate) fn go_to(&mut self, now_ns: u64, turn: Option<Turn>) {
        (self.now_ns, self.turn) = (now_ns, turn);
        let breakpoints = std::mem::take(self.breakpoints_mut());
        self.set_engine(self.engine_kind);
        *self.breakpoints_mut() = breakpoints;
    }

    /// Gives it something from outside, between two slices or steps: the one way in. How much of it was taken: of typed bytes, as many
    /// as there is room for; of the time, one answer if the machine's time is given so ([`TimeSource::Given`]), which
    /// the clock gives when it is asked after all that were given before.
    pub fn input(&mut self, input: &Input) -> usize {
        match input {
            Input::Typed(bytes) => {
                let taken = self.board.console_input(bytes);
                if taken != 0 {
                    self.note(|| LogEntry::Input(Input::Typed(bytes[..taken].to_vec())));
                }
                taken
            }
            Input::Time(nanoseconds) => match self.time.given() {
                Some(given) => {
                    given.give(*nanoseconds);
                    1
                }
                None => 0,
            },
        }
    }

    /// Writes an entry into the log, if there is one.
    pub(crate) fn note(&self, entry: impl FnOnce() -> LogEntry) {
        if let Some(recorder) = &self.recorder {
            recorder.note(entry());
        }
    }

    /// With time from instructions: lets so much time pass without an instruction. The way on from an
    /// [`Progress::Idle`] that came by [`Machine::pause_at_halt`].
    pub fn skip(&mut self, nanoseconds: u64) {
        if self.time.is_virtual() {
            self.note(|| LogEntry::Skip(nanoseconds));
            self.now_ns = self.now_ns.saturating_add(nanoseconds);
            self.turn = None;
        }
    }

    /// The end of a hart whose last exception was one too many.
    fn dead(&self, index: usize, HypervisorException { cause, value, pc }: HypervisorException) -> Progress {
        let hart = &self.harts[index];
        let (first, vector) = (hart.state.delivery.first, hart.state.hypervisor.hvvec);
        Progress::Ended(End::Dead { hart: hart.state.id, cause, value, pc, first, vector })
    }

    /// The end that a guest asked for, if that is why a hart stopped.
    fn finished(&self) -> Option<Progress> {
        let end = match self.board.finisher_request()? {
            FinisherRequest::Pass => End::Finished(0),
            FinisherRequest::Fail(code) => End::Finished(code),
            FinisherRequest::Reset => End::Reset,
        };
        Some(Progress::Ended(end))
    }

    /// Retired instructions of all harts.
    pub fn instructions(&self) -> u64 {
        self.harts.iter().map(|hart| hart.state.instructions).sum()
    }

    /// Sums over all harts.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for hart in &self.harts {
            totals.instructions += hart.state.instructions;
            totals.instructions_ring_minus_1 += hart.state.instructions_ring_minus_1();
            totals.emulated += hart.state.statistics.emulated;
            totals.tlb_misses += hart.state.statistics.tlb_misses;
            totals.walk_references += hart.state.statistics.walk_references;
            totals.register_moves += hart.state.statistics.register_moves;
            for (cause, count) in hart.state.statistics.traps.iter() {
                *totals.traps.entry(cause).or_default() += count;
            }
            for (&cause, spread) in &hart.state.statistics.exit_instructions {
                totals.exit_instructions.entry(cause).or_default().merge(spread);
            }
            for (&cause, &count) in &hart.state.statistics.exits {
                *totals.exits.entry(cause).or_default() += count;
            }
        }
        totals
    }

    /// A checksum (CRC-32) of all of RAM, to compare two runs.
    pub fn memory_checksum(&self) -> u32 {
        use visa_mem::Platform;
        let ram = self.board.ram();
        let mut hasher = crc32fast::Hasher::new();
        let mut page = vec![0; visa_isa::paging::PAGE_SIZE as usize];
        for offset in (0..ram.size()).step_by(page.len()) {
            if ram.read_bytes(offset, &mut page).is_some() {
                hasher.update(&page);
            }
        }
        hasher.finalize()
    }

    /// The ring that a hart runs in, by name: for messages.
    pub fn ring_name(&self, hart: usize) -> &'static str {
        self.harts.get(hart).map_or("no hart", |hart| Ring::name(hart.state.ring))
    }
}
