//! What a debugger is given: a machine that somebody else runs.

use visa_embed::Instance;

/// What a slice or a step of the debuggee came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SliceEnd {
    /// There is more to do.
    Running,
    /// A hart is at a breakpoint.
    Breakpoint(usize),
    /// The run has ended, with this exit code.
    Ended(u8),
}

/// A machine that somebody runs, with its console and limits.
pub trait Debuggee {
    /// The machine.
    fn instance(&mut self) -> &mut Instance;

    /// Runs all harts for a short while.
    fn run_slice(&mut self) -> SliceEnd;

    /// Executes at most one instruction of a hart.
    fn step(&mut self, hart: usize) -> SliceEnd;

    /// Called several times a second while the machine stands still; false to take the machine from the debugger.
    fn stand_still(&mut self) -> bool;

    /// Answers the debugger's `monitor` command.
    fn monitor(&mut self, line: &str) -> String;
}
