//! A checker of generated code: it proves that registers are where the code that comes next expects them.
//!
//! It decodes the host's instructions of a block, a region or a thunk, and follows every way through them: jumps between the basic blocks,
//! changes of mapping, ways out of the usual path and back, calls of the interpreter and of the TLB, exits. On each it
//! keeps which of the guest's registers every host register and every slot of the hart equals: as a whole, or in its low half
//! alone. Where ways meet, what holds on both goes on. Then
//!
//! * code that executes an instruction reads nothing but its operands, and these as they are now, extended if that is seen;
//! * its result is in the one place where others look for it;
//! * on every exit, and when the interpreter is called, all registers are where those who come next have them;
//! * execution goes on where the instruction says, with the budget that is due there;
//! * flags that a branch goes by are those of its own comparison; a conditional move gives back what it skips;
//! * XMM registers hold what floating point takes out of them, boxed where it must be;
//! * predicted pages are used while the TLB backs them, and forgotten all together.
//!
//! Of an optimised loop the thunk is checked: that the hart has all registers when the loop's function is called, and that each way out
//! of it goes on where it should with registers in their places. What Cranelift makes of the function is checked by its own verifier and
//! checker of register allocation.
//!
//! What an instruction *computes* is not looked at; lockstep and fuzzers do that. Nor is anything taken from the emitter's own
//! notes on where registers are: what the checker believes is the host's code, and the [marks](mark) that say which of the guest's
//! instructions a part of it executes. Its model is the checker of regalloc2.

mod conditions;
mod exits;
mod flow;
mod host;
pub mod mark;
mod operand;
mod progress;
mod step;
#[cfg(test)]
mod tests;
mod value;
mod vector;

use std::fmt;

use crate::emit::Emitted;
use crate::optimise::thunk;
use crate::trampolines::Trampolines;
use mark::Mark;

/// What is checked.
pub struct Subject<'a> {
    /// The code, with its records and links.
    pub emitted: &'a Emitted,
    /// What of it executes what.
    pub marks: &'a [Mark],
    /// Where it will be.
    pub address: usize,
    /// The number of its first link.
    pub first_link: u32,
    /// The first of its places for predictions.
    pub first_place: Option<usize>,
    /// What it calls.
    pub trampolines: &'a Trampolines,
    /// If it enters an optimised loop.
    pub thunk: Option<&'a thunk::Source<'a>>,
}

/// What is wrong with some code.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The address of the guest's instruction.
    pub pc: u64,
    /// Where in the code, and the instruction there.
    pub offset: usize,
    /// The host's instruction.
    pub host: String,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { pc, offset, host, what } = self;
        write!(f, "code for the instruction at {pc:#x} is wrong: at offset {offset:#x}, `{host}` {what}")
    }
}

/// Checks the code of a block, a region, or a thunk.
pub fn check(subject: &Subject) -> Result<(), Fault> {
    flow::Checker::new(subject)?.run()
}
