//! `--engine lockstep`: the JIT and the interpreter side by side, and what is said when they differ.

pub mod difference;

use std::io::{IsTerminal, stderr};
use std::num::NonZeroU64;

use anyhow::bail;
use clap::Args;
use clap::error::ErrorKind;
use serde::Serialize;
use visa_machine::lockstep::{Compared, Difference, Fault, FaultKind, Lockstep, Pair, Suspicion, narrow};
use visa_machine::machine::{EngineKind, Machine};

use crate::checked::CheckedOptions;
use crate::launch::Built;
use crate::options::{ClockChoice, EngineChoice, RunOptions, number};
use crate::report::grouped;
use crate::symbols::Symbols;
use crate::{output, terminal};

/// Instructions between two comparisons: a comparison takes as long as some dozens of them.
const PART: NonZeroU64 = NonZeroU64::new(10_000).expect("it is not zero");

/// The JIT of a pair. It looks for loops to optimise by instructions, and optimises at once, so that whatever it does wrong, it
/// does again at the same instruction when both run again.
pub const FAST: EngineKind = EngineKind::Jit { threshold: None, optimise: Some(50_000) };

/// How engines are compared.
#[derive(Args, Debug, Clone)]
pub struct LockstepOptions {
    /// With --engine lockstep: compare after every N instructions of all harts together (default: 10,000; at most a slice
    /// of 200,000)
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Lockstep")]
    pub lockstep_slice: Option<NonZeroU64>,
    /// With --engine lockstep or checked: after N instructions, change bit 0 of the JIT's R10, or of the byte at a physical address, to
    /// see that it is found
    #[arg(long, value_name = "N[,ADDRESS]", value_parser = fault, help_heading = "Lockstep")]
    pub lockstep_fault: Option<Fault>,
}

fn positive(text: &str) -> Result<NonZeroU64, String> {
    NonZeroU64::new(number(text)?).ok_or_else(|| "at least one instruction".into())
}

/// Parses `N[,ADDRESS]`.
fn fault(text: &str) -> Result<Fault, String> {
    const A0: u8 = 10;
    let (after, kind) = match text.split_once(',') {
        Some((after, address)) => (after, FaultKind::Memory(number(address)?)),
        None => (text, FaultKind::Register(A0)),
    };
    Ok(Fault { after: number(after)?, kind })
}

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
pub struct Figures {
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

impl Figures {
    /// Of a run that agreed.
    pub fn new(compared: Compared) -> Figures {
        Figures {
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
    build: &dyn Fn() -> anyhow::Result<Built>,
) -> Figures {
    let mut figures = Figures::new(lockstep.compared());
    let script = lockstep.into_script();
    output::tell(format_args!(
        "visa: lockstep: the engines differ by instruction {}; running both again from the start to find where\n",
        grouped(suspicion.instructions)
    ));
    let make = || {
        if let Some(number) = terminal::signal() {
            bail!("ended by signal {number}");
        }
        let mut fast = build()?.instance.into_machine();
        fast.set_engine(FAST);
        Ok(Pair { fast, reference: build()?.instance.into_machine() })
    };
    let mut progress = Progress::default();
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
struct Progress {
    runs: u64,
}

impl Progress {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_a_count_and_perhaps_an_address() {
        assert_eq!(fault("1_000"), Ok(Fault { after: 1000, kind: FaultKind::Register(10) }));
        assert_eq!(fault("5,0x80000000"), Ok(Fault { after: 5, kind: FaultKind::Memory(0x8000_0000) }));
        for wrong in ["", "x", "1,", "1,2,3"] {
            assert!(fault(wrong).is_err(), "{wrong}");
        }
    }
}
