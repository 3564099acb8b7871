//! What can execute a hart's instructions. The results of all engines are the same in everything that a guest or a report
//! can see.

use visa_core::Hart;
use visa_mem::Platform;

use crate::run::{Interpreter, RunEnd};

/// An engine, for harts on platforms of one kind.
pub trait Engine<P: Platform> {
    /// What executes, for reports.
    fn name(&self) -> &'static str;

    /// Runs a hart until it has retired `limit` instructions in all, or something else ends the run, as
    /// [`Interpreter::run`] does.
    fn run(&mut self, hart: &mut Hart, platform: &mut P, limit: u64) -> RunEnd;

    /// The reference that each engine has: for what it does not execute itself. Its breakpoints are the engine's; single steps,
    /// and runs that a model watches, are its own.
    fn interpreter(&mut self) -> &mut Interpreter;

    /// What can be said about the code that it generates. `None`: it generates none.
    fn generated(&self) -> Option<&dyn GeneratedCode> {
        None
    }
}

/// The code that an engine makes of its guest's.
pub trait GeneratedCode {
    /// How much there is.
    fn statistics(&self) -> CodeStatistics;

    /// What was found wrong with it, in words, the first few. Code that has a fault is not executed.
    fn faults(&self) -> Vec<String>;
}

/// How much code was generated so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeStatistics {
    /// Blocks translated.
    pub blocks: u64,
    /// Loops that were optimised.
    pub optimised: u64,
    /// Accesses of regions that go by predicted pages, as of now.
    pub predictions: u64,
    /// Bytes of their code, as of now.
    pub code_bytes: u64,
    /// How often all code was dropped to make room.
    pub reclaimed: u64,
}

impl<P: Platform> Engine<P> for Interpreter {
    fn name(&self) -> &'static str {
        "interpreter"
    }

    fn run(&mut self, hart: &mut Hart, platform: &mut P, limit: u64) -> RunEnd {
        Interpreter::run(self, hart, platform, limit)
    }

    fn interpreter(&mut self) -> &mut Interpreter {
        self
    }
}
