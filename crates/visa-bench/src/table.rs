//! The results as text.

use crate::counts::Counts;
use crate::report::{Report, Row};
use crate::variant::{ACCELERATED, NATIVE};

/// How many lines of a failure are shown; the JSON object has them all.
const FAILURE_LINES_MAX: usize = 3;

/// How many causes of exits a line names.
const CAUSES_MAX: usize = 4;

/// All tables.
pub fn render(report: &Report) -> String {
    let mut text = modes(report);
    text += &features(report);
    text += &events(report);
    text += &visor_exits(report);
    text += &sensitivity(report);
    text += &workload_sensitivity(report);
    text += &findings(report);
    text
}

/// For each workload a line for each mode.
fn modes(report: &Report) -> String {
    let mut text = format!(
        "{:<16} {:<12} {:>15} {:>8} {:>15} {:>8} {:>11} {:>9} {:>10} {:>7}  {}\n",
        "workload",
        "mode",
        "instructions",
        "native=1",
        "cycles",
        "native=1",
        "visor",
        "exits",
        "TLB misses",
        "refs",
        "exits by cause"
    );
    for workload in &report.workloads {
        let mut name = workload.name;
        for variant in report.variants.iter().filter(|variant| variant.without.is_none()) {
            let Some(row) = report.row(variant.name, workload.name) else { continue };
            text += &mode_line(name, row);
            name = "";
        }
    }
    text + "\nvisor: its instructions. exits: VM exits; software-only: traps into visor. refs: page-table entries read for each TLB miss.\n"
}

fn mode_line(name: &str, row: &Row) -> String {
    let counts = &row.counts;
    let line = format!(
        "{name:<16} {:<12} {:>15} {:>8} {:>15} {:>8} {:>11} {:>9} {:>10} {:>7}  {}",
        row.variant,
        grouped(counts.instructions),
        optional(row.instructions_ratio, 4),
        counts.millicycles().map_or("-".into(), |millicycles| grouped(millicycles / 1000)),
        optional(row.cycles_ratio, 3),
        grouped(counts.instructions_hypervisor),
        grouped(counts.exits_total()),
        grouped(counts.tlb_misses),
        optional(row.walk_references_per_miss, 2),
        causes(counts)
    );
    format!("{}\n", line.trim_end())
}

/// For each feature a line: what each workload costs without it, by what it costs with it.
fn features(report: &Report) -> String {
    let without: Vec<_> = report.variants.iter().filter(|variant| variant.without.is_some()).collect();
    if without.is_empty() {
        return String::new();
    }
    let unit = if report.has_cycles() { "cycles" } else { "instructions" };
    let mut text = format!("\nAccelerated without one feature: {unit}, native = 1 (exits)\n");
    text += &format!("{:<16}", "workload");
    let columns: Vec<_> =
        report.variants.iter().filter(|variant| variant.name == ACCELERATED).chain(without).collect();
    for variant in &columns {
        text += &format!(" {:>22}", variant.without.unwrap_or("all features"));
    }
    text.push('\n');
    for workload in &report.workloads {
        text += &format!("{:<16}", workload.name);
        for variant in &columns {
            let cell = report.row(variant.name, workload.name).map_or("-".into(), |row| {
                let ratio = row.cycles_ratio.or(row.instructions_ratio);
                format!("{} ({})", optional(ratio, 4), grouped(row.counts.exits_total()))
            });
            text += &format!(" {cell:>22}");
        }
        text.push('\n');
    }
    text
}

/// For each event a line.
fn events(report: &Report) -> String {
    let Some(events) = report.events.get(ACCELERATED) else { return String::new() };
    let others: Vec<_> = report.events.iter().filter(|(name, _)| **name != ACCELERATED).collect();
    let mut text = format!(
        "\nSingle events, on average, on the bare machine\n{:<22} {:>6} {:>13} {:>8} {:>9}",
        "event", "exits", "instructions", "Ring -1", "cycles"
    );
    others.iter().for_each(|(name, _)| text += &format!(" {name:>22}"));
    text.push('\n');
    for event in events {
        let (instructions, ring) = (event.instructions, event.instructions_ring_minus_1);
        text += &format!("{:<22} {:>6} {instructions:>13.1} {ring:>8.1}", event.name, event.exits);
        text += &format!(" {:>9}", optional(event.cycles, 1));
        for (_, events) in &others {
            let cycles = events.iter().find(|other| other.name == event.name).and_then(|other| other.cycles);
            text += &format!(" {:>22}", optional(cycles, 1));
        }
        text.push('\n');
    }
    text
}

/// For each kind of exit a line.
fn visor_exits(report: &Report) -> String {
    let mut text = format!(
        "\nInstructions that visor spends on each kind of exit, from the exit to the next entry\n{:<22} {:<22} {:>8} {:>8}  {}\n",
        "the guest does", "cause", "least", "most", "machine"
    );
    for exit in &report.visor_exits {
        let machine = exit.without.map_or("all features".into(), |feature| format!("without {feature}"));
        let (name, cause) = (&exit.name, exit.cause);
        text += &format!("{name:<22} {cause:<22} {:>8} {:>8}  {machine}\n", exit.least, exit.most);
    }
    text
}

/// For each conclusion a line.
fn sensitivity(report: &Report) -> String {
    if report.sensitivity.is_empty() {
        return String::new();
    }
    let mut text =
        String::from("\nThe same with each cost of the cycle model halved and doubled, one at a time\n");
    for conclusion in &report.sensitivity {
        let (least, most) = (&conclusion.least, &conclusion.most);
        text += &format!(
            "{:<42} {:>8.2}   from {:>8.2} ({}) to {:>8.2} ({})\n",
            conclusion.name, conclusion.ratio, least.0, least.1, most.0, most.1
        );
    }
    text
}

/// For each conclusion about workloads a line.
fn workload_sensitivity(report: &Report) -> String {
    if report.workload_sensitivity.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\nWhole workloads, with each account of the cycle model, and each of its sizes, halved and doubled\n",
    );
    for conclusion in &report.workload_sensitivity {
        let name = format!("{} / {}, {}", conclusion.dear, conclusion.cheap, conclusion.workload);
        let (least, most) = (&conclusion.least, &conclusion.most);
        let line = format!(
            "{name:<56} {:>8.4}   from {:>8.4} {:<28} to {:>8.4} {}",
            conclusion.ratio,
            least.0,
            in_brackets(&least.1),
            most.0,
            in_brackets(&most.1)
        );
        text += &format!("{}\n", line.trim_end());
    }
    text
}

fn in_brackets(change: &str) -> String {
    if change.is_empty() { String::new() } else { format!("({change})") }
}

/// What did not run, and what did not agree.
fn findings(report: &Report) -> String {
    let mut text = String::new();
    for variant in &report.variants {
        if let Some(failure) = &variant.failure {
            text += &format!("\n{} did not run: {}\n", variant.name, brief(failure));
        }
    }
    for workload in &report.disagreements {
        text += &format!("\n{workload}: the checksums DIFFER between the variants\n");
    }
    if report.disagreements.is_empty() && report.variants.len() > 1 {
        text += "\nEvery workload found the same in every variant.\n";
    }
    if report.row(NATIVE, crate::workload::BOOT).is_none() {
        text += "There is no native run to compare with.\n";
    }
    text
}

/// The beginning of a message that may hold all that a guest printed.
fn brief(message: &str) -> String {
    let lines: Vec<&str> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[..lines.len().min(FAILURE_LINES_MAX)].join("\n    ")
}

/// The most frequent causes of exits.
pub fn causes(counts: &Counts) -> String {
    let mut causes: Vec<_> = counts.exits.iter().filter(|(_, exits)| exits.count != 0).collect();
    causes.sort_by_key(|(name, exits)| (std::cmp::Reverse(exits.count), **name));
    let shown = causes.iter().take(CAUSES_MAX);
    let mut words: Vec<String> =
        shown.map(|(name, exits)| format!("{name} {}", grouped(exits.count))).collect();
    if causes.len() > CAUSES_MAX {
        words.push("...".into());
    }
    words.join(", ")
}

fn optional(value: Option<f64>, decimals: usize) -> String {
    value.map_or("-".into(), |value| format!("{value:.decimals$}"))
}

/// A number with its thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index != 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
