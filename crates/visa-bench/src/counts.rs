//! What is counted, and the difference that a workload makes.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use visa_core::Hart;
use visa_cycles::{Account, CycleReport, RINGS, Spent};
use visa_machine::machine::Machine;

/// Counts of one machine: since its start, or over a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Retired instructions, all rings.
    pub instructions: u64,
    /// Of these, in Ring -1.
    pub instructions_ring_minus_1: u64,
    /// Those of the hypervisor: in Ring -1, and in the software-only mode in Ring 0 too.
    pub instructions_hypervisor: u64,
    /// What the cycle model says; nothing without one.
    pub modelled: Option<Modelled>,
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

/// What a cycle model has counted. Cycles are in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Modelled {
    /// Cycles, all rings.
    pub millicycles: u64,
    /// Of these, in Ring -1, world switches included.
    pub millicycles_ring_minus_1: u64,
    /// Of all, for translation: second-level TLB and walks.
    pub millicycles_translation: u64,
    /// Of all, for world switches.
    pub millicycles_world_switch: u64,
    /// Walks of the modelled TLB.
    pub walks: u64,
    /// Page-table entries that these walks read, past the walk caches.
    pub walk_references: u64,
    /// Of all, by what they were spent on.
    #[serde(serialize_with = "by_account")]
    pub spent: Accounts,
}

/// Thousandths of cycles by what they were spent on, in the order of [`Spent::ALL`].
pub type Accounts = [u64; Spent::COUNT];

fn by_account<S: Serializer>(accounts: &Accounts, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(Spent::ALL.into_iter().map(|what| (what.name(), accounts[what as usize])))
}

impl Modelled {
    fn of(report: &CycleReport) -> Modelled {
        Modelled {
            millicycles: report.rings.iter().map(Account::total).sum(),
            millicycles_ring_minus_1: report.rings[RINGS - 1].total(),
            millicycles_translation: report.spent(Spent::Translation),
            millicycles_world_switch: report.spent(Spent::WorldSwitch),
            walks: report.translation.walks,
            walk_references: report.translation.guest_references + report.translation.nested_references,
            spent: Spent::ALL.map(|what| report.spent(what)),
        }
    }

    fn since(&self, earlier: &Modelled) -> Modelled {
        Modelled {
            millicycles: self.millicycles - earlier.millicycles,
            millicycles_ring_minus_1: self.millicycles_ring_minus_1 - earlier.millicycles_ring_minus_1,
            millicycles_translation: self.millicycles_translation - earlier.millicycles_translation,
            millicycles_world_switch: self.millicycles_world_switch - earlier.millicycles_world_switch,
            walks: self.walks - earlier.walks,
            walk_references: self.walk_references - earlier.walk_references,
            spent: std::array::from_fn(|what| self.spent[what] - earlier.spent[what]),
        }
    }
}

/// VM exits of one cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exits {
    /// How many.
    pub count: u64,
    /// Instructions of Ring -1 from these exits to the next entry.
    pub instructions: u64,
    /// Modelled cycles likewise, both switches included; 0 without a model.
    pub cycles: u64,
}

impl Counts {
    /// The counts of a machine so far.
    pub fn of(machine: &Machine) -> Counts {
        let totals = machine.totals();
        let mut exits = BTreeMap::<&'static str, Exits>::new();
        for statistics in machine.harts.iter().map(|hart| &hart.state.statistics) {
            for (cause, count) in &statistics.exits {
                exits.entry(cause.name()).or_default().count += count;
            }
            for (cause, spread) in &statistics.exit_instructions {
                exits.entry(cause.name()).or_default().instructions += spread.total;
            }
        }
        let report = machine.cycles();
        for (cause, spread) in report.iter().flat_map(|report| &report.exit_cycles) {
            exits.entry(cause.name()).or_default().cycles += spread.total;
        }
        Counts {
            instructions: totals.instructions,
            instructions_ring_minus_1: totals.instructions_ring_minus_1,
            instructions_hypervisor: totals.instructions_ring_minus_1,
            modelled: report.as_ref().map(Modelled::of),
            guest_ns: machine.harts.iter().map(Hart::nanoseconds).fold(machine.now_ns(), u64::max),
            exits,
            emulated: totals.emulated,
            tlb_misses: totals.tlb_misses,
            walk_references: totals.walk_references,
            register_moves: machine.harts.iter().map(|hart| hart.state.statistics.register_moves).sum(),
        }
    }

    /// What has come since `earlier`. Causes that have not are left out.
    pub fn since(&self, earlier: &Counts) -> Counts {
        let exits = self.exits.iter().map(|(cause, now)| {
            let before = earlier.exits.get(cause).copied().unwrap_or_default();
            let instructions = now.instructions - before.instructions;
            let cycles = now.cycles - before.cycles;
            (*cause, Exits { count: now.count - before.count, instructions, cycles })
        });
        Counts {
            instructions: self.instructions - earlier.instructions,
            instructions_ring_minus_1: self.instructions_ring_minus_1 - earlier.instructions_ring_minus_1,
            instructions_hypervisor: self.instructions_hypervisor - earlier.instructions_hypervisor,
            modelled: self.modelled.map(|now| now.since(&earlier.modelled.unwrap_or_default())),
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

    /// Page-table entries read for each TLB miss; `None` without misses. With a cycle model: of its TLB, past its walk
    /// caches.
    pub fn walk_references_per_miss(&self) -> Option<f64> {
        let (references, misses) = match &self.modelled {
            Some(modelled) => (modelled.walk_references, modelled.walks),
            None => (self.walk_references, self.tlb_misses),
        };
        (misses != 0).then(|| references as f64 / misses as f64)
    }

    /// Modelled cycles, in thousandths.
    pub fn millicycles(&self) -> Option<u64> {
        self.modelled.map(|modelled| modelled.millicycles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_leave_out_what_did_not_happen() {
        let exits = |halts, calls, instructions| {
            let halts = Exits { count: halts, instructions: 50, cycles: 0 };
            BTreeMap::from([("halt", halts), ("hypercall", Exits { count: calls, instructions, cycles: 0 })])
        };
        let earlier = Counts { instructions: 100, exits: exits(2, 3, 90), ..Counts::default() };
        let later =
            Counts { instructions: 150, exits: exits(2, 7, 210), walk_references: 9, ..Counts::default() };
        let difference = later.since(&earlier);
        assert_eq!(difference.instructions, 50);
        assert_eq!(
            difference.exits,
            BTreeMap::from([("hypercall", Exits { count: 4, instructions: 120, cycles: 0 })])
        );
        assert_eq!(difference.exits_total(), 4);
        assert_eq!(difference.walk_references_per_miss(), None);
        assert_eq!(difference.millicycles(), None);
    }
}
