//! What is counted, and the difference that a workload makes.

use std::collections::BTreeMap;

use serde::Serialize;
use visa_core::Hart;
use visa_isa::cause::ExitCause;
use visa_machine::machine::Machine;

/// Counts of one machine: since its start, or over a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Retired instructions, all rings.
    pub instructions: u64,
    /// Of these, in Ring -1.
    pub instructions_ring_minus_1: u64,
    /// Time as the guest sees it, in nanoseconds.
    pub guest_ns: u64,
    /// VM exits by the name of their cause.
    pub exits: BTreeMap<&'static str, u64>,
    /// Instructions that Ring -1 completed in software.
    pub emulated: u64,
    /// Combined TLB misses.
    pub tlb_misses: u64,
    /// Page-table entries that walks read.
    pub walk_references: u64,
}

impl Counts {
    /// The counts of a machine so far.
    pub fn of(machine: &Machine) -> Counts {
        let totals = machine.totals();
        let named = |(cause, count): (&ExitCause, &u64)| (cause.name(), *count);
        Counts {
            instructions: totals.instructions,
            instructions_ring_minus_1: totals.instructions_ring_minus_1,
            guest_ns: machine.harts.iter().map(Hart::nanoseconds).fold(machine.now_ns(), u64::max),
            exits: totals.exits.iter().map(named).collect(),
            emulated: totals.emulated,
            tlb_misses: totals.tlb_misses,
            walk_references: totals.walk_references,
        }
    }

    /// What has come since `earlier`. Causes that have not are left out.
    pub fn since(&self, earlier: &Counts) -> Counts {
        let before = |cause: &str| earlier.exits.get(cause).copied().unwrap_or(0);
        let exits = self.exits.iter().map(|(cause, count)| (*cause, count - before(cause)));
        Counts {
            instructions: self.instructions - earlier.instructions,
            instructions_ring_minus_1: self.instructions_ring_minus_1 - earlier.instructions_ring_minus_1,
            guest_ns: self.guest_ns - earlier.guest_ns,
            exits: exits.filter(|(_, count)| *count != 0).collect(),
            emulated: self.emulated - earlier.emulated,
            tlb_misses: self.tlb_misses - earlier.tlb_misses,
            walk_references: self.walk_references - earlier.walk_references,
        }
    }

    /// Exits of all causes.
    pub fn exits_total(&self) -> u64 {
        self.exits.values().sum()
    }

    /// Page-table entries read for each TLB miss; `None` without misses.
    pub fn walk_references_per_miss(&self) -> Option<f64> {
        (self.tlb_misses != 0).then(|| self.walk_references as f64 / self.tlb_misses as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_leave_out_what_did_not_happen() {
        let exits = |halts, calls| BTreeMap::from([("halt", halts), ("hypercall", calls)]);
        let earlier = Counts { instructions: 100, exits: exits(2, 3), ..Counts::default() };
        let later = Counts { instructions: 150, exits: exits(2, 7), walk_references: 9, ..Counts::default() };
        let difference = later.since(&earlier);
        assert_eq!(difference.instructions, 50);
        assert_eq!(difference.exits, BTreeMap::from([("hypercall", 4)]));
        assert_eq!(difference.exits_total(), 4);
        assert_eq!(difference.walk_references_per_miss(), None);
    }
}
