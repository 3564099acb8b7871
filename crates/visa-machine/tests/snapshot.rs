//! A machine that was saved goes on as the one that was not, in itself and in another machine.

mod text_test;

use visa_cycles::{Parameters, Preset};
use visa_devices::{DiskAccess, MemoryBackend};
use visa_machine::board::{Board, BoardConfig};
use visa_machine::input::Input;
use visa_machine::lockstep::state;
use visa_machine::machine::{EngineKind, Machine, Progress, TimeSource};
use visa_machine::snapshot::SnapshotError;

const JIT: EngineKind = EngineKind::Jit { threshold: Some(0), optimise: Some(200) };

/// Programs that use all that a snapshot must have: paging, worlds, several harts, code that is written, timers, the console.
const PROGRAMS: [(&str, usize, &str); 5] = [
    ("two harts with a lock", 2, include_str!("../../../tests/isa/atomic/two-harts.s")),
    ("walks that set A in code", 1, include_str!("../../../tests/isa/paging/marks-in-code.s")),
    ("tables and fences", 1, include_str!("../../../tests/isa/paging/tags-and-fences.s")),
    ("self-modifying", 1, include_str!("../../../tests/isa/base/self-modifying.s")),
    (
        "echo",
        2,
        "
main:   li      s1, 0x10000000
        li      t0, 0x80
        wrmsr   hvie, t0
1:      rdtime  t0
        addi    t0, t0, 7
        wrmsr   hvtimecmp, t0
        wfi
        lbu     t1, 5(s1)
        andi    t1, t1, 1
        beqz    t1, 1b
        lbu     t1, 0(s1)
        sb      t1, 0(s1)
        li      t2, '.'
        bne     t1, t2, 1b
        pass
",
    ),
];

fn machine(engine: EngineKind, harts: usize, source: &str) -> Machine {
    let mut board = Board::new(&BoardConfig { ram_bytes: 2 << 20, harts, start_time_ns: 0 }).unwrap();
    board.attach_disk(Box::new(MemoryBackend::new(vec![1; 4096], DiskAccess::ReadWrite)), "d").unwrap();
    let mut machine = text_test::on(board, source);
    machine.set_engine(engine);
    machine
}

/// Types, runs for so many instructions and looks; `None`: it has ended.
fn advance(machine: &mut Machine, instructions: u64) -> Progress {
    machine.input(&Input::Typed(b"ab".to_vec()));
    machine.run_slice(1_000_000, instructions)
}

fn assert_same(a: &Machine, b: &Machine, what: &str) {
    assert_eq!(state::differences(a, b), [], "{what}");
    assert_eq!(state::memory_difference(a, b), None, "{what}");
    assert_eq!((a.totals(), a.now_ns()), (b.totals(), b.now_ns()), "{what}");
}

#[test]
fn it_goes_on_as_if_it_had_not_been_saved() {
    for (name, harts, source) in PROGRAMS {
        for engine in [EngineKind::Interpreter, JIT] {
            for every in [1, 50, 333] {
                let what = format!("{name}, {engine:?}, every {every}");
                let mut whole = machine(engine, harts, source);
                let mut restored = machine(engine, harts, source);
                for step in 0..60 {
                    let progress = advance(&mut whole, every);
                    let mut other = machine(engine, harts, source);
                    if step % 3 == 0 {
                        // Goes elsewhere, and comes back; or another machine goes on.
                        let snapshot = restored.save().unwrap();
                        advance(&mut restored, 2_000);
                        restored.input(&Input::Typed(b"elsewhere".to_vec()));
                        if step % 2 == 0 {
                            restored = other;
                        } else {
                            advance(&mut other, 10);
                        }
                        restored.restore(&snapshot).unwrap();
                    }
                    assert_eq!(advance(&mut restored, every), progress, "{what}");
                    assert_same(&whole, &restored, &what);
                    if matches!(progress, Progress::Ended(_)) {
                        break;
                    }
                }
            }
        }
    }
}

#[test]
fn the_disks_and_the_model_come_back_too() {
    let (_, harts, source) = PROGRAMS[2];
    let mut first = machine(EngineKind::Interpreter, harts, source);
    first.model_cycles(&Parameters::preset(Preset::Small)).unwrap();
    advance(&mut first, 300);
    let snapshot = first.save().unwrap();
    let contents = first.board.disk_contents().unwrap();
    advance(&mut first, 300);
    let (report, checksum) = (format!("{:?}", first.cycles()), first.memory_checksum());
    for _ in 0..2 {
        first.restore(&snapshot).unwrap();
        assert_eq!(first.board.disk_contents().unwrap(), contents);
        advance(&mut first, 300);
        assert_eq!((format!("{:?}", first.cycles()), first.memory_checksum()), (report.clone(), checksum));
    }
    let mut without = machine(EngineKind::Interpreter, harts, source);
    let refused = without.restore(&snapshot).unwrap_err().to_string();
    assert_eq!(refused, "the saved machine had a number of cycle models of 1, and this one has 0");
}

#[test]
fn a_machine_of_another_make_refuses_it() {
    let (_, _, source) = PROGRAMS[2];
    let snapshot = machine(EngineKind::Interpreter, 1, source).save().unwrap();
    let refused = machine(EngineKind::Interpreter, 2, source).restore(&snapshot).unwrap_err();
    assert!(matches!(refused, SnapshotError::Shape { expected: 1, found: 2, .. }), "{refused}");
    let refused = text_test::machine(1, source).restore(&snapshot).unwrap_err();
    assert!(matches!(refused, SnapshotError::DiskContents), "{refused}");
    let board = Board::new(&BoardConfig { ram_bytes: 2 << 20, harts: 1, start_time_ns: 0 }).unwrap();
    let mut given = Machine::new(board, 0, 0, TimeSource::Given);
    assert!(matches!(given.save(), Err(SnapshotError::Clock)));
}
