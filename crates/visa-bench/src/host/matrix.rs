//! All emulators and all rows, as often as asked. Repetitions are the outer loop, and within one each emulator does a few
//! rows alone, then the next one the same: so what else the host does falls on all of them alike.
//!
//! Between native and accelerated a few parts in a hundred count, which is less than what a host that others use changes
//! within seconds. So these two then do the same rows at the same time on the one processor, which the host gives to
//! one and the other in turn, every few milliseconds: whatever slows one of them slows both.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use super::child;
use super::emulator::{ACCELERATED, Emulator, NATIVE};
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
    /// With the processor for itself.
    pub alone: Series,
    /// Beside the other of native and accelerated.
    pub together: Series,
    /// Why it is left out from some repetition on.
    pub failure: Option<String>,
}

/// What an emulator took, by repetition.
#[derive(Debug, Default)]
pub struct Series {
    /// All workloads, as if of one run.
    pub workloads: Vec<Boot>,
    /// A boot without any.
    pub boots: Vec<Boot>,
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
        let mut runs: Vec<Run> = self.emulators.iter().map(Run::of).collect();
        let workloads = self.workloads();
        for repetition in 1..=self.repeat {
            let boot = self.has_boot().then_some(&[][..]);
            for orders in boot.into_iter().chain(workloads.chunks(ROWS_TOGETHER)) {
                let plan = Plan { kernel: &self.kernel, orders, processor };
                let say = |name: &str, doing: &str| {
                    bar.set_message(format!("{repetition} of {}: {name}, {doing}", self.repeat));
                    bar.tick();
                };
                for run in runs.iter_mut().filter(|run| run.failure.is_none()) {
                    let result =
                        measure::boot(&run.emulator, &plan, &mut |doing| say(run.emulator.name, doing));
                    run.take(result, repetition as usize, workloads.len(), |run| &mut run.alone);
                }
                for orders in one_by_one(orders) {
                    let [Some(native), Some(accelerated)] = pair(&mut runs) else { break };
                    say(NATIVE, "beside accelerated");
                    let plan = Plan { orders, ..plan };
                    let results = together([&native.emulator, &accelerated.emulator], &plan);
                    for (run, result) in [native, accelerated].into_iter().zip(results) {
                        run.take(result, repetition as usize, workloads.len(), |run| &mut run.together);
                    }
                }
            }
        }
        bar.finish_and_clear();
        Ok(runs)
    }
}

/// Each order for itself, so that two emulators begin it at the same time; the boot, if there is none.
fn one_by_one(orders: &[Order]) -> impl Iterator<Item = &[Order]> {
    let boot = orders.is_empty().then_some(orders);
    boot.into_iter().chain(orders.chunks(1))
}

/// Native and accelerated, as far as they are to be measured.
fn pair(runs: &mut [Run]) -> [Option<&mut Run>; 2] {
    let mut found = [None, None];
    for run in runs.iter_mut().filter(|run| run.failure.is_none()) {
        match run.emulator.name {
            NATIVE => found[0] = Some(run),
            ACCELERATED => found[1] = Some(run),
            _ => {}
        }
    }
    found
}

/// Boots two emulators at the same time.
fn together(emulators: [&Emulator; 2], plan: &Plan<'_>) -> [Result<Boot, MeasureError>; 2] {
    std::thread::scope(|scope| {
        let started = emulators.map(|emulator| {
            let boot = move || measure::boot(emulator, plan, &mut |_| {});
            (emulator.name, scope.spawn(boot))
        });
        started.map(|(emulator, thread)| {
            let panicked = |_| Err(MeasureError::Host { emulator, source: std::io::ErrorKind::Other.into() });
            thread.join().unwrap_or_else(panicked)
        })
    })
}

impl Run {
    fn of(emulator: &Emulator) -> Run {
        let emulator = emulator.clone();
        Run { emulator, alone: Series::default(), together: Series::default(), failure: None }
    }

    /// Enters what was measured in a repetition (from 1) into one of the series. If there is nothing, the emulator is left out
    /// from here on, and so is what it has not measured to the end.
    fn take(
        &mut self,
        result: Result<Boot, MeasureError>,
        repetition: usize,
        rows: usize,
        series: fn(&mut Run) -> &mut Series,
    ) {
        match result {
            Ok(boot) => series(self).enter(boot, repetition),
            Err(error) => {
                self.failure = Some(error.to_string());
                for series in [&mut self.alone, &mut self.together] {
                    series.workloads.retain(|whole| whole.samples.len() == rows);
                }
            }
        }
    }
}

impl Series {
    /// Enters what was measured in a repetition: the boot, or some of the rows.
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
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::measure::Sample;
    use crate::host::row::{ROWS, order};

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
        let mut run = Run::of(&Emulator::qemu_at("/no/such/qemu".into()));
        for (rows, repetition) in [(0, 1), (4, 1), (2, 1), (0, 2), (4, 2)] {
            run.take(Ok(boot(rows)), repetition, 6, |run| &mut run.alone);
        }
        assert_eq!(run.alone.boots.len(), 2);
        let whole: Vec<_> =
            run.alone.workloads.iter().map(|whole| (whole.samples.len(), whole.total)).collect();
        assert_eq!(whole, [(6, Duration::from_secs(4)), (4, Duration::from_secs(2))]);
        assert_eq!(run.alone.workloads[0].peak_memory_bytes, Some(4));
        let error = MeasureError::Host { emulator: "any", source: std::io::ErrorKind::Other.into() };
        run.take(Err(error), 2, 6, |run| &mut run.together);
        assert_eq!(run.alone.workloads.len(), 1);
        assert!(run.failure.is_some());
    }

    #[test]
    fn rows_are_begun_together_and_the_boot_is_one_of_them() {
        let rows = [&ROWS[1], &ROWS[2], &ROWS[3]].map(|row| order(row, true));
        let lengths = |orders| one_by_one(orders).map(<[Order]>::len).collect::<Vec<_>>();
        assert_eq!((lengths(&rows), lengths(&[])), (vec![1, 1, 1], vec![0]));
    }

    #[test]
    fn a_pair_is_of_native_and_accelerated_that_still_run() {
        let ours = |name| Run::of(&Emulator::visa(name, "visa".into(), None).unwrap());
        let mut runs = [ours(ACCELERATED), Run::of(&Emulator::qemu_at("/no/such/qemu".into())), ours(NATIVE)];
        let names = pair(&mut runs).map(|run| run.map(|run| run.emulator.name));
        assert_eq!(names, [Some(NATIVE), Some(ACCELERATED)]);
        runs[0].failure = Some("it ended".into());
        assert!(pair(&mut runs)[1].is_none());
    }
}
