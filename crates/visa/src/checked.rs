//! `--engine checked`: the JIT, with random stretches of what it executes compared with the interpreter, and its code checked.

use std::num::NonZeroU32;

use clap::Args;
use serde::Serialize;
use visa_machine::lockstep::{Checking, Difference, Fault};
use visa_machine::machine::Machine;

use crate::lockstep::difference;
use crate::numbers::{grouped, number};
use crate::output;
use crate::symbols::Symbols;

/// Parts of a million in a percent.
const PERCENT: f64 = 10_000.0;

/// Instructions that are checked, of a million, unless something else is asked for.
const SHARE: NonZeroU32 = NonZeroU32::new(30_000).expect("it is not zero");

/// Units of generated code that are checked, of a million, likewise.
const CODE: NonZeroU32 = NonZeroU32::new(250_000).expect("it is not zero");

/// How much is checked.
#[derive(Args, Debug, Clone)]
pub struct CheckedOptions {
    /// With --engine checked: the share of the instructions that the interpreter executes as well, in percent (default: 3)
    #[arg(long, value_name = "PERCENT", value_parser = share, help_heading = "Lockstep")]
    pub checked_share: Option<NonZeroU32>,
    /// With --engine checked: the share of the units of generated code that is checked, in percent (default: 25); loops are
    /// checked all
    #[arg(long, value_name = "PERCENT", value_parser = share, help_heading = "Lockstep")]
    pub checked_code: Option<NonZeroU32>,
    /// With --engine checked: what the choice of moments, and of code, starts from (default: 1)
    #[arg(long, value_name = "N", value_parser = number, help_heading = "Lockstep")]
    pub checked_seed: Option<u64>,
}

impl CheckedOptions {
    /// What the engine is to do.
    pub fn checking(&self, fault: Option<Fault>) -> Checking {
        Checking {
            per_million: self.checked_share.unwrap_or(SHARE),
            code_per_million: self.checked_code.unwrap_or(CODE).get(),
            seed: self.checked_seed.unwrap_or(1),
            fault,
        }
    }
}

/// Parses a percentage, as parts of a million.
fn share(text: &str) -> Result<NonZeroU32, String> {
    let percent: f64 = text.parse().map_err(|_| format!("\"{text}\" is not a number"))?;
    let is_in_range = (0.0..=100.0).contains(&percent);
    // What is in range stays so.
    let parts = NonZeroU32::new((percent * PERCENT).round() as u32).filter(|_| is_in_range);
    parts.ok_or_else(|| "at least 0.0001, at most 100".into())
}

/// The object `checked` of the report.
#[derive(Serialize, Debug)]
pub struct CheckedFigures {
    /// Stretches that were begun.
    stretches: u64,
    /// Instructions that both engines have executed.
    instructions: u64,
    /// Faults found in generated code.
    code_faults: usize,
    /// Retired instructions of the hart at the first difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    differs_at: Option<u64>,
}

impl CheckedFigures {
    /// One line for people.
    pub fn line(&self) -> String {
        format!(
            "visa: checked: {} instructions in {} stretches were compared",
            grouped(self.instructions),
            grouped(self.stretches)
        )
    }
}

/// What a run that was checked came to; what was found is told.
pub fn figures(
    machine: &Machine,
    difference: Option<&Difference>,
    symbols: &Symbols,
) -> Option<CheckedFigures> {
    let figures = machine.checked()?;
    let faults = machine.code_faults();
    for fault in &faults {
        output::tell(format_args!("visa: checked: code that the JIT made is wrong: {fault}\n"));
    }
    if let Some(found) = difference {
        output::tell(format_args!("{}", difference::describe("checked", found, symbols)));
    }
    Some(CheckedFigures {
        stretches: figures.stretches,
        instructions: figures.instructions,
        code_faults: faults.len(),
        differs_at: difference.map(|difference| difference.found),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        let parts = |text| share(text).map(NonZeroU32::get);
        assert_eq!(parts("100"), Ok(1_000_000));
        assert_eq!(parts("2.5"), Ok(25_000));
        assert_eq!(parts("0.0001"), Ok(1));
        for wrong in ["", "x", "0", "-1", "100.1", "nan", "inf", "5%"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
