//! The engine on hosts for which no code is generated: the interpreter.

use visa_core::Hart;
use visa_interp::{Interpreter, RunEnd, Step};
use visa_mem::Platform;

/// What the engine has done so far: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Units translated.
    pub units: u64,
    /// Loops that were optimised.
    pub optimised: u64,
    /// Accesses of regions that go by guesses, as of now.
    pub guesses: u64,
    /// Bytes of their code, as of now.
    pub code_bytes: u64,
    /// How often all code was dropped to make room.
    pub reclaimed: u64,
}

/// The engine.
#[derive(Default)]
pub struct Jit {
    /// What executes everything.
    pub interpreter: Interpreter,
}

impl Jit {
    /// An engine.
    pub fn new() -> Jit {
        Jit::default()
    }

    /// Has no effect here.
    pub fn set_threshold(&mut self, _: u8) {}

    /// Has no effect here.
    pub fn set_code_limit(&mut self, _: usize) {}

    /// Has no effect here.
    pub fn optimise_at_once(&mut self, _: u64) {}

    /// Has no effect here.
    pub fn check_code(&mut self, _: bool) {}

    /// Has no effect here.
    pub fn check_some_code(&mut self, _: u32, _: u64) {}

    /// Nothing: there is no code.
    pub fn faults(&self) -> Vec<String> {
        Vec::new()
    }

    /// What it has done.
    pub fn statistics(&self) -> Statistics {
        Statistics::default()
    }

    /// As [`Interpreter::step`].
    pub fn step<P: Platform>(&mut self, hart: &mut Hart, platform: &mut P) -> (Step, Option<RunEnd>) {
        self.interpreter.step(hart, platform)
    }

    /// As [`Interpreter::run`].
    pub fn run<P: Platform>(&mut self, hart: &mut Hart, platform: &mut P, limit: u64) -> RunEnd {
        self.interpreter.run(hart, platform, limit)
    }
}
