//! `visa bench --host`: the emulator's own speed beside QEMU's.

use std::path::PathBuf;

use clap::Args;

/// Options of `visa bench` that go with `--host`.
#[derive(Args, Debug)]
#[command(next_help_heading = "The emulator's own speed")]
pub struct HostOptions {
    /// Measure the emulator's own speed beside QEMU's (qemu-system-riscv64, if it is on the PATH): processor time of one
    /// process each, on one processor, with the same kernel and programs
    #[arg(long, conflicts_with_all = ["workload", "mode", "iterations", "cycles", "cycle_parameter"])]
    pub host: bool,
    /// Only this row; may be repeated (default: all)
    #[arg(long, value_name = "NAME", requires = "host")]
    filter: Vec<String>,
    /// Only this emulator: qemu, native (the kernel on our engine), accelerated (the same under visor), interpreter; may
    /// be repeated (default: all but the interpreter)
    #[arg(long, value_name = "NAME", requires = "host")]
    emulator: Vec<String>,
    /// Measure everything so many times, and take medians
    #[arg(long, value_name = "N", requires = "host", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
}

/// What `visa bench` has for every bench.
pub struct Common {
    /// Less of everything.
    pub quick: bool,
    /// The kernel.
    pub kernel: PathBuf,
    /// Another visor.
    pub visor: Option<PathBuf>,
}

/// What to write where.
pub struct Outcome {
    /// For people.
    pub table: String,
    /// The JSON object.
    pub json: String,
    /// The page.
    pub page: String,
    /// Whether all ran, and all found the same.
    pub is_sound: bool,
}

#[cfg(not(target_os = "linux"))]
mod implementation {
    use super::{Common, HostOptions, Outcome};

    impl HostOptions {
        /// Does it.
        pub fn execute(&self, _common: Common) -> anyhow::Result<Outcome> {
            anyhow::bail!("--host: the processor time of another process is known on Linux only")
        }

        /// The rows and the emulators, as text.
        pub fn list(&self) -> String {
            String::new()
        }
    }
}

#[cfg(target_os = "linux")]
mod implementation {
    use anyhow::{Context, bail};
    use visa_bench::host::emulator::{COLUMNS, Emulator, QEMU_NAME};
    use visa_bench::host::matrix::Matrix;
    use visa_bench::host::report::{Host, Report};
    use visa_bench::host::row::{self, Order, ROWS};
    use visa_bench::host::{page, table};

    use super::{Common, HostOptions, Outcome};
    use crate::output;

    impl HostOptions {
        /// Does it.
        pub fn execute(&self, common: Common) -> anyhow::Result<Outcome> {
            let (emulators, orders) = (self.emulators(&common)?, self.orders(common.quick)?);
            if !common.kernel.is_file() {
                bail!(
                    "there is no kernel at {}: \"cargo xtask fetch-debian\" gets Debian's, or give one with --kernel",
                    common.kernel.display()
                );
            }
            let matrix = Matrix { emulators, orders, kernel: common.kernel, repeat: self.repeat };
            let host = Host::now();
            let runs = matrix.run()?;
            let report = Report::new(&matrix, &runs, host, common.quick)
                .with_context(|| format!("cannot read {}", matrix.kernel.display()))?;
            Ok(Outcome {
                table: table::render(&report),
                json: serde_json::to_string_pretty(&report)? + "\n",
                page: page::render(&report)?,
                is_sound: report.is_sound(),
            })
        }

        /// The rows and the emulators, as text.
        pub fn list(&self) -> String {
            let mut text = String::from("rows (iterations of a full run; with --quick a tenth):\n");
            for row in &ROWS {
                text += &format!("  {:<15} {:>10}  {}\n", row.name, row.iterations, row.summary);
            }
            text + "emulators:\n  qemu\n  native\n  accelerated\n  interpreter\n"
        }

        fn emulators(&self, common: &Common) -> anyhow::Result<Vec<Emulator>> {
            if let Some(name) =
                self.emulator.iter().find(|name| COLUMNS.iter().all(|(known, _)| known != name))
            {
                bail!("there is no emulator \"{name}\"; \"visa bench --host --list\" shows them");
            }
            let is_named = |name: &str| self.emulator.iter().any(|wanted| wanted == name);
            let wanted =
                COLUMNS.iter().filter(|(name, usual)| is_named(name) || self.emulator.is_empty() && *usual);
            let program = std::env::current_exe().context("cannot find this program")?;
            let mut emulators = Vec::new();
            for (name, _) in wanted {
                if *name != QEMU_NAME {
                    emulators.extend(Emulator::visa(name, program.clone(), common.visor.clone()));
                } else if let Some(qemu) = Emulator::qemu() {
                    emulators.push(qemu);
                } else if is_named(name) {
                    bail!("--emulator qemu: there is no qemu-system-riscv64 on the PATH");
                } else {
                    output::tell(format_args!(
                        "visa: there is no qemu-system-riscv64 on the PATH: its column is left out\n"
                    ));
                }
            }
            Ok(emulators)
        }

        fn orders(&self, quick: bool) -> anyhow::Result<Vec<Order>> {
            if let Some(name) = self.filter.iter().find(|name| ROWS.iter().all(|row| row.name != **name)) {
                bail!("there is no row \"{name}\"; \"visa bench --host --list\" shows the rows");
            }
            let is_wanted =
                |name: &str| self.filter.is_empty() || self.filter.iter().any(|wanted| wanted == name);
            Ok(ROWS.iter().filter(|row| is_wanted(row.name)).map(|row| row::order(row, quick)).collect())
        }
    }
}
