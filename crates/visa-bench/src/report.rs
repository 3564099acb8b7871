//! The results as data: the JSON object, which the tables and the pages are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use visa_machine::boot::Image;

use crate::archive;
use crate::bench::{Bench, BenchError, Cycles, Events, Run, spending};
use crate::counts::Counts;
use crate::sensitivity::Conclusion;
use crate::variant::NATIVE;
use crate::visor_exits::VisorExit;
use crate::workload_sensitivity::{Again, WorkloadConclusion, conclude};

/// Everything. Two runs with the same versions give the same object, but for `host`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was run.
    pub versions: Versions,
    /// Whether the workloads were the short ones.
    pub quick: bool,
    /// The cycle model: its preset, and what differs from it; nothing without a model.
    pub cycle_model: Option<Vec<String>>,
    /// The variants, in the order of the columns.
    pub variants: Vec<VariantInfo>,
    /// The workloads, in the order in which they ran.
    pub workloads: Vec<WorkloadInfo>,
    /// A row for each workload and variant.
    pub rows: Vec<Row>,
    /// What single events cost, by variant.
    pub events: Events,
    /// What visor spends on each kind of exit.
    pub visor_exits: Vec<VisorExit>,
    /// The same without decode assist.
    pub visor_exits_decoding: Vec<VisorExit>,
    /// How far single events depend on the cycle model's parameters.
    pub sensitivity: Vec<Conclusion>,
    /// How far conclusions about whole workloads do.
    pub workload_sensitivity: Vec<WorkloadConclusion>,
    /// Workloads whose checksums differ between variants: there must be none.
    pub disagreements: Vec<&'static str>,
    /// What depends on the host.
    pub host: Host,
}

/// What was run.
#[derive(Debug, Serialize)]
pub struct Versions {
    /// This program.
    pub visa: &'static str,
    /// The kernel's own banner.
    pub kernel: String,
    /// CRC-32 of the kernel.
    pub kernel_crc32: String,
    /// CRC-32 of visor.
    pub visor_crc32: String,
    /// CRC-32 of the archive of workloads.
    pub workloads_crc32: String,
}

/// A variant.
#[derive(Debug, Serialize)]
pub struct VariantInfo {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub summary: &'static str,
    /// The mode that it runs in.
    pub mode: &'static str,
    /// The feature that it lacks.
    pub without: Option<&'static str>,
    /// Why it has no rows, if it has none.
    pub failure: Option<String>,
}

/// A workload.
#[derive(Debug, Serialize)]
pub struct WorkloadInfo {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// What one iteration is.
    pub unit: &'static str,
    /// Iterations.
    pub iterations: u64,
}

/// One workload in one variant.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The variant.
    pub variant: &'static str,
    /// The workload.
    pub workload: &'static str,
    /// What it found, in hexadecimal.
    pub checksum: Option<String>,
    /// Instructions by those of the native run.
    pub instructions_ratio: Option<f64>,
    /// Modelled cycles by those of the native run.
    pub cycles_ratio: Option<f64>,
    /// Page-table entries read for each TLB miss.
    pub walk_references_per_miss: Option<f64>,
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What depends on the host.
#[derive(Debug, Serialize)]
pub struct Host {
    /// The command as it was typed.
    pub command: String,
    /// Seconds from reset to power-off, by variant.
    pub seconds: BTreeMap<&'static str, f64>,
    /// Seconds of each workload, by variant.
    pub workload_seconds: BTreeMap<&'static str, BTreeMap<&'static str, f64>>,
}

impl Report {
    /// The report of a bench.
    pub fn new(
        bench: &Bench,
        runs: &[Run],
        (events, visor_exits, sensitivity): (Events, Vec<VisorExit>, Vec<Conclusion>),
        again: &[Again],
        quick: bool,
    ) -> Result<Report, BenchError> {
        let mut report = Report {
            versions: Versions::of(bench)?,
            quick,
            cycle_model: bench.cycles.as_ref().map(Cycles::describe),
            variants: runs.iter().map(VariantInfo::of).collect(),
            workloads: workloads(bench),
            rows: Vec::new(),
            events,
            visor_exits,
            visor_exits_decoding: bench.visor_exits_decoding(),
            sensitivity,
            workload_sensitivity: workload_sensitivity(runs, again),
            disagreements: Vec::new(),
            host: Host::of(runs),
        };
        for run in runs {
            for sample in run.outcome.iter().flatten() {
                report.rows.push(Row {
                    variant: run.variant.name,
                    workload: sample.workload,
                    checksum: sample.checksum.map(|checksum| format!("{checksum:016x}")),
                    instructions_ratio: None,
                    cycles_ratio: None,
                    walk_references_per_miss: sample.counts.walk_references_per_miss().map(rounded),
                    counts: sample.counts.clone(),
                });
            }
        }
        report.compare();
        Ok(report)
    }

    /// The row of a workload in a variant.
    pub fn row(&self, variant: &str, workload: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.variant == variant && row.workload == workload)
    }

    /// Whether there are modelled cycles.
    pub fn has_cycles(&self) -> bool {
        self.rows.iter().any(|row| row.counts.modelled.is_some())
    }

    /// Whether every variant ran, and all found the same.
    pub fn is_sound(&self) -> bool {
        self.disagreements.is_empty() && self.variants.iter().all(|variant| variant.failure.is_none())
    }

    /// Ratios to the native run, and the workloads that did not find the same everywhere.
    fn compare(&mut self) {
        let native: BTreeMap<&str, Counts> = self
            .rows
            .iter()
            .filter(|row| row.variant == NATIVE)
            .map(|row| (row.workload, row.counts.clone()))
            .collect();
        for row in &mut self.rows {
            let Some(native) = native.get(row.workload) else { continue };
            row.instructions_ratio = ratio(row.counts.instructions, native.instructions);
            row.cycles_ratio = match (row.counts.millicycles(), native.millicycles()) {
                (Some(cycles), Some(native)) => ratio(cycles, native),
                _ => None,
            };
        }
        let mut found = BTreeMap::<&'static str, BTreeSet<&str>>::new();
        for row in &self.rows {
            found.entry(row.workload).or_default().extend(row.checksum.as_deref());
        }
        self.disagreements =
            found.into_iter().filter(|(_, checksums)| checksums.len() > 1).map(|(name, _)| name).collect();
    }
}

impl Versions {
    fn of(bench: &Bench) -> Result<Versions, BenchError> {
        let kernel = read(&bench.kernel)?;
        let visor = match &bench.visor {
            Image::File(path) => read(path)?,
            Image::Bytes(_, bytes) => bytes.to_vec(),
        };
        Ok(Versions {
            visa: env!("CARGO_PKG_VERSION"),
            kernel: banner(&kernel).unwrap_or_else(|| "not a Linux kernel with a banner".into()),
            kernel_crc32: checksum(&kernel),
            visor_crc32: checksum(&visor),
            workloads_crc32: checksum(&archive::initramfs(None)),
        })
    }
}

impl VariantInfo {
    fn of(run: &Run) -> VariantInfo {
        VariantInfo {
            name: run.variant.name,
            summary: run.variant.summary,
            mode: run.variant.mode.name(),
            without: run.variant.without.map(|feature| feature.name()),
            failure: run.outcome.as_ref().err().map(ToString::to_string),
        }
    }
}

impl Host {
    fn of(runs: &[Run]) -> Host {
        let words: Vec<String> = std::env::args().collect();
        let each = |run: &Run| {
            let samples = run.outcome.iter().flatten();
            samples.map(|sample| (sample.workload, sample.host_seconds)).collect()
        };
        Host {
            command: words.join(" "),
            seconds: runs.iter().map(|run| (run.variant.name, run.host_time.as_secs_f64())).collect(),
            workload_seconds: runs.iter().map(|run| (run.variant.name, each(run))).collect(),
        }
    }
}

/// What changes of the cycle model make of the ratios between the runs.
fn workload_sensitivity(runs: &[Run], again: &[Again]) -> Vec<WorkloadConclusion> {
    let samples = runs.first().map(|run| run.outcome.iter().flatten());
    let workloads: Vec<_> = samples.into_iter().flatten().map(|sample| sample.workload).collect();
    let without = runs.iter().filter(|run| run.variant.without.is_some()).map(|run| run.variant.name);
    conclude(&spending(runs), again, &workloads, &without.collect::<Vec<_>>())
}

/// The boot, then the workloads.
fn workloads(bench: &Bench) -> Vec<WorkloadInfo> {
    let boot = WorkloadInfo {
        name: crate::workload::BOOT,
        summary: "the kernel's boot, from reset to the first instruction of /init",
        unit: "boot",
        iterations: 1,
    };
    let of_order = |order: &crate::workload::Order| WorkloadInfo {
        name: order.workload.name,
        summary: order.workload.summary,
        unit: order.workload.unit,
        iterations: order.iterations,
    };
    std::iter::once(boot).chain(bench.orders.iter().map(of_order)).collect()
}

/// What a kernel prints first, up to the compiler's name.
pub(crate) fn banner(kernel: &[u8]) -> Option<String> {
    const START: &[u8] = b"Linux version ";
    let digit_follows = |at: &usize| kernel.get(at + START.len()).is_some_and(u8::is_ascii_digit);
    let at = kernel
        .windows(START.len())
        .enumerate()
        .filter(|(_, window)| *window == START)
        .map(|(at, _)| at)
        .find(digit_follows)?;
    let rest = &kernel[at..kernel.len().min(at + 200)];
    let end = rest.iter().position(|byte| *byte == b'(' || *byte < b' ').unwrap_or(rest.len());
    Some(String::from_utf8_lossy(&rest[..end]).trim().to_string())
}

fn read(path: &Path) -> Result<Vec<u8>, BenchError> {
    std::fs::read(path).map_err(|source| BenchError::Read { path: path.into(), source })
}

fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(bytes))
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole != 0).then(|| rounded(part as f64 / whole as f64))
}

/// Six decimals: as much as the counts bear, and the same text on every host.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_has_a_version() {
        let kernel = b"xx Linux version %s\0 Linux version 6.12.1 (gcc)";
        assert_eq!(banner(kernel).as_deref(), Some("Linux version 6.12.1"));
        assert_eq!(banner(b"nothing"), None);
    }

    #[test]
    fn ratios_are_rounded() {
        assert_eq!(ratio(2, 3), Some(0.666_667));
        assert_eq!(ratio(2, 0), None);
    }
}
