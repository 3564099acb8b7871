//! `cargo xtask differential`: random user-mode programs on the `visa` command and on QEMU's user mode.
//!
//! Both run the same instructions at the same addresses from the same registers and memory, and must end with the
//! same. QEMU decodes and computes without any of our code, so a wrong row of our table shows up as well as a wrong
//! result. The first difference is narrowed down to one unit of the program and printed.

mod engine;
mod image;
mod report;
mod results;

use crate::{process, workspace};
use anyhow::{Result, bail};
use engine::{Qemu, VisaCommand};
use image::{Image, Placed};
use results::Pair;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use visa_fuzz::program::Program;
use visa_fuzz::unit::Generator;

/// Compare random programs on `visa` with QEMU user mode
#[derive(clap::Args)]
pub struct Arguments {
    /// How long to go on, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,

    /// The seed of the first batch [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,

    /// How many batches at most
    #[arg(long)]
    batches: Option<u64>,

    /// The command that runs V-ISA programs [default: build it in release mode]
    #[arg(long)]
    visa: Option<PathBuf>,
}

/// Programs in one run of an engine.
const PROGRAMS_PER_BATCH: u64 = 64;

/// Units in one program; more would only overwrite what the first ones did.
const UNITS_PER_PROGRAM: usize = 80;

/// Runs the chore.
pub fn run(arguments: Arguments) -> Result<()> {
    process::require(engine::QEMU, "qemu-user")?;
    let visa = match arguments.visa {
        Some(path) => path,
        None => workspace::release_build("visa")?,
    };
    let directory = workspace::target().join("differential");
    process::create_directory(&directory)?;
    let qemu = Qemu::new(&directory);
    let defects = qemu.defects()?;
    for op in &defects {
        println!("differential: without {}, which this version of QEMU gets wrong", op.row().mnemonic);
    }
    let bench =
        Bench { generator: Generator::without(&defects), qemu, visa: VisaCommand::new(visa, &directory) };
    let seed = arguments.seed.unwrap_or_else(seed_of_clock);
    let start = Instant::now();
    let limit = Duration::from_secs(arguments.seconds);
    let mut instructions = 0;
    let mut batch = 0;
    while batch == 0 || start.elapsed() < limit && arguments.batches.is_none_or(|most| batch < most) {
        instructions += bench.batch(seed.wrapping_add(batch))?;
        batch += 1;
    }
    println!(
        "differential: {} programs, {instructions} instructions, seeds {seed} to {}, no difference",
        batch * PROGRAMS_PER_BATCH,
        seed.wrapping_add(batch - 1)
    );
    Ok(())
}

fn seed_of_clock() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// The two engines, and where programs come from.
struct Bench {
    generator: Generator,
    qemu: Qemu,
    visa: VisaCommand,
}

impl Bench {
    /// Runs one batch on both; returns how many instructions it has. An error is a difference.
    fn batch(&self, seed: u64) -> Result<usize> {
        let programs: Vec<Placed> =
            (0..PROGRAMS_PER_BATCH).map(|index| self.program(seed, index, UNITS_PER_PROGRAM)).collect();
        let image = Image::of(&programs, seed);
        let pair = self.run(&image);
        if pair.agree() {
            return Ok(image.instruction_count);
        }
        let suspects: Vec<u64> = match (&pair.theirs, &pair.ours) {
            // A program that trapped ends the run, so the first that differs is the one to look at.
            (Ok(theirs), Ok(ours)) => programs
                .iter()
                .filter(|placed| theirs.of(placed) != ours.of(placed))
                .map(|placed| placed.index)
                .take(1)
                .collect(),
            // An engine that failed left nothing to compare: it might be any.
            _ => (0..PROGRAMS_PER_BATCH).collect(),
        };
        for suspect in suspects {
            if !self.agree_on(seed, suspect, UNITS_PER_PROGRAM) {
                bail!(
                    "seed {seed}, program {suspect}: the engines differ\n{}",
                    self.narrow_down(seed, suspect)
                );
            }
        }
        bail!("seed {seed}: the batch differs, but none of its programs alone\n{}", report::ending(&pair))
    }

    fn program(&self, seed: u64, index: u64, unit_count: usize) -> Placed {
        let block = image::block_address(index);
        let program =
            Program::random(&self.generator, seed, index, UNITS_PER_PROGRAM, block, image::POOL_ADDRESS);
        Placed { program, index, unit_count }
    }

    fn run(&self, image: &Image) -> Pair {
        Pair { theirs: self.qemu.run(image), ours: self.visa.run(image) }
    }

    /// Runs the first units of one program.
    fn run_units(&self, seed: u64, index: u64, unit_count: usize) -> Pair {
        self.run(&Image::of(&[self.program(seed, index, unit_count)], seed))
    }

    fn agree_on(&self, seed: u64, index: u64, unit_count: usize) -> bool {
        self.run_units(seed, index, unit_count).agree()
    }

    /// Finds the unit after which the engines differ, by halving, and describes what it does.
    fn narrow_down(&self, seed: u64, index: u64) -> String {
        if !self.agree_on(seed, index, 0) {
            return report::difference(&self.program(seed, index, 0), None, &self.run_units(seed, index, 0));
        }
        // Invariant: the engines agree after `low` units and differ after `high`.
        let (mut low, mut high) = (0, UNITS_PER_PROGRAM);
        while high > low + 1 {
            let middle = low + (high - low) / 2;
            if self.agree_on(seed, index, middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        let before = self.run_units(seed, index, low);
        report::difference(
            &self.program(seed, index, high),
            before.theirs.ok().as_ref(),
            &self.run_units(seed, index, high),
        )
    }
}
