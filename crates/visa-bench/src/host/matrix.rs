//! All emulators and all rows, as often as asked. Repetitions are the outer loop, so that what else the host does
//! falls on all emulators alike; one process at a time.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use super::child;
use super::emulator::Emulator;
use super::measure::{self, Boot, MeasureError, Plan};
use super::row::{BOOT, Order};

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
    /// A boot with all workloads for each repetition.
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
            for run in runs.iter_mut().filter(|run| run.failure.is_none()) {
                let name = run.emulator.name;
                let mut progress = |doing: &'static str| {
                    bar.set_message(format!("{repetition} of {}: {name}, {doing}", self.repeat));
                    bar.tick();
                };
                let outcome = self.repetition(run, &workloads, processor, &mut progress);
                run.failure = outcome.err().map(|error| error.to_string());
            }
        }
        bar.finish_and_clear();
        Ok(runs)
    }

    fn repetition(
        &self,
        run: &mut Run,
        workloads: &[Order],
        processor: usize,
        progress: &mut dyn FnMut(&'static str),
    ) -> Result<(), MeasureError> {
        let plan = Plan { kernel: &self.kernel, orders: &[], processor };
        if self.has_boot() {
            run.boots.push(measure::boot(&run.emulator, &plan, progress)?);
        }
        if !workloads.is_empty() {
            run.workloads.push(measure::boot(&run.emulator, &Plan { orders: workloads, ..plan }, progress)?);
        }
        Ok(())
    }
}
