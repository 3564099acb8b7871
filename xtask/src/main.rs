//! Project chores, as `cargo xtask CHORE`.
//!
//! One file per chore. A chore's module has its `Arguments` and a `run` that takes them; to add one, write
//! the module and name it in [`Chore`] and in `main`.
#![allow(clippy::disallowed_methods, reason = "it tells people, or measures, how long something takes")]

mod corpus;
mod coverage;
mod differential;
mod fetch_debian;
mod generate;
mod guests;
mod mutations;
mod picture;
mod process;
mod riscv_tests;
mod test;
mod workloads;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "V-ISA's project chores", disable_help_subcommand = true)]
struct CommandLine {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    Corpus(corpus::Arguments),
    Coverage(coverage::Arguments),
    Differential(differential::Arguments),
    FetchDebian(fetch_debian::Arguments),
    Generate(generate::Arguments),
    Guests(guests::Arguments),
    Mutations(mutations::Arguments),
    Picture(picture::Arguments),
    RiscvTests(riscv_tests::Arguments),
    Test(test::Arguments),
    Workloads(workloads::Arguments),
}

fn main() -> ExitCode {
    let result = match CommandLine::parse().chore {
        Chore::Corpus(arguments) => corpus::run(arguments),
        Chore::Coverage(arguments) => coverage::run(arguments),
        Chore::Differential(arguments) => differential::run(arguments),
        Chore::FetchDebian(arguments) => fetch_debian::run(arguments),
        Chore::Generate(arguments) => generate::run(arguments),
        Chore::Guests(arguments) => guests::run(arguments),
        Chore::Mutations(arguments) => mutations::run(arguments),
        Chore::Picture(arguments) => picture::run(arguments),
        Chore::RiscvTests(arguments) => riscv_tests::run(arguments),
        Chore::Test(arguments) => test::run(arguments),
        Chore::Workloads(arguments) => workloads::run(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
