//! The exit table while a guest runs, as wide and as high as there is room for, in the manner of `perf kvm stat live`.

use std::time::Duration;

use crate::stat::{ExitLine, ExitTable, Range, percent};

/// The exits so far, and what came since an earlier look.
#[derive(Clone, Copy, Debug)]
pub struct LiveTable<'a> {
    /// Since the start.
    pub now: &'a ExitTable,
    /// At the earlier look.
    pub before: &'a ExitTable,
    /// Real time since then.
    pub elapsed: Duration,
}

/// Causes stand in a column of this width: the longest name has as many letters.
const CAUSE_WIDTH: usize = 22;

/// A column: its heading, its width, and how much it matters (1 matters most).
struct Column {
    heading: &'static str,
    width: usize,
    rank: u8,
    cell: fn(&Cells<'_>) -> String,
}

/// What a line's cells are made of.
struct Cells<'a> {
    line: &'a ExitLine,
    total: &'a ExitLine,
    rate: f64,
}

impl Cells<'_> {
    fn cycles(&self) -> Range {
        self.line.cycles.unwrap_or_default()
    }
}

const COLUMNS: [Column; 11] = [
    Column { heading: "Samples", width: 10, rank: 1, cell: |cells| cells.line.count.to_string() },
    Column { heading: "/s", width: 8, rank: 1, cell: |cells| format!("{:.0}", cells.rate) },
    Column {
        heading: "Samples%",
        width: 8,
        rank: 2,
        cell: |cells| share(cells.line.count, cells.total.count),
    },
    Column { heading: "Instr", width: 8, rank: 3, cell: |cells| average(&cells.line.instructions) },
    Column { heading: "Min", width: 6, rank: 5, cell: |cells| least(&cells.line.instructions) },
    Column { heading: "Max", width: 8, rank: 5, cell: |cells| most(&cells.line.instructions) },
    Column {
        heading: "Instr%",
        width: 7,
        rank: 7,
        cell: |cells| share(cells.line.instructions.total, cells.total.instructions.total),
    },
    Column { heading: "Cycles", width: 8, rank: 4, cell: |cells| average(&cells.cycles()) },
    Column { heading: "Min", width: 6, rank: 6, cell: |cells| least(&cells.cycles()) },
    Column { heading: "Max", width: 8, rank: 6, cell: |cells| most(&cells.cycles()) },
    Column {
        heading: "Cycles%",
        width: 7,
        rank: 7,
        cell: |cells| share(cells.cycles().total, cells.total.cycles.unwrap_or_default().total),
    },
];

/// Where the columns about cycles begin.
const CYCLES: usize = 7;

impl LiveTable<'_> {
    /// Heading, causes and total, in so many lines at most and so many letters each. The least frequent causes are left
    /// out if there is no room, and the total says how many.
    pub fn lines(&self, width: usize, lines_max: usize) -> Vec<String> {
        let columns = self.columns(width);
        let mut heading = format!("{:>CAUSE_WIDTH$}", "VM-EXIT");
        columns.iter().for_each(|column| heading += &format!(" {:>1$}", column.heading, column.width));
        let total = self.total();
        let causes = self.now.sorted();
        let shown = causes.len().min(lines_max.saturating_sub(2));
        let mut lines = vec![heading];
        for (cause, line) in &causes[..shown] {
            let new = line.count.saturating_sub(self.before.count(cause));
            lines.push(self.line(cause, line, new, &total, &columns));
        }
        let name = match causes.len() - shown {
            0 => "total".into(),
            hidden => format!("total (with {hidden} more)"),
        };
        let new = total.count.saturating_sub(self.before.total());
        lines.push(self.line(&name, &total, new, &total, &columns));
        lines.truncate(lines_max);
        lines.into_iter().map(|line| line.chars().take(width).collect()).collect()
    }

    /// One line for a log: all exits, and the causes that have come since the earlier look.
    pub fn summary(&self) -> String {
        let total = self.now.total();
        let new = total.saturating_sub(self.before.total());
        let mut text = format!("{total} exits (+{new}, {:.1}/s)", self.rate(new));
        for (cause, line) in self.now.sorted() {
            let new = line.count.saturating_sub(self.before.count(cause));
            if new != 0 {
                let instructions = average(&line.instructions);
                text += &format!(", {cause} {} (+{new}, {instructions} instructions each)", line.count);
            }
        }
        text
    }

    fn rate(&self, new: u64) -> f64 {
        new as f64 / self.elapsed.as_secs_f64().max(1e-3)
    }

    fn line(&self, name: &str, line: &ExitLine, new: u64, total: &ExitLine, columns: &[&Column]) -> String {
        let cells = Cells { line, total, rate: self.rate(new) };
        let mut text = format!("{name:>CAUSE_WIDTH$}");
        for column in columns {
            text += &format!(" {:>1$}", (column.cell)(&cells), column.width);
        }
        text
    }

    /// All causes together.
    fn total(&self) -> ExitLine {
        let mut total = ExitLine::default();
        for line in self.now.by_name().values() {
            total.count += line.count;
            total.instructions.merge(&line.instructions);
            if let Some(cycles) = &line.cycles {
                total.cycles.get_or_insert_default().merge(cycles);
            }
        }
        total
    }

    /// The columns that there is room for: those that matter most, in the order of the table.
    fn columns(&self, width: usize) -> Vec<&'static Column> {
        let has_cycles = self.now.by_name().values().any(|line| line.cycles.is_some());
        let all = if has_cycles { &COLUMNS[..] } else { &COLUMNS[..CYCLES] };
        let room = |rank: u8| {
            let of_rank = all.iter().filter(|column| column.rank <= rank);
            CAUSE_WIDTH + of_rank.map(|column| 1 + column.width).sum::<usize>() <= width
        };
        let last = (1..=7).rev().find(|&rank| room(rank)).unwrap_or(1);
        all.iter().filter(|column| column.rank <= last).collect()
    }
}

fn share(part: u64, whole: u64) -> String {
    format!("{:.1}%", percent(part, whole))
}

fn average(range: &Range) -> String {
    range.average().map_or("-".into(), |average| format!("{average:.1}"))
}

fn least(range: &Range) -> String {
    if range.samples == 0 { "-".into() } else { range.minimum.to_string() }
}

fn most(range: &Range) -> String {
    if range.samples == 0 { "-".into() } else { range.maximum.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(samples: u64, total: u64, minimum: u64, maximum: u64) -> Range {
        Range { samples, total, minimum, maximum }
    }

    fn table(io: u64, halts: u64, cycles: Option<Range>) -> ExitTable {
        let line = |count, instructions| ExitLine { count, instructions, cycles };
        ExitTable::from_iter([
            ("halt", line(halts, range(0, 0, 0, 0))),
            ("io-access", line(io, range(io, 30 * io, 20, 45))),
        ])
    }

    fn words(line: &str) -> Vec<&str> {
        line.split_whitespace().collect()
    }

    #[test]
    fn rates_are_of_what_came_since_the_earlier_look() {
        let (before, now) = (table(10, 10, None), table(30, 10, None));
        let live = LiveTable { now: &now, before: &before, elapsed: Duration::from_secs(2) };
        let lines = live.lines(80, 10);
        assert_eq!(words(&lines[0]), ["VM-EXIT", "Samples", "/s", "Samples%", "Instr", "Min", "Max"]);
        assert_eq!(words(&lines[1]), ["io-access", "30", "10", "75.0%", "30.0", "20", "45"]);
        assert_eq!(words(&lines[2]), ["halt", "10", "0", "25.0%", "-", "-", "-"]);
        assert_eq!(words(&lines[3]), ["total", "40", "10", "100.0%", "30.0", "20", "45"]);
        assert_eq!(live.summary(), "40 exits (+20, 10.0/s), io-access 30 (+20, 30.0 instructions each)");
    }

    #[test]
    fn it_keeps_to_its_room() {
        let now = table(30, 10, Some(range(3, 300, 90, 110)));
        let live = LiveTable { now: &now, before: &now, elapsed: Duration::ZERO };
        for width in 0..200 {
            for lines_max in 0..6 {
                let lines = live.lines(width, lines_max);
                assert!(lines.len() <= lines_max && lines.len() <= 4, "{width}, {lines_max}");
                assert!(lines.iter().all(|line| line.len() <= width), "{width}, {lines_max}: {lines:?}");
            }
        }
        let narrow = live.lines(80, 3);
        assert_eq!(words(&narrow[0]), ["VM-EXIT", "Samples", "/s", "Samples%", "Instr", "Cycles"]);
        assert_eq!(words(&narrow[2])[..4], ["total", "(with", "1", "more)"]);
        let wide = live.lines(200, 9);
        assert_eq!(words(&wide[0])[8..], ["Cycles", "Min", "Max", "Cycles%"]);
        assert_eq!(words(&wide[1])[8..], ["100.0", "90", "110", "50.0%"]);
    }
}
