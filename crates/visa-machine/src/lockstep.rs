//! Two machines side by side: one on a fast engine, one on the reference interpreter, made of the same inputs.
//!
//! They advance by the same number of retired instructions, and after each such part everything that can be seen of them
//! is compared ([`state`]); RAM now and then, and at the end. At the first difference, [`narrow()`] looks for the instruction
//! that makes it. It does so by running both anew, for which the inputs are written down ([`Script`]): a run is a
//! function of them.

mod narrow;
mod script;
pub mod state;
mod suspicion;

use std::num::NonZeroU64;

pub use crate::compare::{CheckedFigures, Checking, Difference, Executed, Fault, FaultKind};
use crate::input::{Input, LogEntry};
use crate::machine::{Machine, Progress, Slice};
pub use narrow::{Pair, narrow};
pub use script::Script;
use script::advance;
use state::progress_mismatch;
pub use state::{MemoryMismatch, Mismatch, Value};
pub use suspicion::Suspicion;

/// RAM is compared after as many instructions as it has units of so many bytes: so the comparison takes a share of the
/// time that does not depend on RAM's size.
const BYTES_FOR_AN_INSTRUCTION: u64 = 4;

/// How much was compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Compared {
    /// Instructions that both have retired.
    pub instructions: u64,
    /// Comparisons of the state.
    pub states: u64,
    /// Comparisons of RAM.
    pub memories: u64,
}

/// The reference that goes along with a machine.
pub struct Lockstep {
    reference: Machine,
    script: Script,
    compared: Compared,
    /// Parts so far, and those after which RAM was the same too.
    parts: u64,
    agreed_parts: u64,
    /// Retired instructions at which RAM is compared again.
    memory_due: u64,
}

/// A slice of each machine that has begun.
#[derive(Debug)]
pub struct Slices {
    fast: Slice,
    reference: Slice,
}

impl Lockstep {
    /// Of a machine that has not run yet, made of the same inputs; `part` instructions at a time. A fault is for the
    /// fast machine.
    pub fn new(mut reference: Machine, part: NonZeroU64, fault: Option<Fault>) -> Lockstep {
        reference.pause_at_halt = true;
        Lockstep {
            reference,
            script: Script::new(part, fault),
            compared: Compared::default(),
            parts: 0,
            agreed_parts: 0,
            memory_due: 0,
        }
    }

    /// How much was compared.
    pub fn compared(&self) -> Compared {
        self.compared
    }

    /// The machine that goes along.
    pub fn reference(&self) -> &Machine {
        &self.reference
    }

    /// The inputs so far: for [`narrow()`].
    pub fn into_script(self) -> Script {
        self.script
    }

    /// As [`Machine::input`], for both.
    pub fn input(&mut self, fast: &mut Machine, input: &Input) -> usize {
        let taken = fast.input(input);
        self.reference.input(input);
        if taken != 0 {
            self.script.note(LogEntry::Input(input.clone()));
        }
        taken
    }

    /// As [`Machine::skip`], for both.
    pub fn skip(&mut self, fast: &mut Machine, nanoseconds: u64) {
        self.script.note(LogEntry::Skip(nanoseconds));
        fast.skip(nanoseconds);
        self.reference.skip(nanoseconds);
    }

    /// As [`Machine::run_slice`], for both.
    pub fn run_slice(
        &mut self,
        fast: &mut Machine,
        slice_ns: u64,
        instructions: u64,
    ) -> Result<Progress, Suspicion> {
        let mut slices = self.begin_slice(fast, slice_ns, instructions);
        loop {
            if let Some(progress) = self.continue_slice(fast, &mut slices)? {
                return Ok(progress);
            }
        }
    }

    /// As [`Machine::begin_slice`], for both.
    pub fn begin_slice(&mut self, fast: &Machine, slice_ns: u64, instructions: u64) -> Slices {
        let last = fast.instructions().saturating_add(instructions);
        self.script.note(LogEntry::Slices { slice_ns, last, times: 1 });
        Slices {
            fast: fast.begin_slice(slice_ns, instructions),
            reference: self.reference.begin_slice(slice_ns, instructions),
        }
    }

    /// As [`Machine::continue_slice`], for both, and up to the next comparison.
    pub fn continue_slice(
        &mut self,
        fast: &mut Machine,
        slices: &mut Slices,
    ) -> Result<Option<Progress>, Suspicion> {
        let part = self.script.part();
        let progress = [
            advance(fast, &mut slices.fast, part, self.script.fault()),
            self.reference.continue_slice(&mut slices.reference, part),
        ];
        self.parts += 1;
        self.compare(fast, progress)?;
        Ok(progress[0])
    }

    /// Compares RAM, at the end of a run.
    pub fn finish(&mut self, fast: &Machine) -> Result<(), Suspicion> {
        self.compare_memory(fast)
    }

    fn compare(&mut self, fast: &Machine, progress: [Option<Progress>; 2]) -> Result<(), Suspicion> {
        let mut mismatches = state::differences(fast, &self.reference);
        mismatches.extend(progress_mismatch(progress));
        self.compared.states += 1;
        if !mismatches.is_empty() {
            return Err(self.suspicion(mismatches, None));
        }
        self.compared.instructions = self.reference.instructions();
        if self.compared.instructions >= self.memory_due {
            self.compare_memory(fast)?;
        }
        Ok(())
    }

    fn compare_memory(&mut self, fast: &Machine) -> Result<(), Suspicion> {
        use visa_mem::Platform;
        self.compared.memories += 1;
        if let Some(memory) = state::memory_difference(fast, &self.reference) {
            return Err(self.suspicion(Vec::new(), Some(memory)));
        }
        self.agreed_parts = self.parts;
        let interval = fast.board.ram().size() / BYTES_FOR_AN_INSTRUCTION;
        self.memory_due = self.reference.instructions().saturating_add(interval);
        Ok(())
    }

    fn suspicion(&self, mismatches: Vec<Mismatch>, memory: Option<MemoryMismatch>) -> Suspicion {
        Suspicion {
            agreed_part: self.agreed_parts,
            part: self.parts,
            instructions: self.reference.instructions(),
            mismatches,
            memory,
        }
    }
}
