//! Exits of the software-only mode: there the guest, kernel and all, runs in Ring 3 and visor in Ring 0, so that what
//! leaves for visor is a trap, and what visor does ends with SRET. The hart's own statistics know nothing of that.

use std::collections::BTreeMap;

use visa_core::Event;
use visa_core::timeline::Change;
use visa_isa::Ring;
use visa_isa::cause::{Exception, INTERRUPT, interrupt};
use visa_machine::machine::Machine;

use crate::counts::Counts;
use crate::stat::{ExitLine, ExitTable};

/// Moments between two looks: more than the machine has time for.
const MOMENTS_MAX: usize = 1 << 22;

/// Traps into visor, by cause, and its instructions until it goes back.
#[derive(Default)]
pub struct SoftwareExits {
    exits: BTreeMap<&'static str, ExitLine>,
    /// The trap that visor is at work on: its cause, and the instructions retired before it.
    open: Option<(&'static str, u64)>,
    /// Whether anybody watches.
    watches: bool,
}

impl SoftwareExits {
    /// Watches a machine of one hart from now on.
    pub fn watch(machine: &mut Machine) -> SoftwareExits {
        for hart in &mut machine.harts {
            hart.observers.keep_events();
        }
        machine.record_timeline(MOMENTS_MAX);
        SoftwareExits { watches: true, ..SoftwareExits::default() }
    }

    /// Takes in what has happened since the last look.
    pub fn look(&mut self, machine: &mut Machine) {
        if !self.watches {
            return;
        }
        let events = machine.harts[0].observers.take_events();
        let traps = events.iter().filter_map(|event| match event {
            Event::Trap { instructions, from: Ring::User, to: Ring::Kernel, cause, .. } => {
                Some((*instructions, Some(cause_name(*cause))))
            }
            _ => None,
        });
        let moments = machine.take_timeline(0);
        let returns = moments
            .iter()
            .filter(|moment| moment.change == Change::Ring(Ring::User))
            .map(|moment| (moment.instructions, None));
        let mut both: Vec<_> = traps.chain(returns).collect();
        // A trap and the return from the one before are never at the same instruction: the return retires.
        both.sort_by_key(|(instructions, _)| *instructions);
        for (instructions, trap) in both {
            match trap {
                Some(cause) => {
                    self.exits.entry(cause).or_default().count += 1;
                    self.open = Some((cause, instructions));
                }
                None => self.close(instructions),
            }
        }
    }

    /// Adds what was seen to a machine's counts.
    pub fn add_to(&self, counts: &mut Counts) {
        for (cause, seen) in &self.exits {
            let exits = counts.exits.entry(cause).or_default();
            exits.count += seen.count;
            exits.instructions += seen.instructions.total;
            counts.instructions_hypervisor += seen.instructions.total;
        }
    }

    /// What was seen, as the table of exits.
    pub fn table(&self) -> ExitTable {
        self.exits.iter().map(|(cause, line)| (*cause, *line)).collect()
    }

    fn close(&mut self, instructions: u64) {
        let Some((cause, since)) = self.open.take() else { return };
        // The return itself retires too.
        self.exits.entry(cause).or_default().instructions.add(instructions + 1 - since);
    }
}

/// The cause of a trap by scause, in the manner of the causes of VM exits.
fn cause_name(cause: u64) -> &'static str {
    if cause & INTERRUPT != 0 {
        return match (cause & !INTERRUPT) as u32 {
            interrupt::SUPERVISOR_TIMER => "trap: timer",
            interrupt::SUPERVISOR_EXTERNAL => "trap: external interrupt",
            _ => "trap: software interrupt",
        };
    }
    match Exception::from_number(cause) {
        Some(Exception::IllegalInstruction) => "trap: illegal instruction",
        Some(Exception::EcallUser) => "trap: ecall",
        Some(Exception::FetchPageFault | Exception::LoadPageFault | Exception::StorePageFault) => {
            "trap: page fault"
        }
        Some(Exception::Breakpoint) => "trap: breakpoint",
        Some(Exception::FetchAccessFault | Exception::LoadAccessFault | Exception::StoreAccessFault) => {
            "trap: access fault"
        }
        _ => "trap: other exception",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_are_counted_by_cause() {
        let mut exits = SoftwareExits::default();
        exits.close(3);
        exits.open = Some((cause_name(8), 10));
        exits.close(29);
        exits.open = Some((cause_name(INTERRUPT | 5), 40));
        exits.close(44);
        let mut counts = Counts::default();
        exits.add_to(&mut counts);
        assert_eq!(counts.exits["trap: ecall"].instructions, 20);
        assert_eq!(counts.exits["trap: timer"].instructions, 5);
        assert_eq!(counts.instructions_hypervisor, 25);
    }
}
