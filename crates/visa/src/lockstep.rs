//! `--engine lockstep`: the JIT and the interpreter side by side, and what is said when they differ.

pub mod difference;
mod options;

use std::io::{IsTerminal, stderr};

use anyhow::bail;
use clap::error::ErrorKind;
use serde::Serialize;
use visa_machine::lockstep::{Compared, Difference, Lockstep, Pair, Suspicion, narrow};
use visa_machine::machine::Machine;

use crate::checked::CheckedOptions;
use crate::numbers::grouped;
use crate::options::{ClockChoice, EngineChoice, RunOptions};
use crate::symbols::Symbols;
use crate::{output, terminal};
use options::PART;
pub use options::{FAST, LockstepOptions};

/// Options that do not go together.
pub fn check(options: &RunOptions) -> Result<(), clap::Error> {
    let conflict = |text: String| Err(clap::Error::raw(ErrorKind::ArgumentConflict, text + "\n"));
    let LockstepOptions { lockstep_slice, lockstep_fault } = &options.lockstep;
    let CheckedOptions { checked_share, checked_code, checked_seed } = &options.checked;
    let engine = options.engine;
    let (in_lockstep, is_checked) = (engine == EngineChoice::Lockstep, engine == EngineChoice::Checked);
    let given = [
        (lockstep_slice.is_some() && !in_lockstep, "--lockstep-slice", "lockstep"),
        (checked_share.is_some() && !is_checked, "--checked-share", "checked"),
        (checked_code.is_some() && !is_checked, "--checked-code", "checked"),
        (checked_seed.is_some() && !is_checked, "--checked-seed", "checked"),
        (lockstep_fault.is_some() && !engine.compares(), "--lockstep-fault", "lockstep or checked"),
    ];
    if let Some((_, name, needed)) = given.iter().find(|(wrong, ..)| *wrong) {
        return conflict(format!("{name} needs --engine {needed}"));
    }
    if !engine.compares() {
        return Ok(());
    }
    let name = if in_lockstep { "lockstep" } else { "checked" };
    let refused = [
        (options.cycles.cycles.is_some(), "--cycles: with a model the interpreter executes"),
        (!options.trace.is_empty(), "-d: what is traced is interpreted"),
        (options.trace_exits.is_some(), "--trace-exits: --engine jit and interpreter give the same one"),
        (options.gdb_address().is_some(), "gdb (-s, -S, --gdb): it would change one of the two"),
        (
            options.clock == Some(ClockChoice::Host),
            "--clock host: no two machines read the same time from it",
        ),
    ];
    match refused.iter().find(|(given, _)| *given) {
        Some((_, why)) => conflict(format!("--engine {name} cannot be used with {why}")),
        None => Ok(()),
    }
}

/// The interpreter's machine, to go along with the JIT's.
pub fn reference(machine: Machine, options: &LockstepOptions) -> Lockstep {
    Lockstep::new(machine, options.lockstep_slice.unwrap_or(PART), options.lockstep_fault)
}

/// The object `lockstep` of the report.
#[derive(Serialize, Debug)]
pub struct LockstepFigures {
    /// Instructions after which both machines were the same.
    instructions: u64,
    /// Comparisons of registers, MSRs, counters and console.
    state_comparisons: u64,
    /// Comparisons of all of RAM.
    memory_comparisons: u64,
    /// Retired instructions at the first difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    differs_at: Option<u64>,
}

impl LockstepFigures {
    /// Of a run that agreed.
    pub fn new(compared: Compared) -> LockstepFigures {
        LockstepFigures {
            instructions: compared.instructions,
            state_comparisons: compared.states,
            memory_comparisons: compared.memories,
            differs_at: None,
        }
    }

    /// One line for people.
    pub fn line(&self) -> String {
        format!(
            "visa: lockstep: {} instructions, the state compared {} times, memory {} times",
            grouped(self.instructions),
            grouped(self.state_comparisons),
            grouped(self.memory_comparisons)
        )
    }
}

/// Looks for the instruction that makes the engines differ, and says what it found.
pub fn explain(
    lockstep: Lockstep,
    suspicion: &Suspicion,
    symbols: &Symbols,
    build: &dyn Fn() -> anyhow::Result<Machine>,
) -> LockstepFigures {
    let mut figures = LockstepFigures::new(lockstep.compared());
    let script = lockstep.into_script();
    output::tell(format_args!(
        "visa: lockstep: the engines differ by instruction {}; running both again from the start to find where\n",
        grouped(suspicion.instructions)
    ));
    let make = || {
        if let Some(number) = terminal::signal() {
            bail!("ended by signal {number}");
        }
        let mut fast = build()?;
        fast.set_engine(FAST);
        Ok(Pair { fast, reference: build()? })
    };
    let mut progress = SearchProgress::default();
    let found = narrow(&script, suspicion, make, |low, high| progress.show(low, high));
    progress.finish();
    let (text, at) = match found {
        Ok(Some(found)) => (difference::describe("lockstep", &found, symbols), found.found),
        Ok(None) => (coarse(suspicion, "they did not differ when they ran again"), suspicion.instructions),
        Err(error) => (coarse(suspicion, &format!("{error:#}")), suspicion.instructions),
    };
    output::tell(format_args!("{text}"));
    figures.differs_at = Some(at);
    figures
}

/// What is known without the instruction.
fn coarse(suspicion: &Suspicion, why: &str) -> String {
    let seen = Difference {
        agreed: 0,
        found: suspicion.instructions,
        mismatches: suspicion.mismatches.clone(),
        memory: suspicion.memory,
        executed: Vec::new(),
    };
    format!("visa: lockstep: the instruction was not found: {why}\n{}", difference::table(&seen))
}

/// How far the search is: a line that changes on a terminal, lines elsewhere.
#[derive(Default)]
struct SearchProgress {
    runs: u64,
}

impl SearchProgress {
    fn show(&mut self, low: u64, high: u64) {
        self.runs += 1;
        let (low, high, runs) = (grouped(low), grouped(high), self.runs);
        let text = format!("visa: lockstep: between instructions {low} and {high}, run {runs}");
        match stderr().is_terminal() {
            true => output::tell(format_args!("\r\x1b[K{text}")),
            false => output::tell(format_args!("{text}\n")),
        }
    }

    fn finish(&self) {
        if self.runs > 0 && stderr().is_terminal() {
            output::tell(format_args!("\r\x1b[K"));
        }
    }
}
