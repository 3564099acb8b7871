//! What visor itself spends on each kind of exit: `guest/microbench/visor.s`, booted under it.

use serde::Serialize;
use visa_embed::{Feature, Features, Image, Kernel, MachineOptions, Mode};
use visa_state::Spread;

use crate::program::{self, MicroError, Program, Side};

const PROGRAM: Program =
    Program { name: "guest/microbench/visor.s", source: include_str!("../../../guest/microbench/visor.s") };

const MEMORY_BYTES: u64 = 4 << 20;

/// Where the kernel's ELF is linked: 2 MiB into memory.
const KERNEL_BASE: u64 = 0x8020_0000;

/// What visor spent on the exits of one cause, while the guest did one kind of thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VisorExit {
    /// The feature that the machine lacks.
    pub without: Option<&'static str>,
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

/// Runs the guest on a machine with all features, and on one where everything exits that can.
pub fn run(visor: &Image) -> Result<Vec<VisorExit>, MicroError> {
    run_both(visor, Features::default())
}

/// The same on machines without decode assist: visor reads and decodes the guest's instructions.
pub fn run_decoding(visor: &Image) -> Result<Vec<VisorExit>, MicroError> {
    run_both(visor, Features::default().without(Feature::DecodeAssist))
}

fn run_both(visor: &Image, features: Features) -> Result<Vec<VisorExit>, MicroError> {
    let mut exits = run_without(visor, features, None)?;
    exits.extend(run_without(visor, features, Some(Feature::TrapFilter))?);
    Ok(exits)
}

fn run_without(
    visor: &Image,
    features: Features,
    without: Option<Feature>,
) -> Result<Vec<VisorExit>, MicroError> {
    let features = without.map_or(features, |feature| features.without(feature));
    let kernel = PROGRAM.assemble(KERNEL_BASE)?;
    let boot = Kernel::new(Mode::Accelerated, kernel, visor.clone());
    let mut instance =
        MachineOptions { memory_bytes: MEMORY_BYTES, features, ..MachineOptions::default() }.kernel(boot)?;
    let labels = program::labels(instance.image());
    let mut seen = Vec::new();
    PROGRAM.watch(&mut instance, &labels, |machine, label, side| {
        // Nobody else has use for what this hart has counted.
        let spreads = std::mem::take(&mut machine.harts[0].state.statistics.exit_instructions);
        if side == Side::End {
            let rows = spreads.iter().map(|(cause, spread)| VisorExit {
                without: without.map(Feature::name),
                ..row(label, cause.name(), spread)
            });
            seen.extend(rows);
        }
    })?;
    Ok(seen)
}

fn row(label: &str, cause: &'static str, spread: &Spread) -> VisorExit {
    VisorExit {
        without: None,
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

    /// What without the trap filter exits by itself, with all that visor needs in the exit record.
    const DECODED: [&str; 9] = [
        "denied-load",
        "denied-store",
        "denied-fetch",
        "in",
        "in-absent",
        "out",
        "msr-read",
        "tlb-flush",
        "cr3-write",
    ];

    #[test]
    fn an_exit_costs_at_most_a_hundred_instructions() {
        let visor = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest/images/visor.elf");
        let rows = run(&Image::File(visor.into())).unwrap();
        println!("{rows:#?}");
        let (all, without): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.without.is_none());
        assert_eq!(all.len(), 20);
        for row in all {
            // VMCAUSE, at least a branch, WRMSR VMACTION, VMRESUME; nothing does it in fewer.
            assert!(row.least >= 4, "{row:?}");
            assert!(row.most <= MOST || LONG.contains(&row.name.as_str()), "{row:?}");
            assert_eq!(row.count, 16, "{row:?}");
        }
        for name in DECODED {
            let mut of_this = without.iter().filter(|row| row.name == name).peekable();
            assert!(of_this.peek().is_some(), "{name} does not exit");
            of_this.for_each(|row| assert!(row.most <= MOST, "{row:?}"));
        }
    }
}
