//! The exit table, in the manner of `perf kvm stat`: what the guest left for, and what Ring -1 did about it.

use std::collections::BTreeMap;

use serde::Serialize;
use visa_isa::cause::ExitCause;
use visa_machine::machine::Machine;
use visa_state::Spread;

/// Exits of one cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExitLine {
    /// How many.
    pub count: u64,
    /// Instructions of Ring -1 from the exit to the next entry: all, least, most.
    pub instructions: Range,
    /// Modelled cycles, both switches included; nothing without a model.
    pub cycles: Option<Range>,
}

/// A spread over exits that were followed by an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Exits that were.
    pub samples: u64,
    /// Sum.
    pub total: u64,
    /// Least.
    pub minimum: u64,
    /// Most.
    pub maximum: u64,
}

impl From<&Spread> for Range {
    fn from(spread: &Spread) -> Range {
        Range { samples: spread.count, total: spread.total, minimum: spread.minimum, maximum: spread.maximum }
    }
}

impl Range {
    /// Adds one more.
    pub fn add(&mut self, value: u64) {
        self.merge(&Range { samples: 1, total: value, minimum: value, maximum: value });
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Range) {
        if other.samples == 0 {
            return;
        }
        self.minimum = if self.samples == 0 { other.minimum } else { self.minimum.min(other.minimum) };
        self.maximum = self.maximum.max(other.maximum);
        self.total += other.total;
        self.samples += other.samples;
    }

    /// The mean; nothing without samples.
    pub fn average(&self) -> Option<f64> {
        (self.samples != 0).then(|| self.total as f64 / self.samples as f64)
    }
}

/// Exits by the name of their cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExitTable {
    lines: BTreeMap<&'static str, ExitLine>,
}

impl FromIterator<(&'static str, ExitLine)> for ExitTable {
    fn from_iter<I: IntoIterator<Item = (&'static str, ExitLine)>>(lines: I) -> ExitTable {
        ExitTable { lines: lines.into_iter().collect() }
    }
}

impl ExitTable {
    /// Of a machine, since its start.
    pub fn of(machine: &Machine) -> ExitTable {
        let mut lines = BTreeMap::<&'static str, ExitLine>::new();
        let mut spreads = BTreeMap::<ExitCause, Spread>::new();
        for statistics in machine.harts.iter().map(|hart| &hart.state.statistics) {
            for (cause, count) in &statistics.exits {
                lines.entry(cause.name()).or_default().count += count;
            }
            for (&cause, spread) in &statistics.exit_instructions {
                spreads.entry(cause).or_default().merge(spread);
            }
        }
        for (cause, spread) in &spreads {
            lines.entry(cause.name()).or_default().instructions = spread.into();
        }
        for (cause, spread) in machine.cycles().iter().flat_map(|report| &report.exit_cycles) {
            lines.entry(cause.name()).or_default().cycles = Some(spread.into());
        }
        ExitTable { lines }
    }

    /// By the names of the causes.
    pub fn by_name(&self) -> &BTreeMap<&'static str, ExitLine> {
        &self.lines
    }

    /// The most frequent first.
    pub fn sorted(&self) -> Vec<(&'static str, &ExitLine)> {
        let mut lines: Vec<_> = self.lines.iter().map(|(cause, line)| (*cause, line)).collect();
        lines.sort_by_key(|(cause, line)| (std::cmp::Reverse(line.count), *cause));
        lines
    }

    /// Exits of one cause; 0 if there were none.
    pub fn count(&self, cause: &str) -> u64 {
        self.lines.get(cause).map_or(0, |line| line.count)
    }

    /// Exits of all causes.
    pub fn total(&self) -> u64 {
        self.lines.values().map(|line| line.count).sum()
    }

    /// The table: the most frequent first.
    pub fn render(&self) -> String {
        let has_cycles = self.lines.values().any(|line| line.cycles.is_some());
        let mut text = format!("{:>26} {:>12} {:>9}{}", "VM-EXIT", "Samples", "Samples%", heading("Instr%"));
        if has_cycles {
            text += &heading("Cycles%");
        }
        text.push('\n');
        let samples = self.total();
        let instructions: u64 = self.lines.values().map(|line| line.instructions.total).sum();
        let cycles: u64 = self.lines.values().filter_map(|line| line.cycles).map(|range| range.total).sum();
        for (cause, line) in self.sorted() {
            let share = percent(line.count, samples);
            text += &format!("{cause:>26} {:>12} {share:>8.2}%", line.count);
            text += &columns(&line.instructions, instructions);
            if has_cycles {
                text += &columns(&line.cycles.unwrap_or_default(), cycles);
            }
            text.push('\n');
        }
        text + &format!("{:>26} {samples:>12}\n", "total")
    }
}

fn heading(share: &str) -> String {
    format!(" {share:>9} {:>9} {:>9} {:>11}", "Min", "Max", "Avg")
}

fn columns(range: &Range, total: u64) -> String {
    let Some(average) = range.average() else {
        return format!(" {:>9} {:>9} {:>9} {:>11}", "-", "-", "-", "-");
    };
    let share = percent(range.total, total);
    format!(" {share:>8.2}% {:>9} {:>9} {average:>11.1}", range.minimum, range.maximum)
}

pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_is_first_and_shares_add_up() {
        let line = |count, samples, total, minimum, maximum| ExitLine {
            count,
            instructions: Range { samples, total, minimum, maximum },
            cycles: None,
        };
        let lines = [("halt", line(1, 0, 0, 0, 0)), ("io-access", line(3, 3, 90, 20, 45))];
        let text = ExitTable::from_iter(lines).render();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1], ["io-access", "3", "75.00%", "100.00%", "20", "45", "30.0"]);
        assert_eq!(rows[2], ["halt", "1", "25.00%", "-", "-", "-", "-"]);
        assert_eq!(rows[3], ["total", "4"]);
    }
}
