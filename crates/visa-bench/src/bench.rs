//! The matrix: each variant in a machine of its own, at most two at a time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use visa_cycles::{ParameterError, Parameters, Preset};
use visa_machine::boot::{Image, Mode};

use crate::measure::{self, MeasureError, Plan, Sample};
use crate::micro::{self, Event, MicroError};
use crate::sensitivity::{self, Conclusion};
use crate::variant::{self, Variant};
use crate::visor_exits::{self, VisorExit};
use crate::workload::{Order, Workload};
use crate::workload_sensitivity::{self, Again, RUN_AGAIN, Spending};

/// Machines at a time.
const THREADS_MAX: usize = 2;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The kernel.
    pub kernel: PathBuf,
    /// visor.
    pub visor: Image,
    /// The cycle model, if there is to be one.
    pub cycles: Option<Cycles>,
    /// The columns.
    pub variants: Vec<Variant>,
    /// The rows.
    pub orders: Vec<Order>,
    /// Whether the modes run again with other sizes of the cycle model's TLBs and caches.
    pub runs_again: bool,
}

/// A machine to run.
struct Job {
    variant: Variant,
    /// What distinguishes it from others with the same variant, for the eye.
    label: String,
    parameters: Option<Parameters>,
    orders: Vec<Order>,
}

/// A cycle model's parameters, and where they are from.
#[derive(Clone, Debug)]
pub struct Cycles {
    /// The preset that they began with.
    pub preset: Preset,
    /// The parameters.
    pub parameters: Parameters,
}

impl Cycles {
    /// The preset's name, and what differs from it.
    pub fn describe(&self) -> Vec<String> {
        let mut words = vec![format!("preset {}", self.preset.name())];
        words.extend(self.parameters.differences(self.preset));
        words
    }
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// There is no kernel.
    #[error("there is no kernel at {}: \"cargo xtask fetch-debian\" gets Debian's, or give one with --kernel", .0.display())]
    NoKernel(PathBuf),
    /// The modules for the disk are not beside the kernel.
    #[error(
        "the workload {workload} needs {}, which is not there: \"cargo xtask fetch-debian\" makes it",
        path.display()
    )]
    NoModules {
        /// A workload that needs them.
        workload: &'static str,
        /// Where they should be.
        path: PathBuf,
    },
    /// A file was replaced while the machines were made from it, so the rows are not all of the same.
    #[error("{} has changed during the run: the results are of no use", .0.display())]
    Changed(PathBuf),
    /// A size of the cycle model's cannot be halved or doubled.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A variant, and what came of it.
pub struct Run {
    /// The variant.
    pub variant: Variant,
    /// Its rows, or why there are none.
    pub outcome: Result<Vec<Sample>, MeasureError>,
    /// Host time from reset to power-off.
    pub host_time: Duration,
}

/// What runs spent, by variant and workload; nothing of those that failed.
pub fn spending(runs: &[Run]) -> Spending {
    let mut all = Spending::new();
    for run in runs {
        for sample in run.outcome.iter().flatten() {
            if let Some(modelled) = &sample.counts.modelled {
                all.insert((run.variant.name, sample.workload), modelled.spent);
            }
        }
    }
    all
}

/// Events of a variant.
pub type Events = BTreeMap<&'static str, Vec<Event>>;

/// How often a workload runs.
pub fn order(workload: &'static Workload, quick: bool, iterations: Option<u64>) -> Order {
    let usual = if quick { workload.iterations_quick } else { workload.iterations };
    Order { workload, iterations: iterations.unwrap_or(usual) }
}

impl Bench {
    /// What single events cost, in the variants of V-ISA's own modes that the program for it runs on.
    pub fn events(&self) -> Result<Events, MicroError> {
        let variants = self
            .variants
            .iter()
            .filter(|variant| variant.mode == Mode::Accelerated && micro::runs_without(variant.without));
        let parameters = self.cycles.as_ref().map(|cycles| &cycles.parameters);
        variants.map(|variant| Ok((variant.name, micro::run(variant.features(), parameters)?))).collect()
    }

    /// What visor spends on each kind of exit.
    pub fn visor_exits(&self) -> Result<Vec<VisorExit>, MicroError> {
        visor_exits::run(&self.visor)
    }

    /// The same on a machine without decode assist; nothing if visor does not make up for that here.
    pub fn visor_exits_decoding(&self) -> Vec<VisorExit> {
        visor_exits::run_decoding(&self.visor).unwrap_or_default()
    }

    /// How far the conclusions depend on the cycle model's parameters.
    pub fn sensitivity(&self) -> Result<Vec<Conclusion>, MicroError> {
        self.cycles.as_ref().map_or(Ok(Vec::new()), |cycles| sensitivity::run(&cycles.parameters))
    }

    /// Runs everything, with progress on standard error if that is a terminal.
    pub fn run(&self) -> Result<Vec<Run>, BenchError> {
        let job = |variant: &Variant| Job {
            variant: *variant,
            label: variant.name.into(),
            parameters: self.cycles.as_ref().map(|cycles| cycles.parameters.clone()),
            orders: self.orders.clone(),
        };
        self.run_jobs(&self.variants.iter().map(job).collect::<Vec<_>>())
    }

    /// Runs the modes again, in little, with other sizes of the cycle model's structures; nothing if that is not wanted, or
    /// there is no model. What fails is left out.
    pub fn run_again(&self) -> Result<Vec<Again>, BenchError> {
        let Some(cycles) = self.cycles.as_ref().filter(|_| self.runs_again) else { return Ok(Vec::new()) };
        let sizes = workload_sensitivity::sizes(&cycles.parameters)?;
        let variants: Vec<Variant> =
            variant::all().into_iter().filter(|variant| RUN_AGAIN.contains(&variant.name)).collect();
        let little = |order: &Order| Order {
            iterations: order.iterations.min(order.workload.iterations_quick),
            ..*order
        };
        let orders: Vec<Order> = self.orders.iter().map(little).collect();
        let mut jobs = Vec::new();
        for (change, parameters) in &sizes {
            jobs.extend(variants.iter().map(|variant| Job {
                variant: *variant,
                label: format!("{}, {change}", variant.name),
                parameters: Some(parameters.clone()),
                orders: orders.clone(),
            }));
        }
        let runs = self.run_jobs(&jobs)?;
        let of_change = runs.chunks(variants.len());
        Ok(sizes
            .into_iter()
            .zip(of_change)
            .map(|((change, _), runs)| Again { change, spending: spending(runs) })
            .collect())
    }

    /// Runs machines, [`THREADS_MAX`] at a time; the runs are in the order of the jobs.
    fn run_jobs(&self, jobs: &[Job]) -> Result<Vec<Run>, BenchError> {
        let modules = self.modules()?;
        let before = self.checksums()?;
        let bars = MultiProgress::new();
        let next = AtomicUsize::new(0);
        let runs = Mutex::new(BTreeMap::new());
        let worker = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(index) else { break };
                let run = self.run_job(job, modules.clone(), &bars);
                runs.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(index, run);
            }
        };
        let available = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            (0..available.clamp(1, THREADS_MAX)).for_each(|_| drop(scope.spawn(worker)));
        });
        let after = self.checksums()?;
        if let Some(((path, _), _)) = before.iter().zip(&after).find(|(before, after)| before != after) {
            return Err(BenchError::Changed(path.clone()));
        }
        let runs = runs.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        Ok(runs.into_values().collect())
    }

    /// The files that each machine reads anew, and their CRC-32.
    fn checksums(&self) -> Result<Vec<(PathBuf, u32)>, BenchError> {
        let visor = match &self.visor {
            Image::File(path) => Some(path),
            Image::Bytes(..) => None,
        };
        let checksum = |path: &PathBuf| match std::fs::read(path) {
            Ok(bytes) => Ok((path.clone(), crc32fast::hash(&bytes))),
            Err(source) => Err(BenchError::Read { path: path.clone(), source }),
        };
        std::iter::once(&self.kernel).chain(visor).map(checksum).collect()
    }

    fn run_job(&self, job: &Job, modules: Option<Vec<u8>>, bars: &MultiProgress) -> Run {
        let variant = job.variant;
        let bar = bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{prefix:>36} {spinner} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(job.label.clone());
        let plan = Plan {
            mode: variant.mode,
            features: variant.features(),
            parameters: job.parameters.clone(),
            kernel: self.kernel.clone(),
            visor: self.visor.clone(),
            modules,
            orders: job.orders.clone(),
        };
        let started = Instant::now();
        let outcome = measure::run(&plan, &mut |doing, instructions| {
            let speed = instructions as f64 / 1e6 / started.elapsed().as_secs_f64().max(1e-3);
            bar.set_message(format!(
                "{doing:<16} {:>8} M instructions, {speed:.0} M/s",
                instructions / 1_000_000
            ));
            bar.tick();
        });
        let host_time = started.elapsed();
        let said = if outcome.is_ok() { "done" } else { "failed" };
        bar.finish_with_message(format!("{said} in {:.1} s", host_time.as_secs_f64()));
        Run { variant, outcome, host_time }
    }

    /// The archive of modules that lies beside the kernel, if a workload needs it.
    fn modules(&self) -> Result<Option<Vec<u8>>, BenchError> {
        if !self.kernel.is_file() {
            return Err(BenchError::NoKernel(self.kernel.clone()));
        }
        let Some(order) = self.orders.iter().find(|order| order.workload.needs_disk) else { return Ok(None) };
        let path = self.kernel.parent().unwrap_or(Path::new("")).join("modules.cpio.gz");
        if !path.is_file() {
            return Err(BenchError::NoModules { workload: order.workload.name, path });
        }
        std::fs::read(&path).map(Some).map_err(|source| BenchError::Read { path, source })
    }
}
