//! One machine from reset to power-off, with the counts of each workload on the way.
//!
//! The host watches three functions of the workloads' program ([`Markers`]): when Ring 3 is about to execute their
//! first instruction, the counts are taken. So a measured workload is what the guest did between two instructions of
//! its own, exactly, and nothing is added to it.

use std::path::PathBuf;
use std::time::Instant;

use visa_cycles::{ParameterError, Parameters};
use visa_embed::{
    BootError, Disk, DiskAccess, End, Features, Image, Instance, Kernel, MachineOptions, Mode, RunOutcome,
};
use visa_isa::Ring;
use visa_machine::machine::Machine;

use crate::archive::{self, ArchiveError, Markers};
use crate::counts::Counts;
use crate::software_exits::SoftwareExits;
use crate::workload::{BOOT, Order, kernel_parameter};

/// Memory that the kernel is told of.
const MEMORY_BYTES: u64 = 256 << 20;

/// What the disk holds, as `guest/workloads/device.c` expects.
const DISK_BYTES: usize = 16 << 20;

/// Every run starts at the same moment, and from the same seed.
const START_TIME_NS: u64 = 1_700_000_000_000_000_000;
const SEED: u64 = 1;

/// The kernel's command line, before the orders. The self-tests of the kernel's ciphers would run beside the first
/// workloads.
const COMMAND_LINE: &str = "console=ttyS0 quiet panic=-1 cryptomgr.notests";

/// Instructions after which progress is shown.
const CHUNK: u64 = 50_000_000;

/// The same while every trap is recorded.
const CHUNK_WATCHED: u64 = 2_000_000;

/// A guest that has not switched itself off by then never will.
const INSTRUCTIONS_MAX: u64 = 500_000_000_000;

/// How much of what the guest printed is kept for messages.
const CONSOLE_BYTES: usize = 4 << 10;

/// A0 and A1 of the ABI.
const A0: usize = 10;
const A1: usize = 11;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How the kernel runs.
    pub mode: Mode,
    /// What the machine has.
    pub features: Features,
    /// What cycles are modelled by, if they are.
    pub parameters: Option<Parameters>,
    /// The kernel.
    pub kernel: PathBuf,
    /// visor.
    pub visor: Image,
    /// An archive with the modules for the disk.
    pub modules: Option<Vec<u8>>,
    /// What to do.
    pub orders: Vec<Order>,
}

/// One workload, measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The workload's name, or [`BOOT`].
    pub workload: &'static str,
    /// Iterations.
    pub iterations: u64,
    /// What the workload found; nothing for the boot.
    pub checksum: Option<u64>,
    /// Counts between begin and end.
    pub counts: Counts,
    /// Host time, in seconds.
    pub host_seconds: f64,
}

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// Our archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The machine.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The cycle model.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// The guest did not do what it was to do.
    #[error("{mode}, {workload}: {what}; the guest printed last:\n{console}")]
    Guest {
        /// The mode.
        mode: &'static str,
        /// What it was doing.
        workload: &'static str,
        /// What happened.
        what: String,
        /// The last that it printed.
        console: String,
    },
}

/// Runs a plan. `progress` is told the name of what the guest is doing, and the instructions so far.
pub fn run(plan: &Plan, progress: &mut dyn FnMut(&'static str, u64)) -> Result<Vec<Sample>, MeasureError> {
    let mut console = Tail::default();
    let mut instance = boot(plan)?;
    let mut watch = Watch::new(archive::markers()?, &plan.orders);
    let mut chunk = CHUNK;
    if plan.mode == Mode::Software {
        watch.software = SoftwareExits::watch(instance.machine_mut());
        chunk = CHUNK_WATCHED;
    }
    instance.breakpoints_mut().extend([watch.markers.ready, watch.markers.begin, watch.markers.end]);
    loop {
        let ran = instance.run(chunk);
        console.keep(&instance.take_console());
        let machine = instance.machine_mut();
        watch.software.look(machine);
        let failed = |watch: &Watch<'_>, what: String| MeasureError::Guest {
            mode: plan.mode.name(),
            workload: watch.doing(),
            what,
            console: console.text(),
        };
        match ran {
            RunOutcome::Limit | RunOutcome::ConsoleFull => progress(watch.doing(), machine.instructions()),
            RunOutcome::Breakpoint { hart } => watch.at_breakpoint(machine, hart),
            RunOutcome::Ended(End::Finished(0)) => break,
            RunOutcome::Ended(end) => return Err(failed(&watch, format!("it ended with {end:?}"))),
            RunOutcome::Waits { .. } => return Err(failed(&watch, "it waits for what never comes".into())),
            RunOutcome::EnginesDiffer(_) => return Err(failed(&watch, "the engines differ".into())),
        }
        if machine.instructions() > INSTRUCTIONS_MAX {
            return Err(failed(&watch, format!("it did not end within {INSTRUCTIONS_MAX} instructions")));
        }
    }
    if watch.samples.len() != plan.orders.len() + 1 {
        return Err(MeasureError::Guest {
            mode: plan.mode.name(),
            workload: watch.doing(),
            what: "it ended before it had done everything".into(),
            console: console.text(),
        });
    }
    Ok(watch.samples)
}

fn boot(plan: &Plan) -> Result<Instance, MeasureError> {
    let needs_disk = plan.orders.iter().any(|order| order.workload.needs_disk);
    let disk = || Disk::in_memory("bench", disk_contents(), DiskAccess::ReadWrite);
    let options = MachineOptions {
        memory_bytes: MEMORY_BYTES,
        features: plan.features,
        start_time_ns: START_TIME_NS,
        seed: SEED,
        disks: needs_disk.then(disk).into_iter().collect(),
        ..MachineOptions::default()
    };
    let initramfs = archive::initramfs(plan.modules.as_deref().filter(|_| needs_disk));
    let mut instance = options.kernel(Kernel {
        initrd: Some(Image::Bytes("initramfs".into(), initramfs.into())),
        append: format!("{COMMAND_LINE} {}", kernel_parameter(&plan.orders)),
        ..Kernel::new(plan.mode, Image::File(plan.kernel.clone()), plan.visor.clone())
    })?;
    if let Some(parameters) = &plan.parameters {
        instance.machine_mut().model_cycles(parameters)?;
    }
    Ok(instance)
}

/// A disk on which no two sectors are alike.
fn disk_contents() -> Vec<u8> {
    (0..DISK_BYTES as u64 / 8)
        .flat_map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .collect()
}

/// What the markers have shown so far.
struct Watch<'a> {
    markers: Markers,
    orders: &'a [Order],
    samples: Vec<Sample>,
    software: SoftwareExits,
    begun: Option<(Counts, Instant)>,
    started: Instant,
}

impl<'a> Watch<'a> {
    fn new(markers: Markers, orders: &'a [Order]) -> Self {
        Watch {
            markers,
            orders,
            samples: Vec::new(),
            software: SoftwareExits::default(),
            begun: None,
            started: Instant::now(),
        }
    }

    /// What the guest is doing. Between two workloads: what comes next.
    fn doing(&self) -> &'static str {
        match self.samples.len().checked_sub(1) {
            None => BOOT,
            Some(index) => self.orders.get(index).map_or("power-off", |order| order.workload.name),
        }
    }

    /// Takes the counts if a marker is about to be executed, and goes past it.
    fn at_breakpoint(&mut self, machine: &mut Machine, hart: usize) {
        let (ring, bank) = (machine.harts[hart].state.ring, &machine.harts[hart].state.bank);
        let (pc, index, checksum) = (bank.pc, bank.r[A0], bank.r[A1]);
        let mut counts = Counts::of(machine);
        self.software.add_to(&mut counts);
        let (step, _) = machine.step(hart);
        // A trap that came first leads back to the marker.
        if ring == Ring::User && step.bits.is_some() {
            self.marker(pc, index, checksum, counts);
        }
    }

    fn marker(&mut self, pc: u64, index: u64, checksum: u64, counts: Counts) {
        let expected = self.samples.len().checked_sub(1);
        if pc == self.markers.ready && expected.is_none() {
            let host_seconds = self.started.elapsed().as_secs_f64();
            self.samples.push(Sample { workload: BOOT, iterations: 1, checksum: None, counts, host_seconds });
        } else if expected != Some(index as usize) {
            // Not one of ours: the addresses are free for any program of the guest's.
        } else if pc == self.markers.begin {
            self.begun = Some((counts, Instant::now()));
        } else if let (Some((begun, since)), Some(order)) =
            (self.begun.take(), self.orders.get(index as usize))
        {
            self.samples.push(Sample {
                workload: order.workload.name,
                iterations: order.iterations,
                checksum: Some(checksum),
                counts: counts.since(&begun),
                host_seconds: since.elapsed().as_secs_f64(),
            });
        }
    }
}

/// The last that the guest printed.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0[self.0.len().saturating_sub(CONSOLE_BYTES)..]).into_owned()
    }

    fn keep(&mut self, printed: &[u8]) {
        self.0.extend_from_slice(printed);
        if self.0.len() > 2 * CONSOLE_BYTES {
            let old = self.0.len() - CONSOLE_BYTES;
            self.0.drain(..old);
        }
    }
}
