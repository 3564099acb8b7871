//! What a machine has from outside: an engine of the host, memory of it, and a clock.

mod text_test;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use visa_core::clock::HostClock;
use visa_machine::board::BoardConfig;
use visa_machine::board::{Board, BoardError};
use visa_machine::machine::{End, EngineKind, GENERATES_CODE, Machine, Progress, TimeSource};
use visa_machine::memory_map::RAM_BASE;
use visa_mem::{Backing, Ram};

/// Code that is translated and, where it loops, optimised.
const JIT: EngineKind = EngineKind::Jit { threshold: Some(0), optimise: Some(100) };

fn run(machine: &mut Machine) {
    while machine.run_slice(100_000, u64::MAX) == Progress::Running {}
}

/// A build without `host-code` has no JIT in it, whatever other crates of the same build have asked for; and one with it has.
/// `VISA_REQUIRE_ENGINE` says which it must be.
#[test]
fn the_engine_says_what_executes() {
    let mut machine = text_test::machine(1, "main:\n li t0, 1000\n1: addi t0, t0, -1\n bnez t0, 1b\n pass\n");
    machine.set_engine(JIT);
    run(&mut machine);
    let expected = if GENERATES_CODE { "jit" } else { "interpreter" };
    assert_eq!(machine.engine_name(), expected);
    assert_eq!(machine.code_statistics().map(|code| code.blocks > 0), GENERATES_CODE.then_some(true));
    if let Ok(required) = std::env::var("VISA_REQUIRE_ENGINE") {
        assert_eq!(machine.engine_name(), required, "this build is another one");
        let backing = if required == "jit" { "Mapping" } else { "Vector" };
        assert_eq!(format!("{:?}", Backing::default()), backing, "this build is another one");
    }
    assert!(cfg!(feature = "host-code") == GENERATES_CODE || !cfg!(target_arch = "x86_64"));
}

/// Neither engine, nor what devices do, depends on what RAM is made of.
#[test]
fn a_guest_cannot_tell_what_ram_is_made_of() {
    let programs = [
        ("two harts with a lock", 2, include_str!("../../../tests/isa/atomic/two-harts.s")),
        ("walks that set A in code", 1, include_str!("../../../tests/isa/paging/marks-in-code.s")),
        ("tables and fences", 1, include_str!("../../../tests/isa/paging/tags-and-fences.s")),
    ];
    for (program, harts, source) in programs {
        let mut whole = text_test::machine(harts, source);
        run(&mut whole);
        assert_eq!(whole.run_slice(1, 1), Progress::Ended(End::Finished(0)), "{program}");
        for &backing in Backing::ALL {
            for engine in [EngineKind::Interpreter, JIT] {
                let ram = Ram::backed_by(backing, RAM_BASE, 2 << 20).expect("it is small");
                let mut machine = text_test::on(Board::with_ram(ram, harts, 0).expect("a board"), source);
                machine.set_engine(engine);
                run(&mut machine);
                let outcome =
                    |machine: &Machine| (machine.totals(), machine.now_ns(), machine.memory_checksum());
                assert_eq!(outcome(&machine), outcome(&whole), "{program}, {backing:?}, {engine:?}");
            }
        }
    }
}

#[test]
fn a_board_takes_ram_where_its_map_has_it_and_nowhere_else() {
    let ram = Ram::new(RAM_BASE + 4096, 4096).expect("a page");
    let refused = Board::with_ram(ram, 1, 0).map(|_| ());
    assert!(matches!(refused, Err(BoardError::RamBase { base }) if base == RAM_BASE + 4096), "{refused:?}");
}

/// A clock that a test winds: the guest's time is its own, since the machine was made, and a halt lasts as long as it says.
#[test]
fn time_is_what_the_clock_says_that_is_handed_in() {
    const START_NS: u64 = 7_000_000;
    // A timer at tick 500, which ends the halt and is not taken.
    let source = "
_start: rdtime  a0
        li      t0, 500
        wrmsr   hvtimecmp, t0
        li      t0, 0x80
        wrmsr   hvie, t0
        wfi
        rdtime  a1
1:      j       1b
";
    let object = visa_asm::assemble(source, "clock.s", &visa_asm::Options::default()).expect("it assembles");
    let wound = Arc::new(AtomicU64::new(START_NS));
    let clock = HostClock::new({
        let wound = wound.clone();
        move || wound.load(Ordering::Relaxed)
    });
    let config = BoardConfig { ram_bytes: 1 << 20, harts: 1, start_time_ns: 0 };
    let board = Board::new(&config).expect("a board");
    let mut machine = Machine::new(board, object.entry, 0, TimeSource::Host(clock));
    machine.write_physical(RAM_BASE, &object.to_flat()).expect("it fits");
    machine.set_engine(JIT);
    wound.store(START_NS + 12_300, Ordering::Relaxed);
    assert_eq!(machine.run_slice(1_000_000, 1_000), Progress::Idle(Some(50_000 - 12_300)));
    assert_eq!((machine.now_ns(), machine.harts[0].state.r(10)), (12_300, 123));
    // Nothing passes by itself, and nothing by being skipped.
    machine.skip(1_000_000);
    assert_eq!(machine.run_slice(1_000_000, 1_000), Progress::Idle(Some(50_000 - 12_300)));
    wound.store(START_NS + 60_000, Ordering::Relaxed);
    assert_eq!(machine.run_slice(1_000_000, 1_000), Progress::Running);
    assert_eq!((machine.now_ns(), machine.harts[0].state.r(11)), (60_000, 600));
}

/// A clock that goes on whenever it is asked: a timer that becomes due after its hart has looked, and before the machine asks what is
/// next, wakes it all the same.
#[test]
fn a_timer_that_becomes_due_while_the_harts_halt_is_not_overlooked() {
    // The second hart's timer is always due soon, now sooner and then later; the first has none.
    let source = "
_start: beqz    R10, 2f
        li      t0, 0x80
        wrmsr   hvie, t0
1:      rdtime  t0
        andi    t1, s1, 63
        addi    t1, t1, 5
        add     t0, t0, t1
        wrmsr   hvtimecmp, t0
        wfi
        addi    s1, s1, 1
        j       1b
2:      wfi
        j       2b
";
    let object = visa_asm::assemble(source, "timer.s", &visa_asm::Options::default()).expect("it assembles");
    for step in [30, 70, 100, 170, 290, 410, 530] {
        let now = AtomicU64::new(0);
        let clock = HostClock::new(move || now.fetch_add(step, Ordering::Relaxed));
        let config = BoardConfig { ram_bytes: 1 << 20, harts: 2, start_time_ns: 0 };
        let board = Board::new(&config).expect("a board");
        let mut machine = Machine::new(board, object.entry, 0, TimeSource::Host(clock));
        machine.write_physical(RAM_BASE, &object.to_flat()).expect("it fits");
        for _ in 0..20_000 {
            let progress = machine.run_slice(10_000, 1_000);
            assert_ne!(
                progress,
                Progress::Idle(None),
                "steps of {step} ns, {} rounds",
                machine.harts[1].state.r(9)
            );
        }
        assert!(
            machine.harts[1].state.r(9) > 100,
            "steps of {step} ns, {} rounds",
            machine.harts[1].state.r(9)
        );
    }
}
