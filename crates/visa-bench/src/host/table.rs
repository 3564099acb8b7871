//! The results as text.

use super::emulator::{ACCELERATED, INTERPRETER, NATIVE, QEMU_NAME};
use super::report::{Report, RowResult};
use super::times::{Ratio, Times};

/// A spread from which on a median is marked.
const SPREAD_MAX: f64 = 0.1;

/// All of it.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    for emulator in &report.emulators {
        text += &format!("{:<12} {}", emulator.name, emulator.summary);
        if let Some(bytes) = emulator.peak_memory_bytes {
            text += &format!("; {} MiB of the host's memory at most", bytes >> 20);
        }
        text.push('\n');
    }
    text += &format!(
        "\nSeconds of processor time, medians of {}; \"~\" marks those whose extremes are more than {:.0} % apart,\n\
         \"!\" what misses its target. Native by QEMU is of medians, and under \"least\" of the least times, to which\n\
         others on the host have added least. Accelerated by native is of runs at the same time on one processor, and under\n\
         \"range\" are its extremes.\n\n",
        report.repeat,
        SPREAD_MAX * 100.0
    );
    text += &heading(report);
    for row in &report.rows {
        text += &line(report, row);
    }
    text + &means(report) + &findings(report)
}

/// The columns with seconds.
fn shown(report: &Report) -> impl Iterator<Item = &'static str> + '_ {
    [QEMU_NAME, NATIVE, ACCELERATED, INTERPRETER].into_iter().filter(|name| report.has(name))
}

fn heading(report: &Report) -> String {
    let mut text = format!("{:<15}", "workload");
    for name in shown(report) {
        text += &format!(" {name:>10} ");
    }
    text += &format!(
        "  {:>11} {:>7} {:>6}  {:>12} {:>7} {:>11}  {:>9}\n",
        "native/qemu", "at most", "least", "accel/native", "at most", "range", "rvvm/qemu"
    );
    text
}

fn line(report: &Report, row: &RowResult) -> String {
    let mut text = format!("{:<15}", row.name);
    for name in shown(report) {
        text += &format!(" {:>11}", row.times.get(name).map_or("- ".into(), seconds));
    }
    text += &format!("  {} {}", ratio(row.native_by_qemu, 11), optional(row.least_native_by_qemu, 6));
    let range = row
        .together
        .as_ref()
        .map_or("-".into(), |both| format!("{:.2}-{:.2}", both.ratios[0], both.ratios[1]));
    text += &format!("  {} {range:>11}", ratio(row.accelerated_by_native, 12));
    text += &format!("  {}", optional(row.peer_by_qemu, 8));
    format!("{}\n", text.trim_end())
}

fn means(report: &Report) -> String {
    let means = &report.geometric_mean;
    let mut text = format!("{:<15}", "geometric mean");
    shown(report).for_each(|_| text += &" ".repeat(12));
    text += &format!("  {} {}", ratio(means.native_by_qemu, 11), optional(means.least_native_by_qemu, 6));
    text += &format!("  {}\n", optional(means.accelerated_by_native, 12));
    if let Some(mean) = means.accelerated_by_qemu {
        text += &format!("\naccelerated/qemu, geometric mean: {mean:.3}\n");
    }
    if let Some(peer) = means.peer_by_qemu {
        text += &format!(
            "native/qemu over the rows that RVVM has: {:.3}; RVVM (2024-10, like programs, another host): {:.3}{}\n",
            peer.ratio,
            peer.target,
            if peer.is_met { "" } else { " !" }
        );
    }
    text
}

/// What did not run, what did not agree, and what makes the figures less sure.
fn findings(report: &Report) -> String {
    let mut text = String::new();
    for emulator in &report.emulators {
        if let Some(failure) = &emulator.failure {
            text += &format!("\n{} did not run to the end: {failure}\n", emulator.name);
        }
    }
    for row in &report.disagreements {
        text += &format!("\n{row}: the checksums DIFFER\n");
    }
    if report.disagreements.is_empty() && report.rows.iter().any(|row| row.checksum.is_some()) {
        text += "\nEvery workload found the same in every run.\n";
    }
    if !report.has(QEMU_NAME) {
        text += "\nQEMU is left out: there is no qemu-system-riscv64 on the PATH, or it was not asked for.\n";
    }
    if report.host.is_busy {
        text += &format!(
            "\nThe host was busy (load {:.1} on {} processors): the times are less sure.\n",
            report.host.load_before.unwrap_or_default(),
            report.host.processors
        );
    }
    text
}

fn seconds(times: &Times) -> String {
    let mark = if times.spread > SPREAD_MAX { '~' } else { ' ' };
    format!("{:.3}{mark}", times.median_seconds)
}

/// A ratio and its target; "!" if it misses it.
fn ratio(ratio: Option<Ratio>, width: usize) -> String {
    match ratio {
        None => format!("{:>width$} {:>7}", "-", ""),
        Some(ratio) => {
            let mark = if ratio.is_met { ' ' } else { '!' };
            format!("{:>width$.3} {:>5.2} {mark}", ratio.ratio, ratio.target)
        }
    }
}

fn optional(value: Option<f64>, width: usize) -> String {
    value.map_or(format!("{:>width$}", "-"), |value| format!("{value:>width$.3}"))
}
