//! What of generated code is executed, for tests that want to know what they reach.
//!
//! With the feature `coverage`, code of the host sets a byte wherever an instruction of the guest begins ([`Kind::Operation`]), where
//! a template for several at once does ([`Kind::Pattern`]), and on each way that is worth a name ([`Kind::Edge`]). Without it there is
//! nothing of that. The [checker](crate::check) does not know such code, and is off with the feature.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU8;
use std::sync::{LazyLock, Mutex, PoisonError};

use dynasmrt::{AssemblyOffset, DynasmApi, dynasm};
use visa_isa::{Instruction, Op, Shape, msr};

use crate::emit::Assembler;

#[cfg(feature = "coverage")]
mod report;
#[cfg(feature = "coverage")]
pub use report::report;

/// Whether anything is noted.
pub const ON: bool = cfg!(feature = "coverage");

/// Which code it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tier {
    /// A block.
    Block,
    /// A loop of templates.
    Region,
    /// An optimised loop, with its thunk.
    Optimised,
    /// What all of them use.
    Shared,
}

/// What is executed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// An instruction of the guest, by code of its own.
    Operation,
    /// One that has code of its own in other cases, or none at all, by the interpreter.
    Interpreted,
    /// A template for more than one instruction.
    Pattern,
    /// A way.
    Edge,
}

macro_rules! points {
    ($( $kind:ident { $( $name:ident $text:literal [$($tier:ident)*]; )* } )*) => {
        /// A pattern or an edge.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Point { $( $( #[doc = $text] $name, )* )* }

        impl Point {
            fn kind(self) -> Kind {
                match self { $( $( Point::$name => Kind::$kind, )* )* }
            }

            fn text(self) -> &'static str {
                match self { $( $( Point::$name => $text, )* )* }
            }
        }

        /// All of them, with the tiers that have them.
        #[cfg(any(test, feature = "coverage"))]
        const POINTS: &[(Point, &[Tier])] = &[ $( $( (Point::$name, &[$(Tier::$tier),*]), )* )* ];
    };
}

points! {
    Pattern {
        ZeroExtension     "two shifts as a zero extension" [Block Region];
        ConditionalMove   "a branch over computations as a conditional move" [Block Region];
        Group             "accesses by one look at the TLB" [Block Region];
        GroupWithBranches "accesses by one look at the TLB, with branches among them" [Region];
        FirstRound        "the first round of a loop, emitted apart" [Region];
        OtherRounds       "the other rounds of such a loop" [Region];
    }
    Edge {
        Taken             "a branch that is taken, out of its basic block" [Block Region];
        SameMapping       "to another basic block, with registers where they are" [Region];
        OtherMapping      "to another basic block, with registers elsewhere" [Region];
        EnterMapping      "in, with registers elsewhere" [Region];
        KeptStored        "in, with a register stored that an inner loop displaces" [Region];
        LeaveMapping      "out, with registers elsewhere" [Region];
        Displaced         "a register stored that another takes the place of" [Region];
        Extended          "a pending extension" [Block Region];
        Outside           "out before an instruction that loops cannot hold" [Region];
        Link              "out by a link within the page" [Block Region];
        LinkElsewhere     "out by a link to another page" [Block Region];
        LinkChanged       "on after what may have changed where addresses lead" [Block];
        Unconnected       "a link that is not connected" [Block Region Optimised];
        PageSame          "a connected link to another page, which is where it was" [Shared];
        PageMoved         "a connected link to another page, which is elsewhere now" [Shared];
        PageUnknown       "a connected link to a page that the TLB does not know" [Shared];
        TableOfPage       "an indirect jump by the page's table" [Block];
        TableOfJumps      "an indirect jump by the table of jumps" [Shared];
        JumpUnknown       "an indirect jump whose target no table knows" [Shared];
        JumpMissed        "an indirect jump to a page that the TLB does not know" [Shared];
        Short             "out for want of budget" [Block Region Optimised];
        NoFloat           "out because the host does not compute for the guest" [Block Region];
        Refused           "a template that has its instruction interpreted" [Block Region];
        InterpretedLeaves "out after an interpreted instruction" [Shared];
        InterpretedJumps  "an interpreted instruction that traps or returns from a trap, and on" [Shared];
        Missed            "an access that the TLB's first level does not know" [Block Region];
        Again             "an access after the first level has been refilled" [Block Region];
        Unrefilled        "an access that is interpreted" [Block Region];
        GroupMissed       "a group that the first level does not know" [Block Region];
        GroupApart        "a group over the end of a page, or interpreted" [Block Region];
        PredictionRight        "an access by a predicted page" [Region Optimised];
        PredictionWrong        "a wrong prediction" [Region Optimised];
        PredictionStopped      "a place that stops to predict" [Region];
        AddendRight       "an addend that was expected" [Region];
        AddendWrong       "another addend than expected" [Region];
        PredictionsForgotten  "predictions that are forgotten" [Region Optimised];
        FloatReloaded     "XMM registers loaded again" [Block Region];
        FloatAsBefore     "XMM registers as the loop's head expects them" [Region];
        FirstLevel        "an access by the TLB's first level" [Optimised];
        FirstLevelMissed  "an access that the TLB's first level does not know" [Optimised];
        Entered           "in, with all pages where they were" [Optimised];
        Instead           "the block in its place, because a page is elsewhere" [Optimised];
        Attention         "out before an instruction because something wants attention" [Optimised];
        DepartAgain       "out before an instruction" [Optimised];
        DepartTo          "out to another address" [Optimised];
        DepartInstead     "out to the block in its place" [Optimised];
        DepartIndirect    "out to where a register says" [Optimised];
        ReturnExpected    "an indirect jump that goes where it went" [Optimised];
    }
}

/// For each thing that there is code for, whether it was executed.
type Registry = BTreeMap<(Tier, Kind, String), &'static AtomicU8>;

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

/// The address of the byte of something.
fn byte(tier: Tier, kind: Kind, name: String) -> u64 {
    // A byte that was set stays so, whoever panicked.
    let mut registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    let byte = registry.entry((tier, kind, name)).or_insert_with(|| Box::leak(Box::default()));
    byte.as_ptr() as u64
}

/// The address of a point's byte.
pub fn point(tier: Tier, point: Point) -> u64 {
    byte(tier, point.kind(), point.text().to_owned())
}

/// The address of the byte of an instruction, which has code of its own or is interpreted.
pub fn operation(tier: Tier, i: &Instruction, is_interpreted: bool) -> u64 {
    let kind = if is_interpreted { Kind::Interpreted } else { Kind::Operation };
    byte(tier, kind, name(i))
}

/// What an instruction is called: its mnemonic, and for accesses to MSRs, each of which has code of its own, the MSR.
fn name(i: &Instruction) -> String {
    let mnemonic = i.op.row().mnemonic;
    match msr::by_number(i.imm as u16).filter(|_| accesses_msr(i.op)) {
        Some(msr) => format!("{mnemonic} {}", msr.name),
        None => mnemonic.to_owned(),
    }
}

fn accesses_msr(op: Op) -> bool {
    matches!(op.shape(), Shape::Msr(_))
}

/// Emits what sets a byte, and nothing else: registers, flags and what is on the stack stay.
pub fn emit(code: &mut Assembler, byte: u64) {
    dynasm!(code ; .arch x64 ; push rax ; mov rax, QWORD byte as i64 ; mov BYTE [rax], 1 ; pop rax);
}

/// The same for a point of code that is no emitter's; nothing without the feature.
pub fn emit_point(code: &mut Assembler, tier: Tier, which: Point) {
    if ON {
        emit(code, point(tier, which));
    }
}

/// Has code that [`emit`] has made at an offset set another byte.
pub fn correct(code: &mut Assembler, offset: AssemblyOffset, byte: u64) {
    // Behind the first instruction, and the two bytes of the second that come before its constant.
    const CONSTANT: usize = 3;
    let mut modifier = code.alter();
    modifier.goto(AssemblyOffset(offset.0 + CONSTANT));
    modifier.push_u64(byte);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_points_of_a_tier_apart() {
        let mut seen = std::collections::BTreeSet::new();
        for &(point, tiers) in POINTS {
            tiers.iter().for_each(|tier| assert!(seen.insert((*tier, point.text())), "{point:?}"));
        }
        // Accesses to MSRs have code of their own for each.
        let of = |number: u16| Instruction { imm: number.into(), ..Instruction::new(Op::Csrrs) };
        assert_ne!(name(&of(msr::SEPC)), name(&of(msr::STVAL)));
        assert_eq!(name(&Instruction::new(Op::Addi)), "addi");
    }

    #[test]
    fn what_is_corrected_sets_another_byte() {
        let [mut corrected, mut right] = [0, 0].map(Assembler::new);
        for code in [&mut corrected, &mut right] {
            dynasm!(code ; .arch x64 ; nop);
        }
        let offset = corrected.offset();
        emit(&mut corrected, 0);
        correct(&mut corrected, offset, 0x1234_5678_9abc_def0);
        emit(&mut right, 0x1234_5678_9abc_def0);
        assert_eq!(corrected.finalize().unwrap(), right.finalize().unwrap());
    }
}
