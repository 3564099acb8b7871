//! `visa bench`: the workloads in every mode, and what each feature buys.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use visa_bench::bench::{self, Bench as Matrix, Cycles};
use visa_bench::report::Report;
use visa_bench::variant::{self, Variant};
use visa_bench::workload::{self, Order, WORKLOADS};
use visa_bench::{html, table};
use visa_cycles::{Parameters, Preset};
use visa_machine::boot::Image;

use crate::bench_host::{Common, HostOptions};
use crate::exit::SUCCESS;
use crate::output;

/// What `--help` ends with.
pub const EXAMPLES: &str = "\
Examples:
  visa bench --quick                       everything in little
  visa bench --json results.json --html results.html
                                           everything, with a report to look at
  visa bench --mode native --mode accelerated --workload fork
                                           one workload in two modes
  visa bench --list                        the workloads and the modes
  visa bench --host --json speed.json --html speed.html
                                           the emulator's own speed beside QEMU's
  visa bench --host --filter calls --repeat 5
                                           one row of it, five times

\"cargo xtask fetch-debian\" gets the kernel.
The results are exact and the same on every host; only host times, which are kept apart, differ. Those of --host are
times of this host.";

/// Exit code when a mode did not run, or found something else than the others.
const UNSOUND: u8 = 1;

/// Measures the workloads natively, in a virtual machine, and with features taken away.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Bench {
    /// Fewer iterations of everything
    #[arg(long)]
    quick: bool,
    /// Only this workload; may be repeated (default: all)
    #[arg(long, value_name = "NAME")]
    workload: Vec<String>,
    /// Only this mode; may be repeated (default: all, and the accelerated mode without each feature)
    #[arg(long, value_name = "MODE")]
    mode: Vec<String>,
    /// So many iterations of each workload
    #[arg(long, value_name = "N")]
    iterations: Option<u64>,
    /// List the workloads and the modes, and end
    #[arg(long)]
    list: bool,
    /// The kernel; the modules for the disk are taken from beside it
    #[arg(long, value_name = "FILE", default_value = "build/debian/Image")]
    kernel: PathBuf,
    /// Another hypervisor than the one that is built in
    #[arg(long, value_name = "FILE")]
    visor: Option<PathBuf>,
    /// The core whose cycles are modelled: small, large, or none
    #[arg(long, value_name = "PRESET", default_value = "large")]
    cycles: String,
    /// Another value for a parameter of the cycle model; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    cycle_parameter: Vec<String>,
    /// Run the three modes again, in little, with other sizes of the model's TLBs and caches, for the sensitivity of the
    /// results to them (default: in a full run of all workloads)
    #[arg(long)]
    sizes: bool,
    /// Write the results as one JSON object
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the results as a page with charts
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    host: HostOptions,
}

impl Bench {
    /// Does it.
    pub fn execute(self) -> anyhow::Result<u8> {
        if self.list {
            output::print(&if self.host.host { self.host.list() } else { list() })?;
            return Ok(SUCCESS);
        }
        // Files first, so that a bad path costs no run.
        for path in self.json.iter().chain(&self.html) {
            write(path, "")?;
        }
        if self.host.host {
            return self.execute_host();
        }
        let visor = match &self.visor {
            Some(path) => Image::File(path.clone()),
            None => visa_embed::images::visor()?,
        };
        let matrix = Matrix {
            kernel: self.kernel.clone(),
            visor,
            cycles: self.cycles()?,
            variants: self.variants()?,
            orders: self.orders()?,
            runs_again: self.sizes || !self.quick && self.workload.is_empty() && self.iterations.is_none(),
        };
        let runs = matrix.run()?;
        let events = (matrix.events()?, matrix.visor_exits()?, matrix.sensitivity()?);
        let report = Report::new(&matrix, &runs, events, &matrix.run_again()?, self.quick)?;
        output::print(&table::render(&report))?;
        if let Some(path) = &self.json {
            write(path, &(serde_json::to_string_pretty(&report)? + "\n"))?;
        }
        if let Some(path) = &self.html {
            write(path, &html::render(&report)?)?;
        }
        Ok(if report.is_sound() { SUCCESS } else { UNSOUND })
    }

    fn execute_host(self) -> anyhow::Result<u8> {
        let common = Common { quick: self.quick, kernel: self.kernel, visor: self.visor };
        let outcome = self.host.execute(common)?;
        output::print(&outcome.table)?;
        if let Some(path) = &self.json {
            write(path, &outcome.json)?;
        }
        if let Some(path) = &self.html {
            write(path, &outcome.page)?;
        }
        Ok(if outcome.is_sound { SUCCESS } else { UNSOUND })
    }

    fn variants(&self) -> anyhow::Result<Vec<Variant>> {
        let all = variant::all();
        if let Some(name) = self.mode.iter().find(|name| all.iter().all(|variant| variant.name != **name)) {
            bail!("there is no mode \"{name}\"; \"visa bench --list\" shows the modes");
        }
        let is_wanted =
            |variant: &Variant| self.mode.is_empty() || self.mode.iter().any(|name| name == variant.name);
        Ok(all.into_iter().filter(is_wanted).collect())
    }

    fn cycles(&self) -> anyhow::Result<Option<Cycles>> {
        if self.cycles == "none" {
            return Ok(None);
        }
        let Some(preset) = Preset::from_name(&self.cycles) else {
            bail!("--cycles: there is no preset \"{}\"; there are small, large and none", self.cycles);
        };
        let mut parameters = Parameters::preset(preset);
        for assignment in &self.cycle_parameter {
            parameters.set(assignment).with_context(|| format!("--cycle-parameter {assignment}"))?;
        }
        Ok(Some(Cycles { preset, parameters }))
    }

    fn orders(&self) -> anyhow::Result<Vec<Order>> {
        let known = |name: &str| name == workload::BOOT || workload::find(name).is_some();
        if let Some(name) = self.workload.iter().find(|name| !known(name)) {
            bail!("there is no workload \"{name}\"; \"visa bench --list\" shows the workloads");
        }
        let is_wanted =
            |name: &str| self.workload.is_empty() || self.workload.iter().any(|wanted| wanted == name);
        let wanted = WORKLOADS.iter().filter(|workload| is_wanted(workload.name));
        Ok(wanted.map(|workload| bench::order(workload, self.quick, self.iterations)).collect())
    }
}

fn list() -> String {
    let mut text = String::from("workloads (iterations of a full run, and of --quick):\n");
    text += &format!("  {:<18} {:>9} {:>8}  the kernel's boot; runs always\n", workload::BOOT, 1, 1);
    for workload in &WORKLOADS {
        let (full, quick) = (workload.iterations, workload.iterations_quick);
        text += &format!("  {:<18} {full:>9} {quick:>8}  {}\n", workload.name, workload.summary);
    }
    text += "modes:\n";
    for variant in variant::all() {
        text += &format!("  {:<27} {}\n", variant.name, variant.summary);
    }
    text
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
