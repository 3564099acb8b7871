//! The `visa` command: assemble, run, boot, debug and measure V-ISA machines.
//!
//! One file for each subcommand ([`demo`], [`run`], [`boot`], [`asm`], [`dis`], [`mod@bench`]); [`launch`] and [`session`]
//! are what the commands that run a machine share.
#![forbid(unsafe_code)]

mod asm;
mod bench;
mod bench_host;
mod boot;
mod cycles;
mod demo;
mod dis;
mod exit;
mod images;
mod input;
mod launch;
mod live;
mod lockstep;
mod monitor;
mod options;
mod report;
mod run;
mod session;
mod source;
mod symbols;
mod terminal;
mod timeline;
mod trace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    let command = Arguments::parse().command.unwrap_or(Command::Demo(demo::Demo::default()));
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
            eprint!("{}", usage.render());
            return ExitCode::from(exit::BAD_USAGE);
        }
        eprintln!("visa: {error:#}");
        ExitCode::from(exit::BAD_INPUT)
    })
}
