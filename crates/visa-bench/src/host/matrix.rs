//! All emulators and all rows, as often as asked; one process at a time. Repetitions are the outer loop, and within one each
//! emulator does a few rows, then the next one the same: so what else the host does falls on all of them alike.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use super::child;
use super::emulator::Emulator;
use super::measure::{self, Boot, MeasureError, Plan};
use super::row::{BOOT, Order};

/// Rows that an emulator does in one run. Each run boots the kernel.
const ROWS_TOGETHER: usize = 4;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The kernel.
    pub kernel: PathBuf,
    /// The columns.
    pub emulators: Vec<Emulator>,
    /// The rows; the boot is measured in runs of its own.
    pub orders: Vec<Order>,
    /// How often.
    pub repeat: u32,
}

/// An emulator, and what came of it.
pub struct Run {
    /// The emulator.
    pub emulator: Emulator,
    /// All workloads for each repetition, as if of one run.
    pub workloads: Vec<Boot>,
    /// A boot without any for each repetition.
    pub boots: Vec<Boot>,
    /// Why it is left out from some repetition on.
    pub failure: Option<String>,
}

impl Matrix {
    /// The orders of /init, in order.
    pub fn workloads(&self) -> Vec<Order> {
        self.orders.iter().filter(|order| order.row.name != BOOT).copied().collect()
    }

    /// Whether the boot is one of the rows.
    pub fn has_boot(&self) -> bool {
        self.orders.iter().any(|order| order.row.name == BOOT)
    }

    /// Runs everything, with progress on standard error if that is a terminal.
    pub fn run(&self) -> Result<Vec<Run>, MeasureError> {
        let host = |source| MeasureError::Host { emulator: "the host", source };
        let processor = child::choose_processor().map_err(host)?;
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        let new = |emulator: &Emulator| Run {
            emulator: emulator.clone(),
            workloads: Vec::new(),
            boots: Vec::new(),
            failure: None,
        };
        let mut runs: Vec<Run> = self.emulators.iter().map(new).collect();
        let workloads = self.workloads();
        for repetition in 1..=self.repeat {
            let boot = self.has_boot().then_some(&[][..]);
            for orders in boot.into_iter().chain(workloads.chunks(ROWS_TOGETHER)) {
                for run in runs.iter_mut().filter(|run| run.failure.is_none()) {
                    let name = run.emulator.name;
                    let mut progress = |doing: &'static str| {
                        bar.set_message(format!("{repetition} of {}: {name}, {doing}", self.repeat));
                        bar.tick();
                    };
                    let plan = Plan { kernel: &self.kernel, orders, processor };
                    match measure::boot(&run.emulator, &plan, &mut progress) {
                        Ok(boot) => run.enter(boot, repetition as usize),
                        Err(error) => run.fail(error, workloads.len()),
                    }
                }
            }
        }
        bar.finish_and_clear();
        Ok(runs)
    }
}

impl Run {
    /// Enters what was measured in a repetition (from 1): the boot, or some of the rows.
    fn enter(&mut self, boot: Boot, repetition: usize) {
        match self.workloads.get_mut(repetition - 1) {
            _ if boot.samples.is_empty() => self.boots.push(boot),
            None => self.workloads.push(boot),
            Some(whole) => {
                whole.samples.extend(boot.samples);
                whole.total += boot.total;
                whole.peak_memory_bytes = whole.peak_memory_bytes.max(boot.peak_memory_bytes);
            }
        }
    }

    /// Leaves the emulator out from here on, and what it has not measured to the end.
    fn fail(&mut self, error: MeasureError, rows: usize) {
        self.failure = Some(error.to_string());
        self.workloads.retain(|whole| whole.samples.len() == rows);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::measure::Sample;

    fn boot(rows: usize) -> Boot {
        let sample = Sample { time: Duration::from_secs(1), checksum: 7 };
        Boot {
            samples: vec![sample; rows],
            total: Duration::from_secs(2),
            peak_memory_bytes: Some(rows as u64),
        }
    }

    #[test]
    fn parts_of_a_repetition_become_one_and_unfinished_ones_are_dropped() {
        let emulator = Emulator::qemu_at("/no/such/qemu".into());
        let mut run = Run { emulator, workloads: Vec::new(), boots: Vec::new(), failure: None };
        for (rows, repetition) in [(0, 1), (4, 1), (2, 1), (0, 2), (4, 2)] {
            run.enter(boot(rows), repetition);
        }
        assert_eq!(run.boots.len(), 2);
        let whole: Vec<_> = run.workloads.iter().map(|whole| (whole.samples.len(), whole.total)).collect();
        assert_eq!(whole, [(6, Duration::from_secs(4)), (4, Duration::from_secs(2))]);
        assert_eq!(run.workloads[0].peak_memory_bytes, Some(4));
        run.fail(MeasureError::Host { emulator: "any", source: std::io::ErrorKind::Other.into() }, 6);
        assert_eq!(run.workloads.len(), 1);
        assert!(run.failure.is_some());
    }
}
