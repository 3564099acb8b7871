//! A run is the same however it is sliced, and whether somebody steps through it or not, with several harts too.

mod text_test;

use visa_machine::machine::{End, EngineKind, Machine, Progress, Totals};

/// Far more than the programs take.
const INSTRUCTIONS_MAX: u64 = 4_000_000;

/// Goes on with a machine, by so much.
type Advance = fn(&mut Machine) -> Progress;

/// Everything that may not differ.
fn outcome(mut machine: Machine, advance: Advance) -> (Progress, Totals, u64, u32, Vec<u64>) {
    let progress = loop {
        match advance(&mut machine) {
            Progress::Running if machine.instructions() < INSTRUCTIONS_MAX => {}
            other => break other,
        }
    };
    let retired = machine.harts.iter().map(|hart| hart.state.instructions).collect();
    (progress, machine.totals(), machine.now_ns(), machine.memory_checksum(), retired)
}

/// A guest halts until a timer that is due after its time has wrapped, and then is interrupted by another in a loop; a tick is 2^31 of its
/// time's. (`tests/isa/interrupts/wrapping-timer.s` waits too long for short slices.)
const WRAPS: &str = "
main:
    put timescale, 1<<63
    put timeoff, -(1100<<31)
    put stimecmp, -1
    put hvie, 0x80
    put hvtimecmp, 1105
    wfi
    put hvtimecmp, -1
    put hvie, 0
    put stimecmp, 50<<31
    put sie, 0x20
    run halt
    put stimecmp, 90<<31
    put sstatus, 0x6002
    put stvec, interrupted
    run loop
    pass
halt:
    HLT
    rdtime R11
    vmexit
interrupted:
    rdtime R12
    vmexit
loop:
    addi R5, R5, 1
    j loop
";

#[test]
fn nobody_who_looks_changes_anything() {
    let programs = [
        ("two harts with a lock", 2, include_str!("../../../tests/isa/atomic/two-harts.s")),
        ("two harts and the time", 2, include_str!("../../../tests/isa/interrupts/one-time.s")),
        ("vectors between two harts", 2, include_str!("../../../tests/isa/vic/two-harts.s")),
        ("vectors between three", 3, include_str!("../../../tests/isa/vic/current-at-once.s")),
        ("walks that set A in code", 1, include_str!("../../../tests/isa/paging/marks-in-code.s")),
        ("tables and fences", 1, include_str!("../../../tests/isa/paging/tags-and-fences.s")),
        ("halts of Ring -1", 1, include_str!("../../../tests/isa/interrupts/wait-for-guest.s")),
        ("halts and a time that wraps", 1, WRAPS),
    ];
    // Of what the last three do the JIT optimises nothing at such slices; of the first it does.
    let jit = EngineKind::Jit { threshold: Some(0), optimise: Some(1000) };
    let ways: [(&str, EngineKind, Advance); 6] = [
        ("the JIT", jit, |machine| machine.run_slice(u64::MAX, u64::MAX)),
        ("slices of 7 instructions", EngineKind::Interpreter, |machine| machine.run_slice(u64::MAX, 7)),
        ("slices of 330 ns", EngineKind::Interpreter, |machine| machine.run_slice(330, u64::MAX)),
        ("the JIT in slices of 1,000 instructions", jit, |machine| machine.run_slice(u64::MAX, 1_000)),
        ("a trace", EngineKind::Interpreter, |machine| {
            let hart = machine.next_hart();
            machine.step(hart).1
        }),
        ("a debugger that steps the last hart", EngineKind::Interpreter, |machine| {
            machine.step(machine.harts.len() - 1).1
        }),
    ];
    for (program, harts, source) in programs {
        let whole =
            outcome(text_test::machine(harts, source), |machine| machine.run_slice(u64::MAX, u64::MAX));
        assert_eq!(whole.0, Progress::Ended(End::Finished(0)), "{program}");
        for (way, engine, advance) in ways {
            let mut machine = text_test::machine(harts, source);
            machine.set_engine(engine);
            assert_eq!(outcome(machine, advance), whole, "{program}, {way}");
        }
    }
}

/// The real-time clock's time and alarm do not depend on slices either: a guest polls the one, and is interrupted by the other.
#[test]
fn the_clock_does_not_depend_on_slices() {
    let source = "
.equ RTC, 0x00101000
.equ PLIC, 0x0c000000
main:
    li t0, PLIC+4*11
    li t1, 1
    sw t1, (t0)
    li t0, PLIC+0x2000
    li t1, 1<<11
    sw t1, (t0)
    li t0, RTC
    sw t1, 0x10(t0)
    li t1, 1
    sw t1, 0x10(t0)
    lw R10, (t0)
    li t1, 50000
    add R11, R10, t1
    sw zero, 12(t0)
    sw R11, 8(t0)
    li R12, 0
1:  addi R12, R12, 1                ; until the interrupt is pending
    rdmsr R13, hvip
    beqz R13, 1b
    lw R14, (t0)
    sub R14, R14, R10
    pass
";
    let end = |advance: Advance| {
        let mut machine = text_test::machine(1, source);
        while advance(&mut machine) == Progress::Running {}
        let hart = &machine.harts[0];
        (hart.state.r(12), hart.state.r(14), hart.state.instructions)
    };
    let whole = end(|machine| machine.run_slice(u64::MAX, u64::MAX));
    assert!((50_000..50_200).contains(&whole.1), "{whole:?}");
    assert_eq!(end(|machine| machine.run_slice(777, u64::MAX)), whole);
    assert_eq!(end(|machine| machine.run_slice(u64::MAX, 5)), whole);
    assert_eq!(end(|machine| machine.step(0).1), whole);
}
