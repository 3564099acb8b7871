//! What happened to the two machines from outside, so that it can happen again.

use std::num::NonZeroU64;

use visa_mem::Platform;

use crate::compare::Fault;
use crate::input::{LogEntries, LogEntry};
use crate::machine::{Machine, Progress, Slice};

/// What a run in lockstep is a function of, beside what the machines are made of.
#[derive(Clone, Debug)]
pub struct Script {
    part: NonZeroU64,
    fault: Option<Fault>,
    entries: LogEntries,
}

impl Script {
    pub(super) fn new(part: NonZeroU64, fault: Option<Fault>) -> Script {
        Script { part, fault, entries: LogEntries::default() }
    }

    /// Instructions between two comparisons.
    pub(super) fn part(&self) -> u64 {
        self.part.get()
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    pub(super) fn entries(&self) -> &LogEntries {
        &self.entries
    }

    pub(super) fn note(&mut self, entry: LogEntry) {
        self.entries.note(entry);
    }
}

/// As [`Machine::continue_slice`], with the fault when it is its time.
pub(super) fn advance(
    machine: &mut Machine,
    slice: &mut Slice,
    most: u64,
    fault: Option<Fault>,
) -> Option<Progress> {
    let before = machine.instructions();
    let end = before.saturating_add(most);
    let Some(fault) = fault.filter(|fault| before < fault.after && fault.after <= end) else {
        return machine.continue_slice(slice, most);
    };
    let progress = machine.continue_slice(slice, fault.after - before);
    if machine.instructions() == fault.after {
        fault.apply(&mut machine.harts[0], machine.board.ram());
    }
    if progress.is_some() || slice.is_paused() || machine.instructions() >= end {
        return progress;
    }
    machine.continue_slice(slice, end - machine.instructions())
}
