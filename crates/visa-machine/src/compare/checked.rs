//! The JIT, looked at now and then: at random moments the interpreter executes the next stretch of instructions on a copy of
//! the hart, what it wrote to RAM is taken back, the JIT executes the same stretch, and both are compared.
//!
//! Which instructions are checked follows from the seed and from how many have retired, and from nothing else: a stretch that
//! the caller's limit interrupts goes on at the next run. An instruction that reaches for a device is not checked, as what a
//! device does cannot be taken back. What the JIT stores to pages in which the interpreter stores nothing is not
//! looked at; two machines in lockstep see that, too.

use std::num::NonZeroU32;

use visa_core::Hart;
use visa_interp::{Engine, GeneratedCode, Interpreter, RunEnd};
use visa_jit::{CheckedCode, Jit, Settings};
use visa_mem::{Platform, Ram, Trial};

use super::difference::{Difference, REMEMBERED};
use super::facts::{MemoryMismatch, Mismatch, SHOWN_BYTES, Value, hart_differences};
use super::fault::Fault;
use super::record::ExecutedRecorder;
use crate::board::Board;

/// Instructions of a stretch, on average: so many that most functions are in one from their call to their return, and that
/// copying the hart takes less time than executing them.
const STRETCH: u64 = 10_000;

/// Accesses to devices after which the rest of a stretch is let go: a guest that prints does hardly anything else.
const REACHES: u32 = 4;

/// The whole, of which a share is checked.
const MILLION: u64 = 1_000_000;

/// How much is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checking {
    /// Instructions that are checked, of a million: at most all.
    pub per_million: NonZeroU32,
    /// What the random moments start from.
    pub seed: u64,
    /// Units of generated code that are checked, of a million ([`Settings::check`]); 0: no code is.
    pub code_per_million: u32,
    /// A change of what the JIT computes, to see that it is found.
    pub fault: Option<Fault>,
}

/// How much was checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CheckedFigures {
    /// Stretches that were begun.
    pub stretches: u64,
    /// Instructions that both engines have executed.
    pub instructions: u64,
}

/// The engine.
pub(crate) struct Checked {
    fast: Box<dyn Engine<Board>>,
    checking: Checking,
    random: u64,
    /// Instructions until the next stretch; when that is none, those left of the stretch, and of its accesses to devices.
    gap: u64,
    stretch: u64,
    reaches: u32,
    figures: CheckedFigures,
    found: Option<Box<Difference>>,
}

/// What a stretch came to on the interpreter.
struct Outcome {
    hart: Box<Hart>,
    end: RunEnd,
    trial: Trial,
    /// Whether it ended because the last instruction reached for a device.
    reached: bool,
}

impl Checked {
    /// One that has executed nothing.
    pub fn new(checking: Checking) -> Checked {
        let Checking { code_per_million: per_million, seed, .. } = checking;
        let check = (per_million > 0).then_some(CheckedCode { per_million, seed });
        let mut checked = Checked {
            fast: Box::new(Jit::new(Settings { check, ..Settings::default() })),
            checking,
            // Zero is the one number that the generator does not leave.
            random: (checking.seed ^ 0x9e37_79b9_7f4a_7c15).max(1),
            gap: 0,
            stretch: 0,
            reaches: 0,
            figures: CheckedFigures::default(),
            found: None,
        };
        checked.gap = checked.next_gap();
        checked
    }

    /// How much was checked.
    pub fn figures(&self) -> CheckedFigures {
        self.figures
    }

    /// The first difference, once.
    pub fn take_difference(&mut self) -> Option<Difference> {
        self.found.take().map(|found| *found)
    }

    /// A number up to twice another: Marsaglia's xorshift.
    fn up_to_twice(&mut self, mean: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % mean.saturating_mul(2).saturating_add(1)
    }

    /// Instructions to the next stretch.
    fn next_gap(&mut self) -> u64 {
        let checked = u64::from(self.checking.per_million.get()).min(MILLION);
        self.up_to_twice(STRETCH * (MILLION - checked) / checked)
    }

    /// The JIT, with the fault when it is its time.
    fn advance(&mut self, hart: &mut Hart, board: &mut Board, until: u64) -> RunEnd {
        let before = hart.state.instructions;
        let Some(fault) = self.checking.fault.filter(|fault| before < fault.after && fault.after <= until)
        else {
            return self.fast.run(hart, board, until);
        };
        let end = self.fast.run(hart, board, fault.after);
        if hart.state.instructions == fault.after {
            fault.apply(hart, board.ram());
        }
        if end == RunEnd::Limit && hart.state.instructions < until {
            self.fast.run(hart, board, until)
        } else {
            end
        }
    }

    /// Executes a stretch on both, up to the first instruction that reaches for a device, and lets that one pass.
    fn check(&mut self, hart: &mut Hart, board: &mut Board, stretch: u64) -> RunEnd {
        let start = Box::new(hart.clone());
        let began = start.state.instructions;
        let mut length = stretch;
        let mut reference = self.reference(&start, board, length);
        let reached = reference.reached;
        if reached {
            self.reaches -= 1;
            // An access that sets no attention would have let the copy go on with what is not so.
            let done =
                if reference.end == RunEnd::Stopped { reference.hart.state.instructions - began } else { 0 };
            length = done.saturating_sub(1).min(length);
            if length > 0 {
                reference = self.reference(&start, board, length);
            }
            if length == 0 || reference.reached {
                return self.advance(hart, board, began + 1);
            }
        }
        let end = self.advance(hart, board, began + length);
        self.figures.instructions += hart.state.instructions - began;
        let (mismatches, memory) = compare(hart, end, board.ram(), &reference);
        if !mismatches.is_empty() || memory.is_some() {
            let coarse =
                Difference { agreed: began, found: began + length, mismatches, memory, executed: Vec::new() };
            self.found = Some(Box::new(self.narrow(&start, &reference.trial, board, length, coarse)));
            return RunEnd::Stopped;
        }
        if reached && end == RunEnd::Limit && length < stretch {
            return self.advance(hart, board, began + length + 1);
        }
        end
    }

    /// Executes a stretch on the interpreter, and takes back what that changes.
    fn reference(&mut self, start: &Hart, board: &mut Board, stretch: u64) -> Outcome {
        let mut hart = Box::new(start.clone());
        let interpreter = self.fast.interpreter();
        let mark = interpreter.mark();
        board.withhold_devices();
        board.ram().begin_trial();
        let end = interpreter.run(&mut hart, board, start.state.instructions + stretch);
        let trial = board.ram().end_trial();
        interpreter.take_back(mark, &trial);
        let reached = board.release_devices();
        Outcome { hart, end, trial, reached }
    }

    /// Looks for the instruction, by executing parts of the stretch anew; `coarse` is what is known without. What the JIT
    /// wrote where the interpreter did not stays, so that this may find less than there was; the run is over in any case.
    fn narrow(
        &mut self,
        start: &Hart,
        trial: &Trial,
        board: &mut Board,
        stretch: u64,
        coarse: Difference,
    ) -> Difference {
        let (mut low, mut high, mut found) = (0, stretch, None);
        let mut next = stretch;
        let mut start = Box::new(start.clone());
        // Pages that the JIT has watched since may be known as pages to store to.
        start.mmu.tlb.flush_first_level();
        loop {
            take_back(board.ram(), trial);
            let reference = self.reference(&start, board, next);
            let mut hart = start.clone();
            board.withhold_devices();
            let end = self.advance(&mut hart, board, start.state.instructions + next);
            board.release_devices();
            let (mismatches, memory) = compare(&hart, end, board.ram(), &reference);
            match !mismatches.is_empty() || memory.is_some() {
                true => (high, found) = (next, Some((mismatches, memory))),
                false => low = next,
            }
            if found.is_none() || high - low <= 1 {
                break;
            }
            next = low.midpoint(high);
        }
        take_back(board.ram(), trial);
        let Some((mismatches, memory)) = found else { return coarse };
        let mut recorder = ExecutedRecorder::new(REMEMBERED);
        board.withhold_devices();
        recorder.run(&mut start.clone(), board, start.state.instructions + high);
        board.release_devices();
        Difference {
            agreed: start.state.instructions + low,
            found: start.state.instructions + high,
            mismatches,
            memory,
            executed: recorder.take(),
        }
    }
}

impl Engine<Board> for Checked {
    fn name(&self) -> &'static str {
        "checked"
    }

    fn interpreter(&mut self) -> &mut Interpreter {
        self.fast.interpreter()
    }

    fn generated(&self) -> Option<&dyn GeneratedCode> {
        self.fast.generated()
    }

    /// After a difference it comes back stopped.
    fn run(&mut self, hart: &mut Hart, board: &mut Board, limit: u64) -> RunEnd {
        loop {
            if self.gap == 0 && self.stretch == 0 {
                self.stretch = self.up_to_twice(STRETCH).max(1);
                self.reaches = REACHES;
                self.figures.stretches += 1;
            }
            let before = hart.state.instructions;
            let room = limit.saturating_sub(before);
            let end = if self.gap > 0 || room == 0 {
                let end = self.advance(hart, board, before + room.min(self.gap));
                self.gap -= (hart.state.instructions - before).min(self.gap);
                end
            } else {
                let end = self.check(hart, board, room.min(self.stretch));
                self.stretch -= (hart.state.instructions - before).min(self.stretch);
                if self.reaches == 0 {
                    self.stretch = 0;
                }
                if self.stretch == 0 {
                    self.gap = self.next_gap();
                }
                end
            };
            if self.found.is_some() {
                return RunEnd::Stopped;
            }
            if end != RunEnd::Limit || hart.state.instructions >= limit {
                return end;
            }
        }
    }
}

/// Puts back what was in pages that the interpreter wrote, and the JIT after it.
fn take_back(ram: &Ram, trial: &Trial) {
    for page in &trial.written {
        // A page that was written is inside RAM.
        let _ = ram.write_bytes(page.offset, page.before.as_slice());
    }
}

/// What the JIT's hart, its end and RAM do not have in common with what the interpreter came to.
fn compare(
    hart: &Hart,
    end: RunEnd,
    ram: &Ram,
    reference: &Outcome,
) -> (Vec<Mismatch>, Option<MemoryMismatch>) {
    let index = Some(hart.state.id as usize);
    let mut mismatches: Vec<Mismatch> = hart_differences(hart, &reference.hart)
        .into_iter()
        .map(|mismatch| Mismatch { hart: index, ..mismatch })
        .collect();
    if end != reference.end {
        let [fast, reference] = [end, reference.end].map(|end| Value::Word(format!("{end:?}")));
        mismatches.push(Mismatch { hart: index, name: "what the run came to".into(), fast, reference });
    }
    let memory = reference.trial.written.iter().find_map(|page| {
        let (found, expected) = (ram.page(page.offset), &page.after);
        let at = (0..found.len()).find(|&at| found[at] != expected[at])?;
        let from = at - at % SHOWN_BYTES;
        let shown = |bytes: &[u8]| bytes[from..from + SHOWN_BYTES].try_into().ok();
        Some(MemoryMismatch {
            address: ram.base() + page.offset + at as u64,
            shown_from: ram.base() + page.offset + from as u64,
            fast: shown(found.as_slice())?,
            reference: shown(expected.as_slice())?,
        })
    });
    (mismatches, memory)
}
