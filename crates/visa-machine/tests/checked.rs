//! The JIT, checked at random moments: the same run as without, the same moments each time, and what is wrong is found.

use std::num::NonZeroU32;

use visa_isa::Ring;
use visa_machine::board::{Board, BoardConfig};
use visa_machine::lockstep::{CheckedFigures, Checking, Difference, Fault, FaultKind, Value, state};
use visa_machine::machine::{End, EngineKind, Machine, Progress, TimeSource};
use visa_machine::memory_map::RAM_BASE;

/// Before each program: how it ends.
const ENDING: &str = "
        .macro  end
        li      t1, 0x5555
        li      t0, 0x100000
        sw      t1, 0(t0)
        .endm
";

const RAM_BYTES: u64 = 8 << 20;
const SLICE_NS: u64 = 50_000;
const ALL: u32 = 1_000_000;

/// Rewrites an instruction, executes it, stores what came of it, reads the real-time clock, over and over; then ends. Each
/// round has 16 instructions and two accesses of a device.
const REWRITING: &str = "
_start: li      s0, 0
        li      s1, 3000
        la      s2, rewritten
        la      s3, words
        li      s4, 3 << 20             # an addend of 1 becomes 2, and 2 becomes 1
        li      s5, 0x101000            # the real-time clock
round:  lw      t1, 0(s2)
        xor     t1, t1, s4
        sw      t1, 0(s2)
        fence.i
rewritten:
        addi    a1, a1, 1
        andi    t2, s0, 511
        slli    t2, t2, 3
        add     t2, t2, s3
        sd      a1, 0(t2)
        lw      a2, 0(s5)
        add     a3, a3, a2
        lw      a2, 4(s5)
        add     a3, a3, a2
        addi    s0, s0, 1
        xor     a4, a4, a3
        bne     s0, s1, round
        end
1:      j       1b
        .data
        .align  12
words:  .space  4096
";

const ROUNDS: u64 = 3_000;

/// A loop whose code is worth making, and which stores.
const STORING: &str = "
_start: la      t3, word
        li      t1, 50000
loop:   addi    t0, t0, 1
        xor     t2, t2, t0
        sd      t2, 0(t3)
        bne     t0, t1, loop
        end
1:      j       1b
        .data
        .align  12
word:   .dword  0
";

/// Instructions before the loop: LA is two, and so is LI.
const BEFORE: u64 = 4;

/// Two harts that add to a word each, print, and wake each other.
const TWO_HARTS: &str = "
_start: la      t3, word
        li      t0, 0x10000000
        li      t1, 4000
        addi    t4, R10, 1
1:      amoadd.d t5, t4, (t3)
        addi    t1, t1, -1
        andi    t2, t1, 1023
        bnez    t2, 2f
        li      t6, '.'
        sb      t6, 0(t0)
2:      bnez    t1, 1b
        bnez    R10, 3f
4:      ld      t5, 0(t3)
        li      t6, 12000
        bne     t5, t6, 4b
        end
3:      j       3b
        .data
        .align  3
word:   .dword  0
";

fn object(source: &str) -> visa_asm::Object {
    let object = visa_asm::assemble(&[ENDING, source].concat(), "test.s", &visa_asm::Options::default());
    object.unwrap_or_else(|errors| panic!("{errors}"))
}

fn machine(source: &str, harts: usize, engine: EngineKind) -> Machine {
    let object = object(source);
    let config = BoardConfig { ram_bytes: RAM_BYTES, harts, start_time_ns: 0 };
    let board = Board::new(&config).expect("a board");
    let mut machine = Machine::new(board, object.entry, 0, TimeSource::Instructions);
    machine.write_physical(RAM_BASE, &object.to_flat()).expect("it fits");
    machine.set_engine(engine);
    machine
}

fn checked(per_million: u32, seed: u64, fault: Option<Fault>) -> EngineKind {
    let per_million = NonZeroU32::new(per_million).expect("not zero");
    EngineKind::Checked(Checking { per_million, code_per_million: ALL, seed, fault })
}

/// Runs in parts of so many instructions to the end, or to a difference.
fn run(machine: &mut Machine, part: u64) -> Result<End, Difference> {
    loop {
        let mut slice = machine.begin_slice(SLICE_NS, u64::MAX);
        loop {
            let progress = machine.continue_slice(&mut slice, part);
            if let Some(difference) = machine.take_difference() {
                return Err(difference);
            }
            match progress {
                Some(Progress::Ended(end)) => return Ok(end),
                Some(_) => break,
                None => {}
            }
        }
    }
}

#[test]
fn a_checked_run_is_the_same_as_any_other() {
    for (source, harts) in [(REWRITING, 1), (STORING, 1), (TWO_HARTS, 2)] {
        let mut expected = machine(source, harts, EngineKind::Interpreter);
        assert_eq!(run(&mut expected, u64::MAX), Ok(End::Finished(0)));
        for share in [ALL, ALL / 3, ALL / 100] {
            for seed in 0..3 {
                let mut found = machine(source, harts, checked(share, seed, None));
                assert_eq!(run(&mut found, u64::MAX), Ok(End::Finished(0)));
                assert_eq!(state::differences(&found, &expected), []);
                assert_eq!(state::memory_difference(&found, &expected), None);
                assert_eq!(found.code_faults(), [""; 0]);
            }
        }
    }
}

#[test]
fn what_is_checked_follows_from_the_seed_alone() {
    let figures = |source, share, seed, part| {
        let mut machine = machine(source, 1, checked(share, seed, None));
        run(&mut machine, part).expect("the engines agree");
        (machine.checked().expect("it is checked"), machine.instructions())
    };
    for source in [REWRITING, STORING] {
        for share in [ALL, ALL / 2, ALL / 10] {
            let (whole, _) = figures(source, share, 7, u64::MAX);
            for part in [1_000, 77_777] {
                assert_eq!(figures(source, share, 7, part).0, whole);
            }
        }
        assert_ne!(figures(source, ALL / 10, 7, u64::MAX).0, figures(source, ALL / 10, 8, u64::MAX).0);
    }
    // All but the last store, which the finisher gets.
    let (CheckedFigures { instructions, stretches }, all) = figures(STORING, ALL, 1, u64::MAX);
    assert_eq!(instructions, all - 1);
    assert!((all / 40_000..all / 2_500).contains(&stretches), "{stretches}");
    // A tenth, roughly: there are some twenty stretches to one of ten thousand.
    let mut tenths = 0;
    for seed in 0..20 {
        tenths += figures(STORING, ALL / 10, seed, u64::MAX).0.instructions;
    }
    assert!((all..all * 3).contains(&tenths), "{tenths} of 20 times {all}");
    // Stretches are let go that reach for devices again and again.
    let (CheckedFigures { instructions, stretches }, _) = figures(REWRITING, ALL, 1, u64::MAX);
    assert!(stretches > 100 && instructions < 16 * ROUNDS && instructions > 20 * stretches, "{instructions}");
}

#[test]
fn a_changed_register_is_found_at_its_instruction() {
    // After the xor of round 23,456.
    let after = BEFORE + 4 * 23_455 + 2;
    let fault = Fault { after, kind: FaultKind::Register(7) };
    for seed in 0..5 {
        let mut machine = machine(STORING, 1, checked(ALL, seed, Some(fault)));
        let difference = run(&mut machine, u64::MAX).expect_err("the engines differ");
        assert_eq!((difference.agreed, difference.found), (after - 1, after));
        let [mismatch] = &difference.mismatches[..] else { panic!("{:?}", difference.mismatches) };
        assert_eq!((mismatch.hart, mismatch.name.as_str()), (Some(0), "Ring -1: R7 (t2)"));
        let expected = (1..=23_456).fold(0, |sum, round| sum ^ round);
        assert_eq!(
            (&mismatch.fast, &mismatch.reference),
            (&Value::Bits(expected ^ 1), &Value::Bits(expected))
        );
        let last = difference.executed.last().expect("instructions are remembered");
        let looped = object(STORING).symbol("loop").expect("a label");
        assert_eq!((last.ring, last.pc), (Ring::Hypervisor, looped + 4));
    }
    // What happens between two stretches is what the next one starts with.
    let found = |seed| {
        let mut machine = machine(STORING, 1, checked(ALL / 100, seed, Some(fault)));
        run(&mut machine, u64::MAX).is_err()
    };
    assert!((0..10).any(|seed| !found(seed)));
}

#[test]
fn a_changed_byte_is_found_in_a_page_that_the_interpreter_writes() {
    let word = object(STORING).symbol("word").expect("a label");
    let after = BEFORE + 4 * 10_000;
    // The word itself is stored anew by the third instruction that follows; its neighbour is not.
    let fault = Fault { after, kind: FaultKind::Memory(word + 100) };
    let mut machine = machine(STORING, 1, checked(ALL, 1, Some(fault)));
    let difference = run(&mut machine, u64::MAX).expect_err("the engines differ");
    assert_eq!(difference.mismatches, []);
    let memory = difference.memory.expect("memory differs");
    assert_eq!((memory.address, memory.fast[100 % 16], memory.reference), (word + 100, 1, [0; 16]));
    assert!((after - 4..=after + 4).contains(&difference.found), "{difference:?}");
}
