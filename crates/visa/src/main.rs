//! The `visa` command: assemble, run, boot, debug and measure V-ISA machines.
//!
//! One file for each subcommand ([`demo`], [`run`], [`boot`], [`asm`], [`dis`], [`mod@bench`]); [`launch`] and [`session`]
//! are what the commands that run a machine share.
#![allow(clippy::disallowed_methods, reason = "the command is what brings the host's time")]
#![forbid(unsafe_code)]

mod asm;
mod bench;
mod bench_host;
mod boot;
mod checked;
mod cycles;
mod demo;
mod dis;
mod exit;
mod input;
mod launch;
mod live;
mod lockstep;
mod monitor;
mod numbers;
mod options;
mod output;
mod report;
mod run;
mod session;
mod source;
mod symbols;
mod terminal;
mod timeline;
mod trace;
mod watchdog;

use std::io::{IsTerminal, stderr, stdout};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use output::Finish;

const EXAMPLES: &str = "\
Examples:
  visa                                     the demonstration
  visa run guest.s                         assemble a program and run it in Ring -1
  visa boot --kernel Image --initrd initramfs.cpio.gz
                                           Linux in a virtual machine under visor
  visa stat --kernel Image --initrd initramfs.cpio.gz
                                           the same, and its VM exits by cause while it runs
  visa help boot                           all about a command, its exit codes too";

/// V-ISA: a RISC-V based instruction set with a ring for hypervisors, and the machine that runs it.
#[derive(Parser, Debug)]
#[command(name = "visa", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant)]
enum Command {
    Demo(demo::Demo),
    Run(run::Run),
    Boot(boot::Boot),
    /// Boots a kernel as "boot" does, and shows its VM exits by cause while it runs.
    Stat(boot::Boot),
    Asm(asm::Asm),
    Dis(dis::Dis),
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    let code = match Arguments::try_parse() {
        Ok(arguments) => execute(arguments.command.unwrap_or(Command::Demo(demo::Demo::default()))),
        // Help and version are for standard output, the rest is what is wrong with the command line.
        Err(asked) if !asked.use_stderr() => match output::print(&styled(&asked, stdout().is_terminal())) {
            Ok(()) => exit::SUCCESS,
            Err(error) => {
                output::tell(format_args!("visa: cannot write standard output: {error}\n"));
                exit::BAD_INPUT
            }
        },
        Err(wrong) => {
            output::tell(format_args!("{}", styled(&wrong, stderr().is_terminal())));
            exit::BAD_USAGE
        }
    };
    ExitCode::from(match output::finish() {
        Finish::Written => code,
        Finish::GivenUp(hurry) if code == exit::SUCCESS => hurry.code,
        Finish::Failed(error) if code == exit::SUCCESS => {
            output::tell(format_args!("visa: {error}\n"));
            output::errors().drain_briefly();
            exit::BAD_INPUT
        }
        Finish::GivenUp(_) | Finish::Failed(_) => code,
    })
}

/// What the parser of the command line has to say.
fn styled(error: &clap::Error, with_colours: bool) -> String {
    let text = error.render();
    if with_colours { text.ansi().to_string() } else { text.to_string() }
}

/// Does what a command says; returns the exit code.
fn execute(command: Command) -> u8 {
    let outcome = match command {
        Command::Demo(demo) => demo.execute(),
        Command::Run(run) => run.execute(),
        Command::Boot(boot) => boot.execute(),
        Command::Stat(boot) => boot.with_stat().execute(),
        Command::Asm(asm) => asm.execute(),
        Command::Dis(dis) => dis.execute(),
        Command::Bench(bench) => bench.execute(),
    };
    outcome.unwrap_or_else(|error| {
        terminal::restore();
        if let Some(usage) = error.downcast_ref::<clap::Error>() {
            output::tell(format_args!("{}", usage.render()));
            return exit::BAD_USAGE;
        }
        output::tell(format_args!("visa: {error:#}\n"));
        exit::BAD_INPUT
    })
}
