//! What happened to the two machines from outside, so that it can happen again.

use std::num::NonZeroU64;

use visa_core::Hart;
use visa_mem::{Platform, Ram};

use crate::input::{Entries, Entry};
use crate::machine::{Machine, Progress, Slice};

/// What a run in lockstep is a function of, beside what the machines are made of.
#[derive(Clone, Debug)]
pub struct Script {
    part: NonZeroU64,
    fault: Option<Fault>,
    entries: Entries,
}

impl Script {
    pub(super) fn new(part: NonZeroU64, fault: Option<Fault>) -> Script {
        Script { part, fault, entries: Entries::default() }
    }

    /// Instructions between two comparisons.
    pub(super) fn part(&self) -> u64 {
        self.part.get()
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    pub(super) fn entries(&self) -> &Entries {
        &self.entries
    }

    pub(super) fn note(&mut self, entry: Entry) {
        self.entries.note(entry);
    }
}

/// A change of the fast machine, to see that the comparison finds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Retired instructions of all harts after which it comes.
    pub after: u64,
    /// What is changed.
    pub kind: FaultKind,
}

/// What a [`Fault`] changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Bit 0 of a register of hart 0, of the bank in use.
    Register(u8),
    /// Bit 0 of the byte at a physical address.
    Memory(u64),
}

impl Fault {
    /// Changes what is to be changed.
    pub(super) fn apply(self, hart: &mut Hart, ram: &Ram) {
        match self.kind {
            FaultKind::Register(number) => hart.state.set_r(number, hart.state.r(number) ^ 1),
            FaultKind::Memory(address) => {
                let byte = ram.offset_of(address, 1).and_then(|offset| Some((offset, ram.load_u8(offset)?)));
                if let Some((offset, byte)) = byte {
                    ram.store_u8(offset, byte ^ 1);
                }
            }
        }
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
