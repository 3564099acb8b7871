//! The first difference between what two engines do.

use super::facts::{MemoryMismatch, Mismatch};
use super::record::Executed;

/// Instructions that are remembered before a difference: more than one unit of generated code has.
pub(crate) const REMEMBERED: usize = 256;

/// The first difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Retired instructions of all harts at which both machines are the same.
    pub agreed: u64,
    /// Those at which they differ: one more, but where the difference is made without an instruction that retires. 0: they
    /// differ from the start.
    pub found: u64,
    /// What differs.
    pub mismatches: Vec<Mismatch>,
    /// What of RAM differs.
    pub memory: Option<MemoryMismatch>,
    /// What the reference executed last, up to the difference.
    pub executed: Vec<Executed>,
}

impl Difference {
    /// The instruction that changed something last in the reference, as an index of `executed`.
    pub fn last_change(&self, mismatch: &Mismatch) -> Option<usize> {
        let changes = |executed: &Executed| {
            Some(executed.hart) == mismatch.hart && executed.changed.contains(&mismatch.name)
        };
        self.executed.iter().rposition(changes)
    }

    /// The instruction that stored last to the first byte of RAM that differs, likewise.
    pub fn last_store(&self) -> Option<usize> {
        let address = self.memory?.address;
        self.executed.iter().rposition(|executed| {
            executed.stored.is_some_and(|(start, length)| address.wrapping_sub(start) < length)
        })
    }
}
