//! What visor itself spends on each kind of exit: `guest/microbench/visor.s`, booted under it.

use serde::Serialize;
use visa_core::{Features, Spread};
use visa_machine::boot::{self, BootError, Hardware, Image, KernelBoot, Mode};
use visa_machine::machine::TimeSource;

use crate::micro::MicroError;
use crate::program::{self, Program, Side};

const PROGRAM: Program =
    Program { name: "guest/microbench/visor.s", source: include_str!("../../../guest/microbench/visor.s") };

const MEMORY_BYTES: u64 = 4 << 20;

/// Where the kernel's ELF is linked: 2 MiB into memory.
const KERNEL_BASE: u64 = 0x8020_0000;

/// What visor spent on the exits of one cause, while the guest did one kind of thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VisorExit {
    /// What the guest did.
    pub name: String,
    /// The exits' cause.
    pub cause: &'static str,
    /// How many exits there were.
    pub count: u64,
    /// Instructions of visor from the exit to the next entry, both ends included: the fewest.
    pub least: u64,
    /// The most.
    pub most: u64,
}

/// Runs the guest on a machine with some features.
pub fn run(visor: &Image, features: Features) -> Result<Vec<VisorExit>, MicroError> {
    let kernel = PROGRAM.assemble(KERNEL_BASE)?;
    let hardware = Hardware { harts: 1, start_time_ns: 0, time: TimeSource::Instructions, features };
    let board = hardware.board(boot::ram_bytes_for_kernel(MEMORY_BYTES)?).map_err(BootError::from)?;
    let plan = KernelBoot {
        mode: Mode::Accelerated,
        kernel: Image::File(kernel.path().to_owned()),
        initrd: None,
        append: String::new(),
        memory_bytes: MEMORY_BYTES,
        seed: 0,
        visor: visor.clone(),
    };
    let ready = boot::kernel(&hardware, board, &plan)?;
    let labels = program::labels(&ready.image);
    let mut machine = ready.machine;
    let mut seen = Vec::new();
    PROGRAM.watch(&mut machine, &labels, |machine, label, side| {
        // Nobody else has use for what this hart has counted.
        let spreads = std::mem::take(&mut machine.harts[0].statistics.exit_instructions);
        if side == Side::End {
            seen.extend(spreads.iter().map(|(cause, spread)| row(label, cause.name(), spread)));
        }
    })?;
    Ok(seen)
}

fn row(label: &str, cause: &'static str, spread: &Spread) -> VisorExit {
    VisorExit {
        name: label.replace('_', "-"),
        cause,
        count: spread.count,
        least: spread.minimum,
        most: spread.maximum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What visor may spend on an exit, if its work is not long by itself.
    const MOST: u64 = 100;

    /// A loop over 64 bytes, each with a look at the UART.
    const LONG: [&str; 1] = ["console-64-bytes"];

    fn rows(features: Features) -> Vec<VisorExit> {
        let visor = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest/images/visor.elf");
        run(&Image::File(visor.into()), features).unwrap()
    }

    #[test]
    fn an_exit_costs_at_most_a_hundred_instructions() {
        let rows = rows(Features::default());
        println!("{rows:#?}");
        assert_eq!(rows.len(), 20);
        for row in rows {
            // VMCAUSE, at least a branch, WRMSR VMACTION, VMRESUME; nothing does it in fewer.
            assert!(row.least >= 4, "{row:?}");
            assert!(row.most <= MOST || LONG.contains(&row.name.as_str()), "{row:?}");
            assert_eq!(row.count, 16, "{row:?}");
        }
    }
}
