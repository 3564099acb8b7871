//! What the commands that run a machine do alike: the clock, the report's file, the run, the report.

use std::io::{IsTerminal, stderr, stdin};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use visa_embed::{Disk, HostClock, Instance, MachineOptions, TimeSource};
use visa_machine::board::DiskChanges;

use crate::checked;
use crate::exit::Ending;
use crate::lockstep::{self, LockstepFigures};
use crate::options::{ClockChoice, EngineChoice, RunOptions};
use crate::output::tell;
use crate::report::{Report, Sink};
use crate::session::Session;
use crate::symbols::Symbols;

/// What the real-time clock shows at the start of a run that can be repeated: 2026-01-01, 00:00:00 UTC.
const VIRTUAL_START_NS: u64 = 1_767_225_600_000_000_000;

/// What is decided before anything is loaded.
pub struct Launch {
    clock: ClockChoice,
    /// What the real-time clock shows at the start, in nanoseconds since the Unix epoch.
    start_time_ns: u64,
    time: TimeSource,
}

impl Launch {
    /// Chooses the clock, and opens the report's file, so that a bad path costs no run.
    pub fn prepare(options: &RunOptions) -> anyhow::Result<(Launch, Sink)> {
        options.engine.check()?;
        lockstep::check(options)?;
        let interactive = stdin().is_terminal() && options.json.is_none() && !options.engine.compares();
        let default = if interactive { ClockChoice::Host } else { ClockChoice::Virtual };
        let clock = options.clock.unwrap_or(default);
        let (start_time_ns, time) = match clock {
            ClockChoice::Virtual => (VIRTUAL_START_NS, TimeSource::Instructions),
            ClockChoice::Host => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let start_time_ns = u64::try_from(since_epoch.as_nanos()).unwrap_or(VIRTUAL_START_NS);
                (start_time_ns, TimeSource::Host(host_clock()))
            }
        };
        Ok((Launch { clock, start_time_ns, time }, Sink::open(options)?))
    }

    /// What a machine is made of. Its engine is chosen when it runs.
    pub fn machine(&self, options: &RunOptions, memory_bytes: u64, disks: Vec<Disk>) -> MachineOptions {
        MachineOptions {
            harts: options.smp,
            memory_bytes,
            features: options.cycles.features(),
            time: self.time.clone(),
            start_time_ns: self.start_time_ns,
            seed: options.seed,
            disks,
            ..MachineOptions::default()
        }
    }
}

/// The clock of a machine whose time is the host's.
fn host_clock() -> HostClock {
    let began = Instant::now();
    HostClock::new(move || u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX))
}

/// A machine that is ready, and what it will have written to its disks, if that is kept from them.
pub struct Built {
    /// The machine.
    pub instance: Instance,
    /// What is written to the disks.
    pub disks: Vec<DiskChanges>,
}

/// Runs what was built, and reports. `build` builds it once more.
pub fn finish(
    (launch, sink): (&Launch, Sink),
    mut built: Built,
    build: &dyn Fn() -> anyhow::Result<Built>,
    symbols: Symbols,
    options: &RunOptions,
    mode: &'static str,
) -> anyhow::Result<u8> {
    built.instance.machine_mut().set_engine(options.engine_kind());
    options.cycles.apply(built.instance.machine_mut())?;
    let mut session = Session::new(built.instance, symbols, options, launch.clock, mode)?;
    if options.engine == EngineChoice::Lockstep {
        session.lockstep = Some(lockstep::reference(build()?.instance.into_machine(), &options.lockstep));
    }
    let ending = session.run(options.timeout)?;
    let figures = compared(&mut session, build);
    if ending != Ending::EnginesDiffer {
        built.disks.iter().try_for_each(DiskChanges::commit).context("cannot write a disk")?;
    }
    let clock = match launch.clock {
        ClockChoice::Virtual => "virtual",
        ClockChoice::Host => "host",
    };
    let because = ending.describe(&session.symbols);
    let elapsed = session.elapsed();
    let checksum = options.memory_crc.then(|| session.instance.memory_checksum());
    let mut report =
        Report::new(mode, clock, session.instance.machine(), (ending, because), elapsed, checksum);
    if let Some(table) = session.software_exits() {
        report.exit_table = table;
    }
    report.without = options.cycles.missing();
    if figures.is_some() {
        report.engine = "lockstep";
    }
    report.lockstep = figures;
    report.checked =
        checked::figures(session.instance.machine(), session.difference.as_ref(), &session.symbols);
    report.cycles = options.cycles.figures(session.instance.machine())?;
    let shows_table = options.stats || options.stat;
    if shows_table {
        tell(format_args!("\n{}", report.table()));
        if let Some(figures) = &report.lockstep {
            tell(format_args!("{}\n", figures.line()));
        }
        if let Some(figures) = &report.checked {
            tell(format_args!("{}\n", figures.line()));
        }
    }
    // A guest that ends with 0 in a script has nothing more to say.
    if shows_table || ending.exit_code() != 0 || stderr().is_terminal() {
        tell(format_args!("{}\n", report.line()));
    }
    let board = &mut session.instance.machine_mut().board;
    for slot in board.virtio_slots() {
        if let Some(error) = board.take_virtio_error(slot) {
            tell(format_args!("visa: disk in slot {slot}: {error}\n"));
        }
    }
    sink.write(&report)?;
    Ok(ending.exit_code())
}

/// What a run in lockstep came to: how much was compared, and the reason of a difference, which is told.
fn compared(session: &mut Session, build: &dyn Fn() -> anyhow::Result<Built>) -> Option<LockstepFigures> {
    let lockstep = session.lockstep.take()?;
    Some(match session.suspicion.take() {
        None => LockstepFigures::new(lockstep.compared()),
        Some(suspicion) => {
            let machine = || Ok(build()?.instance.into_machine());
            lockstep::explain(lockstep, &suspicion, &session.symbols, &machine)
        }
    })
}
