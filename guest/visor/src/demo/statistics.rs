//! Exits by cause, and the instructions that their handlers took.

use super::counts::Cause;
use super::narrate;
use crate::vm::CAUSES;

/// What is known of all.
pub struct Statistics([Cause; CAUSES]);

impl Statistics {
    /// No exits yet.
    pub fn new() -> Statistics {
        Statistics([Cause::default(); CAUSES])
    }

    /// Counts an exit.
    pub fn add(&mut self, cause: u64, instructions: u64) {
        let Some(entry) = self.0.get_mut(cause as usize) else { return };
        entry.least = if entry.samples == 0 { instructions } else { entry.least.min(instructions) };
        entry.most = entry.most.max(instructions);
        entry.samples += 1;
        entry.total += instructions;
    }

    /// Instructions of all handlers.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|entry| entry.total).sum()
    }

    /// Tells them.
    pub fn tell(&self) {
        for (cause, entry) in self.0.iter().enumerate().filter(|(_, entry)| entry.samples != 0) {
            narrate::cause(cause as u64, entry);
        }
    }
}
