//! What a run came to: as a JSON object, and as tables for people.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use visa_bench::stat::{ExitLine, ExitTable};
use visa_bench::traps::Traps;
use visa_core::Hart;
use visa_machine::boot::Mode;
use visa_machine::machine::Machine;

use crate::checked;
use crate::cycles::Cycles;
use crate::exit::Ending;
use crate::lockstep::LockstepFigures;
use crate::numbers::grouped;
use crate::options::RunOptions;
use crate::output::{self, Out};

/// The JSON object. Two runs of the same machine with the clock `virtual` give the same one, `host_seconds` aside.
#[derive(Serialize, Debug)]
pub struct Report {
    /// Version of this command.
    version: &'static str,
    /// `bare`, `native`, `accelerated` or `software`.
    mode: &'static str,
    /// What executed the instructions.
    pub engine: &'static str,
    /// `virtual` or `host`.
    clock: &'static str,
    /// How it ended: one word.
    ended: &'static str,
    /// The same in a sentence.
    ended_because: String,
    /// The guest's own code, if it gave one.
    guest_code: Option<u16>,
    /// The exit code of this command.
    exit_code: u8,
    /// Retired instructions of all harts and rings.
    instructions: u64,
    /// Those of Ring -1.
    instructions_ring_minus_1: u64,
    /// VM exits.
    exits: Exits,
    /// Exceptions and interrupts that Ring 0 took: the guest's kernel, or visor in mode `software`.
    traps: Traps,
    /// Instructions that Ring -1 completed in software.
    emulated: u64,
    /// Combined TLB misses.
    tlb_misses: u64,
    /// Page-table entries that walks read, both stages.
    walk_references: u64,
    /// Features that the machine lacked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<&'static str>,
    /// How much was compared, if engines were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockstep: Option<LockstepFigures>,
    /// How much of what the JIT executed was checked, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<checked::CheckedFigures>,
    /// What the cycle model says, if it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycles: Option<Cycles>,
    /// The machine's time.
    guest_seconds: f64,
    /// Real time.
    host_seconds: f64,
    /// CRC-32 of RAM at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_crc32: Option<String>,
    /// What the table of `--stats` shows.
    #[serde(skip)]
    pub exit_table: ExitTable,
}

#[derive(Serialize, Debug)]
struct Exits {
    total: u64,
    by_cause: BTreeMap<&'static str, u64>,
    /// The same with what Ring -1 did about them.
    ring_minus_1: BTreeMap<&'static str, ExitLine>,
}

/// Where the JSON object goes; opened before the run, so that a bad path costs no run.
pub enum Sink {
    /// Nowhere.
    None,
    /// Standard output.
    Output,
    /// A file.
    File(File, PathBuf),
}

impl Sink {
    /// As `--json` says.
    pub fn open(options: &RunOptions) -> anyhow::Result<Sink> {
        Sink::to(options.json.as_deref())
    }

    /// To a file, or to standard output for "-".
    pub fn to(path: Option<&Path>) -> anyhow::Result<Sink> {
        match path {
            None => Ok(Sink::None),
            Some(path) if path.as_os_str() == "-" => Ok(Sink::Output),
            Some(path) => {
                let file =
                    File::create(path).with_context(|| format!("--json: cannot write {}", path.display()))?;
                Ok(Sink::File(file, path.to_owned()))
            }
        }
    }

    /// Writes the object.
    pub fn write(self, report: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(report)?;
        text.push('\n');
        match self {
            Sink::None => Ok(()),
            Sink::Output => {
                let mut output = output::output();
                let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
                written.context("--json: cannot write standard output")
            }
            Sink::File(file, path) => {
                let mut file = Out::to(file);
                let written = file.write_all(text.as_bytes()).and_then(|()| file.flush());
                written.with_context(|| format!("--json: cannot write {}", path.display()))
            }
        }
    }
}

impl Report {
    /// Of a machine that has ended.
    pub fn new(
        mode: &'static str,
        clock: &'static str,
        machine: &Machine,
        (ending, ended_because): (Ending, String),
        host_time: Duration,
        memory_crc32: Option<u32>,
    ) -> Report {
        let totals = machine.totals();
        let exit_table = ExitTable::of(machine);
        // The machine looks at the time between slices; the last one may have ended early.
        let guest_ns = machine.harts.iter().map(Hart::nanoseconds).fold(machine.now_ns(), u64::max);
        Report {
            version: env!("CARGO_PKG_VERSION"),
            mode,
            engine: machine.engine_name(),
            clock,
            ended: ending.name(),
            ended_because,
            guest_code: ending.guest_code(),
            exit_code: ending.exit_code(),
            instructions: totals.instructions,
            instructions_ring_minus_1: totals.instructions_ring_minus_1,
            exits: Exits {
                total: totals.exits.values().sum(),
                by_cause: totals.exits.iter().map(|(cause, count)| (cause.name(), *count)).collect(),
                ring_minus_1: exit_table.by_name().clone(),
            },
            traps: Traps::of(&totals),
            emulated: totals.emulated,
            tlb_misses: totals.tlb_misses,
            walk_references: totals.walk_references,
            without: Vec::new(),
            lockstep: None,
            checked: None,
            cycles: None,
            guest_seconds: guest_ns as f64 / 1e9,
            host_seconds: host_time.as_secs_f64(),
            memory_crc32: memory_crc32.map(|checksum| format!("{checksum:08x}")),
            exit_table,
        }
    }

    /// The table of `--stats`.
    pub fn table(&self) -> String {
        let mut text = self.exit_table.render();
        let traps = self.traps.render();
        if !traps.is_empty() {
            text += &format!("\n{traps}");
        }
        let share = percent(self.instructions_ring_minus_1, self.instructions);
        text += &format!(
            "\n  {:>16}  instructions, {share:.2}% of them in Ring -1\n",
            grouped(self.instructions)
        );
        text += &format!("  {:>16}  VM exits (VMCOUNT_EXIT)\n", grouped(self.exits.total));
        text += &format!(
            "  {:>16}  exceptions and interrupts taken by {}\n",
            grouped(self.traps.total),
            if self.is_software() { "visor in Ring 0" } else { "Ring 0" }
        );
        text +=
            &format!("  {:>16}  instructions completed in software (VMCOUNT_EMU)\n", grouped(self.emulated));
        text += &format!("  {:>16}  combined TLB misses (VMCOUNT_TLBMISS)\n", grouped(self.tlb_misses));
        text += &format!("  {:>16}  page-table entries read by walks\n", grouped(self.walk_references));
        if let Some(cycles) = &self.cycles {
            text += &cycles.lines();
        }
        text += &format!(
            "  {:>16.3}  seconds of the machine's time, {:.3} s of real time: {:.1} million instructions a second\n",
            self.guest_seconds,
            self.host_seconds,
            self.instructions as f64 / self.host_seconds.max(1e-9) / 1e6
        );
        text
    }

    /// One line on how it went.
    pub fn line(&self) -> String {
        format!(
            "visa: {}: {} instructions, {} VM exits,{} {:.1} s",
            self.ended_because,
            grouped(self.instructions),
            grouped(self.exits.total),
            // What this mode has instead of exits.
            if self.is_software() {
                format!(" {} traps into visor,", grouped(self.traps.total))
            } else {
                String::new()
            },
            self.host_seconds
        )
    }

    fn is_software(&self) -> bool {
        self.mode == Mode::Software.name()
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}
