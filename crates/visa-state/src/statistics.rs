//! Counts that the architecture does not show, for reports.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use visa_isa::cause::{ExitCause, INTERRUPT};

/// Counts of a hart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Instructions that retired in Ring -1.
    pub instructions_ring_minus_1: u64,
    /// VM exits by cause, over all VMs.
    pub exits: BTreeMap<ExitCause, u64>,
    /// Instructions that Ring -1 executed between an exit and the next entry, by the exit's cause.
    pub exit_instructions: BTreeMap<ExitCause, Spread>,
    /// Exceptions and interrupts that Ring 0 took.
    pub traps: Traps,
    /// Instructions that Ring -1 completed in software, over all VMs.
    pub emulated: u64,
    /// Combined TLB misses, over all VMs.
    pub tlb_misses: u64,
    /// Page-table entries read by walks, both stages.
    pub walk_references: u64,
    /// Registers that world switches moved to or from memory, on a machine without a banked switch.
    pub register_moves: u64,
}

/// Numbers of causes that are counted; there are none above.
const TRAP_CAUSES: usize = 32;

/// Traps by cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traps {
    exceptions: [u64; TRAP_CAUSES],
    interrupts: [u64; TRAP_CAUSES],
}

impl Traps {
    /// Counts one, by scause.
    #[inline]
    pub fn count(&mut self, cause: u64) {
        let of_kind = if cause & INTERRUPT != 0 { &mut self.interrupts } else { &mut self.exceptions };
        of_kind[cause as usize % TRAP_CAUSES] += 1;
    }

    /// The causes that there were, as in scause, with how often.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let numbered = |counts: &'_ [u64; TRAP_CAUSES], kind| {
            let counts = *counts;
            (0..TRAP_CAUSES).map(move |number| (number as u64 | kind, counts[number]))
        };
        let both = numbered(&self.exceptions, 0).chain(numbered(&self.interrupts, INTERRUPT));
        both.filter(|(_, count)| *count != 0)
    }
}

/// How a quantity was spread over its samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Samples.
    pub count: u64,
    /// Their sum.
    pub total: u64,
    /// The least; 0 without samples.
    pub minimum: u64,
    /// The greatest.
    pub maximum: u64,
}

impl Spread {
    /// Adds a sample.
    pub fn add(&mut self, sample: u64) {
        self.minimum = if self.count == 0 { sample } else { self.minimum.min(sample) };
        self.maximum = self.maximum.max(sample);
        self.count += 1;
        self.total = self.total.saturating_add(sample);
    }

    /// Adds the samples of another.
    pub fn merge(&mut self, other: &Spread) {
        if other.count == 0 {
            return;
        }
        self.minimum = if self.count == 0 { other.minimum } else { self.minimum.min(other.minimum) };
        self.maximum = self.maximum.max(other.maximum);
        self.count += other.count;
        self.total = self.total.saturating_add(other.total);
    }

    /// Arithmetic mean; 0 without samples.
    pub fn average(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.total as f64 / self.count as f64 }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{INTERRUPT, Spread, Traps};

    #[test]
    fn traps_are_counted_by_cause() {
        let mut traps = Traps::default();
        [8, INTERRUPT | 5, 8, 13].into_iter().for_each(|cause| traps.count(cause));
        assert_eq!(traps.iter().collect::<Vec<_>>(), [(8, 2), (13, 1), (INTERRUPT | 5, 1)]);
    }

    #[test]
    fn a_spread_knows_its_ends_and_mean() {
        let mut spread = Spread::default();
        assert_eq!(spread.average(), 0.0);
        [7, 3, 20].into_iter().for_each(|sample| spread.add(sample));
        assert_eq!(spread, Spread { count: 3, total: 30, minimum: 3, maximum: 20 });
        let mut other = Spread::default();
        other.merge(&spread);
        other.merge(&Spread::default());
        other.add(1);
        assert_eq!(other, Spread { count: 4, total: 31, minimum: 1, maximum: 20 });
        assert_eq!(other.average(), 7.75);
    }
}
