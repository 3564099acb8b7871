//! What is counted, and the difference that a workload makes.

use std::collections::BTreeMap;

use serde::Serialize;
use visa_core::Hart;
use visa_machine::machine::Machine;

/// Counts of one machine: since its start, or over a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Retired instructions, all rings.
    pub instructions: u64,
    /// Of these, in Ring -1.
    pub instructions_ring_minus_1: u64,
    /// Modelled cycles, in thousandths; nothing without a cycle model.
    pub millicycles: Option<u64>,
    /// Time as the guest sees it, in nanoseconds.
    pub guest_ns: u64,
    /// VM exits by the name of their cause.
    pub exits: BTreeMap<&'static str, Exits>,
    /// Instructions that Ring -1 completed in software.
    pub emulated: u64,
    /// Combined TLB misses.
    pub tlb_misses: u64,
    /// Page-table entries that walks read.
    pub walk_references: u64,
    /// Registers that world switches moved through memory.
    pub register_moves: u64,
}

/// VM exits of one cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exits {
    /// How many.
    pub count: u64,
    /// Instructions of Ring -1 from these exits to the next entry.
    pub instructions: u64,
}

impl Counts {
    /// The counts of a machine so far.
    pub fn of(machine: &Machine) -> Counts {
        let totals = machine.totals();
        let mut exits = BTreeMap::<&'static str, Exits>::new();
        for statistics in machine.harts.iter().map(|hart| &hart.statistics) {
            for (cause, count) in &statistics.exits {
                exits.entry(cause.name()).or_default().count += count;
            }
            for (cause, spread) in &statistics.exit_instructions {
                exits.entry(cause.name()).or_default().instructions += spread.total;
            }
        }
        let millicycles: u64 = machine.harts.iter().map(|hart| hart.millicycles).sum();
        Counts {
            instructions: totals.instructions,
            instructions_ring_minus_1: totals.instructions_ring_minus_1,
            millicycles: (millicycles != 0).then_some(millicycles),
            guest_ns: machine.harts.iter().map(Hart::nanoseconds).fold(machine.now_ns(), u64::max),
            exits,
            emulated: totals.emulated,
            tlb_misses: totals.tlb_misses,
            walk_references: totals.walk_references,
            register_moves: machine.harts.iter().map(|hart| hart.statistics.register_moves).sum(),
        }
    }

    /// What has come since `earlier`. Causes that have not are left out.
    pub fn since(&self, earlier: &Counts) -> Counts {
        let exits = self.exits.iter().map(|(cause, now)| {
            let before = earlier.exits.get(cause).copied().unwrap_or_default();
            let instructions = now.instructions - before.instructions;
            (*cause, Exits { count: now.count - before.count, instructions })
        });
        Counts {
            instructions: self.instructions - earlier.instructions,
            instructions_ring_minus_1: self.instructions_ring_minus_1 - earlier.instructions_ring_minus_1,
            millicycles: self.millicycles.map(|now| now - earlier.millicycles.unwrap_or(0)),
            guest_ns: self.guest_ns - earlier.guest_ns,
            exits: exits.filter(|(_, exits)| *exits != Exits::default()).collect(),
            emulated: self.emulated - earlier.emulated,
            tlb_misses: self.tlb_misses - earlier.tlb_misses,
            walk_references: self.walk_references - earlier.walk_references,
            register_moves: self.register_moves - earlier.register_moves,
        }
    }

    /// Exits of all causes.
    pub fn exits_total(&self) -> u64 {
        self.exits.values().map(|exits| exits.count).sum()
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
        let exits = |halts, calls, instructions| {
            let halts = Exits { count: halts, instructions: 50 };
            BTreeMap::from([("halt", halts), ("hypercall", Exits { count: calls, instructions })])
        };
        let earlier = Counts { instructions: 100, exits: exits(2, 3, 90), ..Counts::default() };
        let later =
            Counts { instructions: 150, exits: exits(2, 7, 210), walk_references: 9, ..Counts::default() };
        let difference = later.since(&earlier);
        assert_eq!(difference.instructions, 50);
        assert_eq!(difference.exits, BTreeMap::from([("hypercall", Exits { count: 4, instructions: 120 })]));
        assert_eq!(difference.exits_total(), 4);
        assert_eq!(difference.walk_references_per_miss(), None);
        assert_eq!(difference.millicycles, None);
    }
}
