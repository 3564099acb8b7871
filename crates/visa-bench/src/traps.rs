//! Traps to Ring 0 by cause. A guest's own kernel takes them in a VM and natively, and then they are part of its work; in the
//! software-only mode Ring 0 is visor, and they are what VM exits are in a VM.

use std::collections::BTreeMap;

use serde::Serialize;
use visa_isa::cause::trap_name;
use visa_machine::machine::Totals;

use crate::stat::percent;

/// Exceptions and interrupts that Ring 0 took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traps {
    /// All.
    pub total: u64,
    /// By cause, in words.
    pub by_cause: BTreeMap<&'static str, u64>,
}

impl Traps {
    /// Those of a machine.
    pub fn of(totals: &Totals) -> Traps {
        let mut traps = Traps::default();
        for (&cause, &count) in &totals.traps {
            traps.total += count;
            *traps.by_cause.entry(trap_name(cause)).or_default() += count;
        }
        traps
    }

    /// The table: the most frequent first. Nothing if there were none.
    pub fn render(&self) -> String {
        if self.total == 0 {
            return String::new();
        }
        let mut lines: Vec<_> = self.by_cause.iter().collect();
        lines.sort_by_key(|(cause, count)| (std::cmp::Reverse(**count), **cause));
        let mut text = format!("{:>30} {:>12} {:>9}\n", "TRAP-TO-RING-0", "Samples", "Samples%");
        for (cause, count) in lines {
            text += &format!("{cause:>30} {count:>12} {:>8.2}%\n", percent(*count, self.total));
        }
        text + &format!("{:>30} {:>12}\n", "total", self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use visa_isa::cause::INTERRUPT;

    #[test]
    fn causes_have_names_and_the_most_frequent_is_first() {
        let totals = Totals { traps: [(8, 6), (13, 1), (INTERRUPT | 5, 1)].into(), ..Totals::default() };
        let traps = Traps::of(&totals);
        assert_eq!(traps.total, 8);
        assert_eq!(traps.by_cause["environment call from Ring 3"], 6);
        assert_eq!(traps.by_cause["timer interrupt"], 1);
        let text = traps.render();
        let rows: Vec<&str> = text.lines().map(str::trim).collect();
        assert!(rows[1].starts_with("environment call from Ring 3") && rows[1].ends_with("75.00%"), "{text}");
        assert!(rows[4].starts_with("total") && rows[4].ends_with('8'), "{text}");
        assert_eq!(Traps::default().render(), "");
    }
}
