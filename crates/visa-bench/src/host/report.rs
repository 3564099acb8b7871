//! The results as data: the JSON object, which the table and the page are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use super::ARCHIVE;
use super::emulator::{ACCELERATED, NATIVE, QEMU_NAME};
use super::matrix::{Matrix, Run};
use super::measure::Plan;
use super::row::{BOOT, MEAN_TARGET, Row, VISOR_TARGET};
use super::times::{Ratio, Times, Together, geometric_mean};
use crate::report::banner;

/// Runnable tasks for each processor, on average over the last minute, from which on others were at work too.
const BUSY_LOAD: f64 = 0.5;

/// Everything.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was run.
    pub versions: Versions,
    /// Whether the workloads were the short ones.
    pub quick: bool,
    /// Repetitions.
    pub repeat: u32,
    /// The emulators, in the order of the columns.
    pub emulators: Vec<EmulatorInfo>,
    /// The rows.
    pub rows: Vec<RowResult>,
    /// Over all rows.
    pub geometric_mean: Means,
    /// Rows whose checksums differ between emulators or repetitions: there must be none.
    pub disagreements: Vec<&'static str>,
    /// The host.
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
    /// CRC-32 of the archive of workloads.
    pub workloads_crc32: String,
}

/// An emulator.
#[derive(Debug, Serialize)]
pub struct EmulatorInfo {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub summary: String,
    /// How it was called.
    pub command: String,
    /// The most memory that it had of the host, in any run.
    pub peak_memory_bytes: Option<u64>,
    /// Why it lacks samples, if it does.
    pub failure: Option<String>,
}

/// One row of all emulators.
#[derive(Debug, Serialize)]
pub struct RowResult {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// What one iteration is.
    pub unit: &'static str,
    /// Iterations.
    pub iterations: u64,
    /// What the workload found, in hexadecimal; nothing for the boot.
    pub checksum: Option<String>,
    /// The times, by emulator.
    pub times: BTreeMap<&'static str, Times>,
    /// Native by QEMU.
    pub native_by_qemu: Option<Ratio>,
    /// Accelerated by QEMU; nothing is aimed at.
    pub accelerated_by_qemu: Option<f64>,
    /// Native by QEMU, of the least times, to which others on the host have added least.
    pub least_native_by_qemu: Option<f64>,
    /// Native and accelerated at the same time.
    pub together: Option<Together>,
    /// Accelerated by native, at the same time: the median of each repetition's ratio.
    pub accelerated_by_native: Option<Ratio>,
    /// RVVM by QEMU, of like programs, elsewhere.
    pub peer_by_qemu: Option<f64>,
}

/// Geometric means over the rows that have both.
#[derive(Debug, Serialize)]
pub struct Means {
    /// Native by QEMU.
    pub native_by_qemu: Option<Ratio>,
    /// Accelerated by QEMU.
    pub accelerated_by_qemu: Option<f64>,
    /// Native by QEMU, of the least times.
    pub least_native_by_qemu: Option<f64>,
    /// Accelerated by native.
    pub accelerated_by_native: Option<f64>,
    /// RVVM by QEMU, and native by QEMU over those rows: to be less.
    pub peer_by_qemu: Option<Ratio>,
}

/// The host.
#[derive(Debug, Serialize)]
pub struct Host {
    /// The command as it was typed.
    pub command: String,
    /// Its processor.
    pub processor: String,
    /// Processors.
    pub processors: usize,
    /// Runnable tasks, on average over the minute before the run; nothing if the system does not say.
    pub load_before: Option<f64>,
    /// Whether that is much, so that the times are less sure.
    pub is_busy: bool,
}

impl Report {
    /// The report of what was run.
    pub fn new(matrix: &Matrix, runs: &[Run], host: Host, quick: bool) -> io::Result<Report> {
        let kernel = std::fs::read(&matrix.kernel)?;
        let plan = Plan { kernel: &matrix.kernel, orders: &matrix.workloads(), processor: 0 };
        let mut report = Report {
            versions: Versions {
                visa: env!("CARGO_PKG_VERSION"),
                kernel: banner(&kernel).unwrap_or_default(),
                kernel_crc32: format!("{:08x}", crc32fast::hash(&kernel)),
                workloads_crc32: format!("{:08x}", crc32fast::hash(ARCHIVE)),
            },
            quick,
            repeat: matrix.repeat,
            emulators: runs.iter().map(|run| EmulatorInfo::of(run, &plan)).collect(),
            rows: Vec::new(),
            geometric_mean: Means::default(),
            disagreements: Vec::new(),
            host,
        };
        let mut place = 0;
        for order in &matrix.orders {
            let at = (order.row.name != BOOT).then_some(place);
            place += usize::from(at.is_some());
            let (row, agrees) = RowResult::new(order.row, order.iterations, runs, at);
            report.rows.push(row);
            if !agrees {
                report.disagreements.push(order.row.name);
            }
        }
        report.geometric_mean = Means::of(&report.rows);
        Ok(report)
    }

    /// Whether every emulator ran, and all found the same.
    pub fn is_sound(&self) -> bool {
        self.disagreements.is_empty() && self.emulators.iter().all(|emulator| emulator.failure.is_none())
    }

    /// Whether an emulator is one of the columns.
    pub fn has(&self, name: &str) -> bool {
        self.emulators.iter().any(|emulator| emulator.name == name)
    }
}

impl EmulatorInfo {
    fn of(run: &Run, plan: &Plan<'_>) -> EmulatorInfo {
        let boots = [&run.alone, &run.together]
            .into_iter()
            .flat_map(|series| series.workloads.iter().chain(&series.boots));
        EmulatorInfo {
            name: run.emulator.name,
            summary: run.emulator.summary.clone(),
            command: plan.shown(&run.emulator),
            peak_memory_bytes: boots.filter_map(|boot| boot.peak_memory_bytes).max(),
            failure: run.failure.clone(),
        }
    }
}

impl RowResult {
    /// The row at this place of the orders; without a place, the boot. Also whether all found the same.
    fn new(row: &'static Row, iterations: u64, runs: &[Run], place: Option<usize>) -> (RowResult, bool) {
        let (mut times, mut checksums) = (BTreeMap::new(), BTreeSet::new());
        for run in runs {
            let of_place = |place| [&run.alone, &run.together].map(|series| series.samples(place));
            let samples = place.into_iter().flat_map(of_place).flatten();
            checksums.extend(samples.map(|sample| sample.checksum));
            if let Some(of_run) = Times::of(run.alone.seconds(place)) {
                times.insert(run.emulator.name, of_run);
            }
        }
        let together = Together::of(runs, place);
        let quotient = |one: &str, other: &str, value: fn(&Times) -> f64| {
            let (one, other) = (value(times.get(one)?), value(times.get(other)?));
            (other > 0.0).then(|| one / other)
        };
        let ratio = |one, other| quotient(one, other, |times| times.median_seconds);
        let least = |one, other| quotient(one, other, |times| times.least_seconds);
        let result = RowResult {
            name: row.name,
            summary: row.summary,
            unit: row.unit,
            iterations,
            checksum: checksums.first().map(|checksum| format!("{checksum:016x}")),
            native_by_qemu: ratio(NATIVE, QEMU_NAME).map(|ratio| Ratio::new(ratio, row.target)),
            accelerated_by_qemu: ratio(ACCELERATED, QEMU_NAME),
            least_native_by_qemu: least(NATIVE, QEMU_NAME),
            accelerated_by_native: together
                .as_ref()
                .and_then(Together::median)
                .map(|ratio| Ratio::new(ratio, VISOR_TARGET)),
            together,
            peer_by_qemu: row.peer,
            times,
        };
        (result, checksums.len() <= 1)
    }
}

impl Default for Means {
    fn default() -> Means {
        Means::of(&[])
    }
}

impl Means {
    fn of(rows: &[RowResult]) -> Means {
        let mean = |value: &dyn Fn(&RowResult) -> Option<f64>| geometric_mean(rows.iter().filter_map(value));
        let native = |row: &RowResult| row.native_by_qemu.map(|ratio| ratio.ratio);
        let peer = mean(&|row| native(row).and(row.peer_by_qemu));
        let native_beside_peer = mean(&|row| row.peer_by_qemu.and(native(row)));
        Means {
            native_by_qemu: mean(&native).map(|ratio| Ratio::new(ratio, MEAN_TARGET)),
            accelerated_by_qemu: mean(&|row| row.accelerated_by_qemu),
            accelerated_by_native: mean(&|row| row.accelerated_by_native.map(|ratio| ratio.ratio)),
            least_native_by_qemu: mean(&|row| row.least_native_by_qemu),
            peer_by_qemu: peer.zip(native_beside_peer).map(|(peer, native)| Ratio::new(native, peer)),
        }
    }
}

impl Host {
    /// This host, now: before the run.
    pub fn now() -> Host {
        let words: Vec<String> = std::env::args().collect();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let load_before = std::fs::read_to_string("/proc/loadavg")
            .ok()
            .and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
        Host {
            command: words.join(" "),
            processor: processor(&std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
            processors,
            load_before,
            is_busy: load_before.is_some_and(|load| load > BUSY_LOAD * processors as f64),
        }
    }
}

/// The line `model name` of /proc/cpuinfo, or the architecture.
fn processor(text: &str) -> String {
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim().to_string());
    name.unwrap_or_else(|| std::env::consts::ARCH.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use super::super::emulator::Emulator;
    use super::super::matrix::Series;
    use super::super::measure::{Boot, Sample};
    use super::super::row::{Order, ROWS, order};
    use super::super::{page, table};
    use super::*;

    fn boot(milliseconds: u64, checksum: Option<u64>) -> Boot {
        let time = Duration::from_millis(milliseconds);
        let samples = checksum.map(|checksum| Sample { time, checksum }).into_iter().collect();
        Boot { samples, total: time, peak_memory_bytes: Some(milliseconds << 20) }
    }

    fn host(load: f64) -> Host {
        Host {
            command: "visa".into(),
            processor: "P".into(),
            processors: 2,
            load_before: Some(load),
            is_busy: load > 1.0,
        }
    }

    /// QEMU takes 1 s for each row, native 300, 400 and 900 ms, accelerated 410 ms, and both beside each other 100 ms more, where
    /// accelerated has three repetitions, too; the row is the fourth, "integer".
    fn report(checksum: u64) -> Report {
        let mut kernel = tempfile::NamedTempFile::new().unwrap();
        kernel.write_all(b"Linux version 6.12.1 (gcc)").unwrap();
        let orders: Vec<Order> = [&ROWS[0], &ROWS[3]].into_iter().map(|row| order(row, false)).collect();
        let ours = |name: &str| Emulator::visa(name, "visa".into(), None).unwrap();
        let emulators = vec![Emulator::qemu_at("/no/such/qemu".into()), ours(NATIVE), ours(ACCELERATED)];
        let matrix = Matrix { kernel: kernel.path().into(), emulators: emulators.clone(), orders, repeat: 3 };
        let times: [&[u64]; 3] = [&[1000], &[400, 900, 300], &[410]];
        let series = |times: &[u64]| Series {
            workloads: times.iter().map(|time| boot(*time, Some(7))).collect(),
            boots: times.iter().map(|time| boot(*time, None)).collect(),
        };
        let run = |(emulator, times): (Emulator, &[u64])| {
            let together: &[u64] = match emulator.name {
                NATIVE => &[500, 1000, 400],
                ACCELERATED => &[510, 1100, 400],
                _ => &[],
            };
            Run { emulator, alone: series(times), together: series(together), failure: None }
        };
        let mut runs: Vec<Run> = emulators.into_iter().zip(times).map(run).collect();
        runs[2].alone.workloads[0].samples[0].checksum = checksum;
        Report::new(&matrix, &runs, host(0.1), false).unwrap()
    }

    #[test]
    fn ratios_are_of_medians_and_know_their_targets() {
        let report = report(7);
        assert!(report.is_sound());
        let integer = &report.rows[1];
        assert_eq!(integer.name, "integer");
        assert_eq!(integer.times[NATIVE].median_seconds, 0.4);
        assert_eq!(integer.times[NATIVE].least_seconds, 0.3);
        assert_eq!(integer.least_native_by_qemu, Some(0.3));
        assert!((integer.times[NATIVE].spread - 1.5).abs() < 1e-9);
        assert_eq!(integer.native_by_qemu, Some(Ratio { ratio: 0.4, target: 0.5, is_met: true }));
        assert_eq!(
            integer.accelerated_by_native,
            Some(Ratio { ratio: 0.51 / 0.5, target: 1.05, is_met: true })
        );
        assert_eq!(integer.together.as_ref().unwrap().ratios, [1.0, 1.1]);
        let mean = report.geometric_mean.native_by_qemu.unwrap();
        assert!((mean.ratio - 0.4).abs() < 1e-12 && mean.is_met);
        // RVVM's 0.57 and 0.55.
        let peer = report.geometric_mean.peer_by_qemu.unwrap();
        assert!((peer.target - (0.57f64 * 0.55).sqrt()).abs() < 1e-12 && peer.is_met);
        assert_eq!(report.emulators[1].peak_memory_bytes, Some(1000 << 20));
    }

    #[test]
    fn another_checksum_is_a_finding() {
        let report = report(8);
        assert_eq!((report.disagreements.as_slice(), report.is_sound()), (&["integer"][..], false));
        assert!(table::render(&report).contains("integer: the checksums DIFFER"));
        assert!(page::render(&report).unwrap().contains("did not all find the same in: integer"));
    }

    #[test]
    fn the_json_object_has_what_readers_expect() {
        let object = serde_json::to_value(report(7)).unwrap();
        let row = &object["rows"][1];
        assert_eq!(row["name"], "integer");
        assert_eq!(row["checksum"], "0000000000000007");
        assert_eq!(row["times"]["native"]["seconds"], serde_json::json!([0.4, 0.9, 0.3]));
        assert_eq!(row["together"]["accelerated_seconds"], serde_json::json!([0.51, 1.1, 0.4]));
        assert_eq!(row["native_by_qemu"], serde_json::json!({"ratio": 0.4, "target": 0.5, "is_met": true}));
        assert_eq!(object["rows"][0]["checksum"], serde_json::Value::Null);
        assert_eq!(object["versions"]["kernel"], "Linux version 6.12.1");
        assert_eq!(object["emulators"][0]["name"], "qemu");
        assert!(object["emulators"][1]["command"].as_str().unwrap().contains("--engine jit"));
        assert_eq!(object["geometric_mean"]["native_by_qemu"]["target"], 0.5);
    }

    #[test]
    fn table_and_page_show_every_row() {
        let report = report(7);
        let (text, html) = (table::render(&report), page::render(&report).unwrap());
        assert!(text.contains("integer") && text.contains("boot") && text.contains("0.400"), "{text}");
        assert!(html.contains("<svg") && html.contains("--series-1"), "{html}");
    }

    #[test]
    fn a_missing_column_leaves_its_ratios_out() {
        let row = RowResult::new(&ROWS[1], 5, &[], Some(0)).0;
        assert_eq!((row.native_by_qemu, row.accelerated_by_native, row.checksum), (None, None, None));
        // Accelerated came to nothing in the first repetition, before this row.
        let unfinished = Series { workloads: vec![boot(5, Some(7))], boots: Vec::new() };
        assert_eq!((unfinished.seconds(Some(0)), unfinished.seconds(Some(1))), (vec![0.005], vec![]));
        assert_eq!(Times::of(vec![]), None);
        assert_eq!(Times::of(vec![1.0, 3.0]).unwrap().median_seconds, 2.0);
    }
}
