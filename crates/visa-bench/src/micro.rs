//! What single events cost: `guest/microbench/events.s`, run on a bare machine.

use serde::Serialize;
use visa_cycles::Parameters;
use visa_embed::{Feature, Features, MachineOptions};
use visa_machine::memory_map::RAM_BASE;

use crate::counts::Counts;
pub use crate::program::MicroError;
use crate::program::{self, Program, Side};

const PROGRAM: Program =
    Program { name: "guest/microbench/events.s", source: include_str!("../../../guest/microbench/events.s") };

const RAM_BYTES: u64 = 4 << 20;

/// The register in which the guest counts.
const COUNT_REGISTER: usize = 9;

/// The loop without an event in it.
const EMPTY: &str = "empty";

/// An event, on average over its repetitions, without the loop around it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Repetitions.
    pub count: u64,
    /// VM exits.
    pub exits: f64,
    /// Instructions, all rings.
    pub instructions: f64,
    /// Of these, in Ring -1.
    pub instructions_ring_minus_1: f64,
    /// Modelled cycles; nothing without a model.
    pub cycles: Option<f64>,
}

/// Whether the program runs on a machine without a feature. Its hypervisor is too small to make up for all of them: it
/// decodes nothing, and without the trap filter everything that passes here would trap. What visor spends there is in
/// [`crate::visor_exits`].
pub fn runs_without(feature: Option<Feature>) -> bool {
    use Feature::*;
    matches!(feature, None | Some(BankedSwitch | TlbTags | WalkCaches | TimerWithoutExit))
}

/// Measures all events on a machine with some features.
pub fn run(features: Features, parameters: Option<&Parameters>) -> Result<Vec<Event>, MicroError> {
    Ok(without_loop(measure(features, parameters)?))
}

/// Counts between the labels, and how often the guest did what stands between them.
fn measure(
    features: Features,
    parameters: Option<&Parameters>,
) -> Result<Vec<(String, u64, Counts)>, MicroError> {
    let program = PROGRAM.assemble(RAM_BASE)?;
    let options = MachineOptions { memory_bytes: RAM_BYTES, features, ..MachineOptions::default() };
    let mut instance = options.program(&program)?;
    let labels = program::labels(instance.image());
    if let Some(parameters) = parameters {
        instance.machine_mut().model_cycles(parameters)?;
    }
    let mut measured = Vec::new();
    let mut begun = None;
    PROGRAM.watch(&mut instance, &labels, |machine, name, side| {
        let counts = Counts::of(machine);
        match (side, begun.take()) {
            (Side::Begin, _) => begun = Some((machine.harts[0].state.bank.r[COUNT_REGISTER], counts)),
            (Side::End, Some((count, before))) => {
                measured.push((name.to_string(), count, counts.since(&before)));
            }
            (Side::End, None) => {}
        }
    })?;
    Ok(measured)
}

/// Averages, with what the empty loop takes taken off.
fn without_loop(measured: Vec<(String, u64, Counts)>) -> Vec<Event> {
    let average = |total: u64, count: u64| total as f64 / count.max(1) as f64;
    let cycles = |counts: &Counts| counts.millicycles().map(|millicycles| millicycles as f64 / 1e3);
    let empty = measured.iter().find(|(name, ..)| name == EMPTY);
    let (empty_instructions, empty_cycles) = empty.map_or((0.0, 0.0), |(_, count, counts)| {
        let count = *count;
        (average(counts.instructions, count), cycles(counts).unwrap_or(0.0) / count.max(1) as f64)
    });
    let to_event = |(name, count, counts): (String, u64, Counts)| Event {
        exits: average(counts.exits_total(), count),
        instructions: rounded(average(counts.instructions, count) - empty_instructions),
        instructions_ring_minus_1: average(counts.instructions_ring_minus_1, count),
        cycles: cycles(&counts).map(|cycles| rounded(cycles / count.max(1) as f64 - empty_cycles)),
        name: name.replace('_', "-"),
        count,
    };
    measured.into_iter().filter(|(name, ..)| name != EMPTY).map(to_event).collect()
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// What all events together were spent on.
#[cfg(test)]
pub(crate) fn accounts(parameters: &Parameters) -> Result<crate::counts::Accounts, MicroError> {
    let measured = measure(Features::default(), Some(parameters))?;
    let mut sum = crate::counts::Accounts::default();
    for spent in measured.iter().filter_map(|(.., counts)| counts.modelled.map(|modelled| modelled.spent)) {
        sum.iter_mut().zip(spent).for_each(|(sum, cycles)| *sum += cycles);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_does_not_exit_and_what_traps_exits_once() {
        let events = run(Features::default(), None).unwrap();
        assert_eq!(events.len(), 23);
        for event in &events {
            let exits =
                if event.name.ends_with("-passed") || event.name == "vint-send-self" { 0.0 } else { 1.0 };
            assert_eq!(event.exits, exits, "{}", event.name);
            assert_eq!(event.count, 1000, "{}", event.name);
        }
        let of = |name: &str| events.iter().find(|event| event.name == name).unwrap();
        // VMCAUSE, SLLI, ADD, LD, JR; WRMSR, J; VMRESUME. The guest's own instruction is completed, and does not retire.
        assert_eq!(of("hypercall").instructions, 8.0);
        assert_eq!(of("hypercall").instructions_ring_minus_1, 8.0);
        assert_eq!(of("out-trapped").instructions, 8.0);
        assert_eq!(of("cr3-write-passed").instructions, 1.0);
        // RDMSR, BLTZ, RDMSR, ADDI, WRMSR, SRET in Ring 0.
        assert_eq!(of("page-fault-passed").instructions, 6.0);
    }

    #[test]
    fn a_timer_that_exits_is_the_only_difference_without_it() {
        let with = run(Features::default(), None).unwrap();
        let without = run(Features::default().without(Feature::TimerWithoutExit), None).unwrap();
        for (with, without) in with.iter().zip(&without) {
            match with.name.as_str() {
                "timer-passed" => assert_eq!((with.exits, without.exits), (0.0, 1.0)),
                _ => assert_eq!(with, without),
            }
        }
    }

    #[test]
    fn a_feature_that_is_missing_changes_no_count() {
        let with = run(Features::default(), None).unwrap();
        let without = run(Features::default().without(Feature::BankedSwitch), None).unwrap();
        assert_eq!(with, without);
    }
}
