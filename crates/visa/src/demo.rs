//! `visa demo`: V-ISA's execution flow, step by step, on the real machine.

use std::process::ExitCode;

use clap::Args;

use crate::images;

/// Shows what V-ISA does, step by step, with a small guest under visor (what visa does without a command).
#[derive(Args, Debug, Default)]
pub struct Demo {}

impl Demo {
    /// Does it.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        images::demo()?;
        images::visor()?;
        anyhow::bail!("this build cannot show the demonstration yet")
    }
}
