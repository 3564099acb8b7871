//! The last instructions before a difference, as the reference executes them.

use std::collections::{BTreeSet, VecDeque};

use visa_core::Hart;
use visa_interp::{Engine, Interpreter, RunEnd};
use visa_isa::{Ring, decode};
use visa_mem::Platform;
use visa_mmu::inspect::locate;

use super::facts::hart_facts;

/// An instruction that was executed, or an interrupt that came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Executed {
    /// The hart.
    pub hart: usize,
    /// The ring before it.
    pub ring: Ring,
    /// Its address.
    pub pc: u64,
    /// Its bits; `None` if an interrupt or a fetch fault came first.
    pub bits: Option<u32>,
    /// Whether it retired: it was not stopped by an exception or an exit.
    pub retired: bool,
    /// What it changed of its hart's state, by name.
    pub changed: BTreeSet<String>,
    /// The physical address and length of its store, if it is one.
    pub stored: Option<(u64, u64)>,
}

/// An interpreter that writes down what it executes.
pub(crate) struct ExecutedRecorder {
    interpreter: Interpreter,
    executed: VecDeque<Executed>,
    most: usize,
}

impl ExecutedRecorder {
    /// One that remembers so many instructions.
    pub fn new(most: usize) -> ExecutedRecorder {
        ExecutedRecorder { interpreter: Interpreter::new(), executed: VecDeque::new(), most }
    }

    /// What it remembers, the last one last.
    pub fn take(&mut self) -> Vec<Executed> {
        std::mem::take(&mut self.executed).into()
    }

    fn note(&mut self, executed: Executed) {
        if self.executed.len() == self.most {
            self.executed.pop_front();
        }
        self.executed.push_back(executed);
    }
}

impl<P: Platform> Engine<P> for ExecutedRecorder {
    fn name(&self) -> &'static str {
        "interpreter"
    }

    fn interpreter(&mut self) -> &mut Interpreter {
        &mut self.interpreter
    }

    /// By steps.
    fn run(&mut self, hart: &mut Hart, platform: &mut P, limit: u64) -> RunEnd {
        loop {
            let before = hart_facts(hart);
            let (ring, pc, retired) = (hart.state.ring, hart.state.bank.pc, hart.state.instructions);
            let stored = next_store(hart, platform);
            let (bits, end) = if retired < limit {
                let (step, end) = self.interpreter.step(hart, platform);
                (step.bits, end)
            } else {
                // Nothing is executed any more, but an interrupt may come.
                (None, Some(self.interpreter.run(hart, platform, limit)))
            };
            let both = before.into_iter().zip(hart_facts(hart));
            let changed: BTreeSet<String> =
                both.filter(|(before, after)| before != after).map(|(before, _)| before.name).collect();
            if bits.is_some() || pc != hart.state.bank.pc {
                let hart_id = hart.state.id as usize;
                let stored = stored.filter(|_| bits.is_some());
                let retired = hart.state.instructions != retired;
                self.note(Executed { hart: hart_id, ring, pc, bits, retired, changed, stored });
            }
            if let Some(end) = end {
                return end;
            }
        }
    }
}

/// Where the next instruction will store, if it is a store to RAM.
fn next_store<P: Platform>(hart: &Hart, platform: &P) -> Option<(u64, u64)> {
    let ram = platform.ram();
    let half = |address| {
        let physical = locate(&hart.state, ram, address).ok()?.physical;
        ram.load_u16(ram.offset_of(physical.0, 2)?)
    };
    let pc = hart.state.bank.pc;
    let low = u32::from(half(pc)?);
    let bits = if low & 3 == 3 { u32::from(half(pc.wrapping_add(2))?) << 16 | low } else { low };
    let access = hart.data_access(&decode(bits)?).filter(|access| access.writes)?;
    Some((locate(&hart.state, ram, access.address).ok()?.physical.0, access.bytes))
}
