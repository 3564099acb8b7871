//! `visa demo`: V-ISA's execution flow, step by step, on the real machine.
//!
//! [`record`] runs the machine and writes down what happened, [`verify`] holds that against the machine's own counts
//! and against what the story says, and [`story`] tells it on a [`page`]. [`source`] knows the guest's text, [`walk`]
//! translates on its own, and [`words`] puts numbers into words.

mod json;
mod page;
mod protocol;
mod record;
mod source;
mod story;
mod verify;
mod walk;
mod words;

use std::io::{BufRead, IsTerminal, Write, stdin, stdout};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use crate::exit;
use crate::output;
use crate::report::Sink;
use page::{Means, Page};
use record::Recording;
use story::PARTS;
use verify::{Checks, EXPECTED};

const HELP: &str = "\
What it shows:
   1      MOV CR3, R1: trap by VMTRAPCFG, Ring -1, VMCAUSE, handler, VMRESUME, with the values of each step
   2, 3   200 context switches with VMTRAPCFG b3 set, and with it clear
   4, 5   IN and OUT: trapped and decoded, absent, passed by IOVMASK
   6      nested translation: guest-virtual to guest-physical to physical, and the combined TLB
   7      memory on demand by a nested page fault
   8      virtual interrupts (VINT_SEND, VINT_ACK) and the guest's timer
   9      a virtual device bound by IOVMAP
  10, 11  what a kernel and a user program may not do
  12      page fault, timer, HLT and VMEXIT as exits
  13      the counters VMCOUNT_EXIT, VMCOUNT_EMU, VMCOUNT_TLBMISS

Examples:
  visa demo --scene 1          the flow of one VM exit
  visa demo --pause            wait for Enter after each part
  visa demo --brief            a line for each scene, and the table of exits
  visa demo --json demo.json   all of it as data, too

The guest is guest/demo/demo.s; the hypervisor is visor. Every run gives the same text. Colours and boxes are for
terminals; NO_COLOR switches colours off.

Exit codes: 0 all was as told; 3 the machine did something else, and standard error says what; others as visa run.";

/// Shows what V-ISA does, step by step, with a small guest under visor (what visa does without a command).
///
/// A kernel of 300 lines in V-ISA assembly runs in Ring 0 under visor, the hypervisor in Ring -1. Each scene shows the
/// guest's source, the world switches that it caused on the real machine, and the values that they carried. Everything
/// that is shown is compared with the machine's own state.
#[derive(Args, Debug, Default)]
#[command(after_help = "\"visa demo --help\" lists the scenes, with examples.", after_long_help = HELP)]
pub struct Demo {
    /// Show these scenes alone (1 to 13), separated by commas
    #[arg(long, value_name = "N", value_delimiter = ',',
          value_parser = clap::value_parser!(u8).range(1..=13), conflicts_with = "brief")]
    scene: Vec<u8>,
    /// Show a line for each scene, and the table of exits
    #[arg(long)]
    brief: bool,
    /// Wait for Enter after each part, if on a terminal
    #[arg(long)]
    pause: bool,
    /// Write what happened as one JSON object; "-" is standard output (the text then goes to standard error)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Colours and box drawing: on a terminal, always, or never
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: Color,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Color {
    /// On a terminal, without NO_COLOR
    #[default]
    Auto,
    /// Also in a file or pipe
    Always,
    /// Plain ASCII
    Never,
}

impl Demo {
    /// Does it.
    pub fn execute(self) -> anyhow::Result<u8> {
        let sink = Sink::to(self.json.as_deref())?;
        let recording = record::record(visa_embed::images::visor()?, visa_embed::images::demo()?)?;
        let checks = verify::verify(&recording, &EXPECTED)?;
        if !checks.failures.is_empty() {
            output::tell(format_args!("visa: the demonstration did not go as told:\n"));
            for failure in &checks.failures {
                output::tell(format_args!("  {failure}\n"));
            }
            return Ok(exit::NOT_AS_TOLD);
        }
        self.show(&recording, &checks)?;
        sink.write(&json::report(&recording, &checks)?)?;
        Ok(exit::SUCCESS)
    }

    /// Writes the text.
    fn show(&self, recording: &Recording, checks: &Checks) -> anyhow::Result<()> {
        let means = match self.color {
            Color::Auto => Means::of_output(),
            Color::Always => Means { colour: true, boxes: true },
            Color::Never => Means { colour: false, boxes: false },
        };
        let mut page = Page::new(means);
        if self.brief {
            story::brief(&mut page, recording)?;
            story::table(&mut page, recording)?;
            return self.print(&mut page);
        }
        let is_wanted = |part: &&story::Part| {
            self.scene.is_empty() || self.scene.iter().any(|&scene| part.scenes.contains(&scene.into()))
        };
        if self.scene.is_empty() {
            story::opening(&mut page, recording)?;
        }
        for part in PARTS.iter().filter(is_wanted) {
            part.write(&mut page, recording)?;
            self.print(&mut page)?;
            self.wait()?;
        }
        if self.scene.is_empty() {
            story::table(&mut page, recording)?;
            story::end(&mut page, checks.count);
        }
        self.print(&mut page)
    }

    fn print(&self, page: &mut Page) -> anyhow::Result<()> {
        let text = page.take();
        let is_data = self.json.as_ref().is_some_and(|path| path.as_os_str() == "-");
        let written = match is_data {
            true => output::errors().write_all(text.as_bytes()),
            false => output::print(&text),
        };
        written.context("cannot write the text")
    }

    fn wait(&self) -> anyhow::Result<()> {
        if self.pause && stdin().is_terminal() && stdout().is_terminal() {
            output::print("\n  -- Enter goes on --")?;
            let read = stdin().lock().read_line(&mut String::new())?;
            ensure!(read != 0, "standard input has ended");
        }
        Ok(())
    }
}
