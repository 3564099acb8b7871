//! The engine of builds that generate no code: the interpreter.

use visa_core::Hart;
use visa_interp::{Engine, Interpreter, RunEnd};
use visa_mem::Platform;

use crate::settings::Settings;

/// The engine, which is the interpreter under another type, and says so.
pub struct Jit(Interpreter);

impl Jit {
    /// An engine. Nothing can be chosen of it.
    pub fn new(_: Settings) -> Jit {
        Jit(Interpreter::new())
    }
}

impl<P: Platform> Engine<P> for Jit {
    fn name(&self) -> &'static str {
        Engine::<P>::name(&self.0)
    }

    fn run(&mut self, hart: &mut Hart, platform: &mut P, limit: u64) -> RunEnd {
        self.0.run(hart, platform, limit)
    }

    fn interpreter(&mut self) -> &mut Interpreter {
        &mut self.0
    }
}
