//! Two machines side by side: agreement where there is nothing to find, and where there is, the instruction.

use std::convert::Infallible;
use std::num::NonZeroU64;

use visa_isa::Ring;
use visa_machine::board::{Board, BoardConfig};
use visa_machine::input::Input;
use visa_machine::lockstep::{
    Compared, Difference, Fault, FaultKind, Lockstep, Pair, Suspicion, Value, narrow, state,
};
use visa_machine::machine::{End, EngineKind, Machine, Progress, TimeSource};
use visa_machine::memory_map::RAM_BASE;

const RAM_BYTES: u64 = 8 << 20;
const SLICE_NS: u64 = 50_000;
/// Of the loop below.
const ROUNDS: u64 = 20_000;

/// Counts, stores what came of it, looks at the clock, and ends. Three instructions a round.
const PROGRAM: &str = "
_start: li      t0, 0
        li      t1, 20000
loop:   addi    t0, t0, 1
        xor     t2, t2, t0
        bne     t0, t1, loop
        la      t3, word
        sd      t2, 0(t3)
        li      a0, 0x101000            # the real-time clock
clock:  lw      a1, 0(a0)
        li      t1, 0x5555
        li      t0, 0x100000
        sw      t1, 0(t0)
1:      j       1b
        .data
        .align  3
word:   .dword  0
";

/// Two harts that halt, wake each other by software interrupts, and print what is typed.
const TWO_HARTS: &str = "
_start: bnez    R10, second
        li      t0, 0x10000000
1:      lbu     t1, 5(t0)
        andi    t1, t1, 1
        beqz    t1, 1b
        lbu     t2, 0(t0)
        sb      t2, 0(t0)
        la      t4, word
        amoadd.d t5, t2, (t4)
        li      t3, '.'
        bne     t2, t3, 1b
        li      t1, 0x5555
        li      t0, 0x100000
        sw      t1, 0(t0)
2:      j       2b
second: la      t4, word
3:      ld      t5, 0(t4)
        addi    t6, t6, 1
        amoadd.d zero, t6, (t4)
        j       3b
        .data
        .align  3
word:   .dword  0
";

struct Program<'a> {
    source: &'a str,
    harts: usize,
}

impl Program<'_> {
    fn object(&self) -> visa_asm::Object {
        let object = visa_asm::assemble(self.source, "test.s", &visa_asm::Options::default());
        object.unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn machine(&self, start_time_ns: u64) -> Machine {
        let object = self.object();
        let config = BoardConfig { ram_bytes: RAM_BYTES, harts: self.harts, start_time_ns };
        let board = Board::new(&config).expect("a board");
        let mut machine = Machine::new(board, object.entry, 0, TimeSource::Instructions);
        machine.write_physical(RAM_BASE, &object.to_flat()).expect("it fits");
        machine
    }

    /// Both machines; the fast one translates everything.
    fn pair(&self) -> Pair {
        let mut fast = self.machine(0);
        fast.set_engine(EngineKind::Jit { threshold: Some(0), optimise: Some(200) });
        Pair { fast, reference: self.machine(0) }
    }
}

const COUNTER: Program<'static> = Program { source: PROGRAM, harts: 1 };

/// Runs a pair to its end.
fn run(pair: Pair, lockstep: &mut Lockstep, typed: &[u8]) -> Result<End, Suspicion> {
    let mut fast = pair.fast;
    lockstep.input(&mut fast, &Input::Typed(typed.to_vec()));
    loop {
        if let Progress::Ended(end) = lockstep.run_slice(&mut fast, SLICE_NS, u64::MAX)? {
            return lockstep.finish(&fast).map(|()| end);
        }
    }
}

/// Runs in parts of so many instructions, up to a difference, and looks for its instruction.
fn difference(part: u64, fault: Option<Fault>, make: impl Fn() -> Pair) -> (Suspicion, Difference) {
    let part = NonZeroU64::new(part).expect("not zero");
    let Pair { fast, reference } = make();
    let mut lockstep = Lockstep::new(reference, part, fault);
    let suspicion =
        run(Pair { fast, reference: make().reference }, &mut lockstep, b"").expect_err("the machines differ");
    let script = lockstep.into_script();
    let found = narrow(&script, &suspicion, || Ok::<_, Infallible>(make()), |_, _| {});
    let Ok(found) = found;
    (suspicion, found.expect("they differ again"))
}

fn agree(program: &Program<'_>, part: u64, typed: &[u8]) -> Compared {
    let part = NonZeroU64::new(part).expect("not zero");
    let mut lockstep = Lockstep::new(program.pair().reference, part, None);
    assert_eq!(run(program.pair(), &mut lockstep, typed), Ok(End::Finished(0)));
    lockstep.compared()
}

#[test]
fn machines_that_are_the_same_agree_in_parts_of_any_size() {
    for part in [1, 7, 1_000, 1_000_000] {
        let compared = agree(&COUNTER, part, b"");
        assert!(compared.instructions > 3 * ROUNDS, "{compared:?}");
        // A part ends with its slice, too.
        let parts = compared.instructions / part;
        assert!((parts..=parts + 3).contains(&compared.states), "{part}: {compared:?}");
        assert!(compared.memories >= 2, "{compared:?}");
    }
}

#[test]
fn harts_and_input_come_alike() {
    let program = Program { source: TWO_HARTS, harts: 2 };
    for part in [1, 997] {
        assert!(agree(&program, part, b"what is typed.").memories >= 2);
    }
}

#[test]
fn an_interrupted_slice_is_the_same_run() {
    let program = Program { source: TWO_HARTS, harts: 2 };
    for part in [1, 3, 10_007] {
        let (mut whole, mut pieces) = (program.machine(0), program.machine(0));
        for round in 0..40 {
            if round % 3 == 1 {
                whole.input(&Input::Typed(b"x".to_vec()));
                pieces.input(&Input::Typed(b"x".to_vec()));
            }
            let expected = whole.run_slice(SLICE_NS, 60_000);
            let mut slice = pieces.begin_slice(SLICE_NS, 60_000);
            let found = loop {
                let before = pieces.instructions();
                let progress = pieces.continue_slice(&mut slice, part);
                assert!(pieces.instructions() - before <= part);
                if let Some(progress) = progress {
                    break progress;
                }
            };
            assert_eq!(expected, found);
            assert_eq!(state::differences(&whole, &pieces), []);
        }
        assert_eq!(state::memory_difference(&whole, &pieces), None);
    }
}

#[test]
fn a_changed_register_is_found_at_its_instruction() {
    // After the xor of round 12,345; in the loop, two instructions stand before it.
    let after = 3 + 3 * 12_344 + 2;
    for part in [1, 100, 9_999] {
        let fault = Fault { after, kind: FaultKind::Register(7) };
        let (suspicion, difference) = difference(part, Some(fault), || COUNTER.pair());
        assert!((after..after + part).contains(&suspicion.instructions), "{suspicion:?}");
        assert_eq!((difference.agreed, difference.found), (after - 1, after));
        assert_eq!(difference.memory, None);
        let [mismatch] = &difference.mismatches[..] else { panic!("{:?}", difference.mismatches) };
        assert_eq!((mismatch.hart, mismatch.name.as_str()), (Some(0), "Ring -1: R7 (t2)"));
        let expected = (1..=12_345).fold(0, |sum, round| sum ^ round);
        assert_eq!(mismatch.reference, Value::Bits(expected));
        assert_eq!(mismatch.fast, Value::Bits(expected ^ 1));
        let last = difference.executed.last().expect("instructions are remembered");
        let looped = COUNTER.object().symbol("loop").expect("a label");
        assert_eq!((last.hart, last.ring, last.pc), (0, Ring::Hypervisor, looped + 4));
        assert!(last.retired && last.changed.contains(&mismatch.name), "{last:?}");
        assert_eq!(difference.last_change(mismatch), Some(difference.executed.len() - 1));
        assert!(difference.executed.len() > 100);
    }
}

#[test]
fn a_changed_byte_is_found_though_nobody_reads_it() {
    let address = RAM_BASE + (5 << 20) + 123;
    let after = 30_000;
    let fault = Fault { after, kind: FaultKind::Memory(address) };
    let (_, difference) = difference(500, Some(fault), || COUNTER.pair());
    assert_eq!((difference.agreed, difference.found), (after - 1, after));
    assert_eq!(difference.mismatches, []);
    let memory = difference.memory.expect("memory differs");
    assert_eq!((memory.address, memory.shown_from), (address, address - 123 % 16));
    assert_eq!((memory.fast[123 % 16], memory.reference), (1, [0; 16]));
    assert_eq!(difference.last_store(), None);
}

#[test]
fn an_instruction_with_different_results_is_named() {
    let make = || Pair { fast: COUNTER.machine(99), reference: COUNTER.machine(0) };
    let (_, difference) = difference(10_000, None, make);
    let last = difference.executed.last().expect("instructions are remembered");
    assert_eq!(Some(last.pc), COUNTER.object().symbol("clock"));
    let [mismatch] = &difference.mismatches[..] else { panic!("{:?}", difference.mismatches) };
    assert_eq!(mismatch.name, "Ring -1: R11 (a1)");
    let (Value::Bits(fast), Value::Bits(reference)) = (&mismatch.fast, &mismatch.reference) else { panic!() };
    assert_eq!(fast - reference, 99);
    // The store before it is remembered, and where it went.
    let stores = difference.executed.iter().filter_map(|executed| executed.stored);
    assert_eq!(stores.collect::<Vec<_>>(), [(COUNTER.object().symbol("word").unwrap(), 8)]);
}

#[test]
fn machines_that_differ_from_the_start_are_told_apart() {
    let other = PROGRAM.replace("20000", "20001");
    let other = Program { source: &other, harts: 1 };
    let make = || Pair { fast: other.machine(0), reference: COUNTER.machine(0) };
    let (_, difference) = difference(10_000, None, make);
    assert_eq!((difference.agreed, difference.found, difference.executed.len()), (0, 0, 0));
    assert!(difference.memory.is_some_and(|memory| memory.address < RAM_BASE + 32), "{difference:?}");
}
