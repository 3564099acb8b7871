//! A machine is a function of what it was made of and of the log of what came from outside.

use std::sync::atomic::{AtomicU64, Ordering};

use visa_core::clock::HostClock;
use visa_devices::{DiskAccess, MemoryBackend};
use visa_machine::board::{Board, BoardConfig};
use visa_machine::input::{Input, InputLog, LogEntry, ReplayError};
use visa_machine::lockstep::state;
use visa_machine::machine::{EngineKind, Machine, Progress, TimeSource};
use visa_machine::memory_map::RAM_BASE;

const JIT: EngineKind = EngineKind::Jit { threshold: Some(0), optimise: Some(200) };

/// Each hart prints what it reads from the console, mixes the time and the clock into a word of memory with every byte, sets its timer
/// to a moment that follows from them, and halts until that or a byte comes.
const SOURCE: &str = "
_start: mv      s0, R10
        li      s1, 0x10000000          # the serial port
        li      s2, 0x101000            # the clock
        la      s3, word
        li      t0, 0x80
        wrmsr   hvie, t0
1:      rdtime  t1
        lw      t2, 0(s2)
        xor     t1, t1, t2
        andi    t1, t1, 0x1ff
        rdtime  t2
        add     t2, t2, t1
        wrmsr   hvtimecmp, t2
        amoadd.d zero, t2, (s3)
        lbu     t1, 5(s1)
        andi    t1, t1, 1
        beqz    t1, 2f
        lbu     t1, 0(s1)
        sb      t1, 0(s1)
        amoxor.d zero, t1, (s3)
        j       1b
2:      wfi
        addi    s5, s5, 1
        j       1b
        .align  3
word:   .dword  0
";

struct Setup {
    harts: usize,
    engine: EngineKind,
    disk: Vec<u8>,
    source: &'static str,
}

impl Setup {
    fn new(harts: usize, engine: EngineKind) -> Setup {
        Setup { harts, engine, disk: vec![7; 3 << 20], source: SOURCE }
    }

    fn machine(&self, time: TimeSource) -> Machine {
        let object = visa_asm::assemble(self.source, "replay.s", &visa_asm::Options::default());
        let object = object.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        let config = BoardConfig { ram_bytes: 1 << 20, harts: self.harts, start_time_ns: 1_000 };
        let mut board = Board::new(&config).expect("a board");
        board
            .attach_disk(Box::new(MemoryBackend::new(self.disk.clone(), DiskAccess::ReadWrite)), "a")
            .expect("a free slot");
        let mut machine = Machine::new(board, object.entry, 0, time);
        machine.write_physical(RAM_BASE, &object.to_flat()).expect("it fits");
        machine.set_engine(self.engine);
        machine
    }
}

/// Numbers that look random (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// A clock that goes by steps that nobody can know.
fn unsteady(seed: u64) -> HostClock {
    let (random, now) = (AtomicU64::new(seed), AtomicU64::new(5_000_000));
    HostClock::new(move || {
        let mut next = Random(random.load(Ordering::Relaxed));
        let step = next.below(3_000);
        random.store(next.0, Ordering::Relaxed);
        now.fetch_add(step, Ordering::Relaxed) + step
    })
}

/// Runs in pieces of all kinds and types in between, and hands in the log.
fn recorded(machine: &mut Machine, seed: u64) -> InputLog {
    let mut random = Random(seed | 1);
    machine.pause_at_halt = random.below(2) == 0;
    machine.record().expect("the disk can be read");
    for _ in 0..300 {
        let (slice_ns, instructions) = (1 + random.below(20_000), random.below(2_000));
        let progress = match random.below(4) {
            0 => {
                let mut slice = machine.begin_slice(slice_ns, instructions);
                let progress = loop {
                    if let Some(progress) = machine.continue_slice(&mut slice, 1 + random.below(100)) {
                        break progress;
                    }
                };
                assert!(!slice.is_paused());
                progress
            }
            1 => (0..20).map(|_| machine.step(0).1).last().expect("twenty"),
            _ => machine.run_slice(slice_ns, instructions),
        };
        match progress {
            Progress::Running => {}
            Progress::Idle(Some(nanoseconds)) => machine.skip(nanoseconds),
            other => panic!("{other:?}"),
        }
        if random.below(3) == 0 {
            let typed: Vec<u8> = (0..random.below(5)).map(|_| b'a' + random.below(26) as u8).collect();
            assert_eq!(machine.input(&Input::Typed(typed.clone())), typed.len());
        }
    }
    machine.take_log().expect("a log was begun")
}

fn assert_same(a: &Machine, b: &Machine) {
    assert_eq!(state::differences(a, b), []);
    assert_eq!(state::memory_difference(a, b), None);
    assert_eq!(a.memory_checksum(), b.memory_checksum());
    assert_eq!((a.totals(), a.now_ns()), (b.totals(), b.now_ns()));
    assert_eq!(a.board.console_printed(), b.board.console_printed());
}

#[test]
fn with_the_hosts_clock_a_run_is_a_function_of_its_log() {
    for engine in [EngineKind::Interpreter, JIT] {
        for seed in 1..8 {
            let setup = Setup::new(1 + seed as usize % 2, engine);
            let mut first = setup.machine(TimeSource::Host(unsteady(seed)));
            let log = recorded(&mut first, seed);
            let answers = log.entries.iter().filter(|entry| matches!(entry, LogEntry::Input(Input::Time(_))));
            assert!(answers.count() > 500, "the clock was asked");
            assert!(first.board.console_printed().bytes > 20, "{:?}", first.board.console_printed());
            let mut second = setup.machine(TimeSource::Given);
            second.pause_at_halt = first.pause_at_halt;
            log.replay(&mut second).unwrap_or_else(|error| panic!("{engine:?}, {seed}: {error}"));
            assert_same(&first, &second);
            // What comes from outside matters: with another clock, the run is another.
            let mut other = setup.machine(TimeSource::Host(unsteady(seed + 100)));
            recorded(&mut other, seed);
            assert_ne!(other.memory_checksum(), first.memory_checksum());
        }
    }
}

#[test]
fn with_time_from_instructions_any_engine_replays_a_log() {
    for seed in 1..12 {
        let setup = |engine| Setup::new(1 + seed as usize % 3, engine);
        let mut first = setup(EngineKind::Interpreter).machine(TimeSource::Instructions);
        let log = recorded(&mut first, seed);
        for engine in [EngineKind::Interpreter, JIT] {
            let mut second = setup(engine).machine(TimeSource::Instructions);
            second.pause_at_halt = first.pause_at_halt;
            log.replay(&mut second).unwrap_or_else(|error| panic!("{engine:?}, {seed}: {error}"));
            assert_same(&first, &second);
        }
    }
}

#[test]
fn a_log_is_refused_by_a_machine_that_is_not_its_own() {
    let setup = Setup::new(1, EngineKind::Interpreter);
    let log = recorded(&mut setup.machine(TimeSource::Instructions), 3);
    let refusal = |setup: &Setup, time| {
        let mut machine = setup.machine(time);
        log.replay(&mut machine).expect_err("it is another").to_string()
    };
    let mut other_disk = Setup::new(1, EngineKind::Interpreter);
    other_disk.disk[2 << 20] ^= 1;
    let refused = refusal(&other_disk, TimeSource::Instructions);
    assert!(refused.contains("what is on the disks"), "{refused}");
    let other_program = Setup {
        source: "_start: j _start",
        disk: setup.disk.clone(),
        ..Setup::new(1, EngineKind::Interpreter)
    };
    let refused = refusal(&other_program, TimeSource::Instructions);
    assert!(refused.contains("what is in RAM"), "{refused}");
    let refused = refusal(&Setup::new(2, EngineKind::Interpreter), TimeSource::Instructions);
    assert!(refused.contains("the number of harts is 2, not 1"), "{refused}");
    let refused = refusal(&setup, TimeSource::Given);
    assert_eq!(refused, "the log has no clock's answers, and the machine's time comes from inputs");
    let mut ran = setup.machine(TimeSource::Instructions);
    ran.run_slice(1_000, 2);
    assert!(matches!(log.replay(&mut ran), Err(ReplayError::Origin { .. })));
}

#[test]
fn a_run_that_comes_out_differently_is_told() {
    let setup = Setup::new(1, EngineKind::Interpreter);
    let log = recorded(&mut setup.machine(TimeSource::Host(unsteady(5))), 5);
    // A clock's answer too few: the last ones come too early, and one is missing.
    let mut shorter = InputLog { entries: Default::default(), ..log.clone() };
    let mut dropped = false;
    for entry in log.entries.iter() {
        let is_answer = matches!(entry, LogEntry::Input(Input::Time(_)));
        if !is_answer || std::mem::replace(&mut dropped, true) {
            shorter.entries.note(entry.clone());
        }
    }
    let mut machine = setup.machine(TimeSource::Given);
    let told = shorter.replay(&mut machine);
    assert!(matches!(told, Err(ReplayError::Diverged { .. })), "{told:?}");
}
