//! From "somewhere in this part of the run" to one instruction.
//!
//! Machines cannot go back, so each look is a run of both from the start: with the same parts as the first time, for the
//! fast engine may well do what it does because of where it was interrupted; then to a point in between. Of two points,
//! one with a difference and one without, the distance is halved until it is one instruction.

use super::script::{Script, advance};
use super::state::{self, MemoryMismatch, Mismatch, progress_mismatch};
use super::suspicion::Suspicion;
use crate::compare::{Difference, Executed, REMEMBERED};
use crate::input::LogEntry;
use crate::machine::{EngineKind, Machine, Progress, Slice};

/// Two machines made of the same inputs, neither of which has run.
pub struct Pair {
    /// On the fast engine.
    pub fast: Machine,
    /// On the reference interpreter.
    pub reference: Machine,
}

/// Looks for the first difference. `make` builds the machines anew, each time the same; `tell` hears between which counts
/// of retired instructions it must be, before each run but the first few. `None`: the machines do not differ this time.
pub fn narrow<E>(
    script: &Script,
    suspicion: &Suspicion,
    mut make: impl FnMut() -> Result<Pair, E>,
    mut tell: impl FnMut(u64, u64),
) -> Result<Option<Difference>, E> {
    let mut look = |at: Point, record_from: Option<u64>| {
        Ok::<Look, E>(Replay::new(script, make()?, record_from).run_to(at))
    };
    let start = look(Point { parts: 0, then: 0 }, None)?;
    if start.differs() {
        return Ok(Some(start.into_difference(0)));
    }
    let (mut agreed, mut differs) = (suspicion.agreed_part, suspicion.part);
    let mut found = look(Point { parts: differs, then: 0 }, None)?;
    if !found.differs() {
        return Ok(None);
    }
    let mut least = 0;
    // What shows in registers has mostly just happened; what shows in memory alone, at any time since.
    let mut middle = differs - 1;
    while differs - agreed > 1 {
        tell(least, found.instructions);
        let at = look(Point { parts: middle, then: 0 }, None)?;
        if at.differs() {
            (differs, found) = (middle, at);
        } else {
            (agreed, least) = (middle, at.instructions);
        }
        middle = agreed.midpoint(differs);
    }
    let began = found.part_began;
    let whole = found.instructions - began;
    let (mut low, mut high) = (0, whole);
    while high - low > 1 {
        tell(began + low, began + high);
        let middle = low.midpoint(high);
        match look(Point { parts: agreed, then: middle }, None)?.differs() {
            true => high = middle,
            false => low = middle,
        }
    }
    let at =
        if high == whole { Point { parts: differs, then: 0 } } else { Point { parts: agreed, then: high } };
    let remembered = (began + high).saturating_sub(REMEMBERED as u64);
    let last = look(at, Some(remembered))?;
    Ok(last.differs().then(|| last.into_difference(began + low)))
}

/// A point of a run: after so many whole parts, and so many instructions of the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Point {
    parts: u64,
    then: u64,
}

/// What there is at a point.
struct Look {
    /// Retired instructions of all harts of the reference, and those at the start of the last part.
    instructions: u64,
    part_began: u64,
    mismatches: Vec<Mismatch>,
    memory: Option<MemoryMismatch>,
    executed: Vec<Executed>,
}

impl Look {
    fn differs(&self) -> bool {
        !self.mismatches.is_empty() || self.memory.is_some()
    }

    fn into_difference(self, agreed: u64) -> Difference {
        Difference {
            agreed,
            found: self.instructions,
            mismatches: self.mismatches,
            memory: self.memory,
            executed: self.executed,
        }
    }
}

/// A run from the start.
struct Replay<'s> {
    script: &'s Script,
    pair: Pair,
    parts: u64,
    part_began: u64,
    /// Retired instructions of the reference from which on it is recorded.
    record_from: Option<u64>,
}

impl<'s> Replay<'s> {
    fn new(script: &'s Script, mut pair: Pair, record_from: Option<u64>) -> Replay<'s> {
        pair.fast.pause_at_halt = true;
        pair.reference.pause_at_halt = true;
        Replay { script, pair, parts: 0, part_began: 0, record_from }
    }

    fn run_to(mut self, at: Point) -> Look {
        let progress = self.play(at);
        let Pair { fast, reference } = &mut self.pair;
        let executed = reference.take_executed();
        let mut mismatches = state::differences(fast, reference);
        mismatches.extend(progress_mismatch(progress));
        Look {
            instructions: reference.instructions(),
            part_began: self.part_began,
            memory: state::memory_difference(fast, reference),
            mismatches,
            executed,
        }
    }

    /// Lets everything happen again up to a point; what the last parts came to.
    fn play(&mut self, at: Point) -> [Option<Progress>; 2] {
        if at == (Point { parts: 0, then: 0 }) {
            return [None; 2];
        }
        for entry in self.script.entries().iter() {
            match entry {
                LogEntry::Input(input) => {
                    self.pair.fast.input(input);
                    self.pair.reference.input(input);
                }
                LogEntry::Skip(nanoseconds) => {
                    self.pair.fast.skip(*nanoseconds);
                    self.pair.reference.skip(*nanoseconds);
                }
                LogEntry::Slices { slice_ns, last, times } => {
                    for _ in 0..*times {
                        if let Some(progress) = self.play_slice(*slice_ns, *last, at) {
                            return progress;
                        }
                    }
                }
                // Two machines in lockstep run by slices.
                LogEntry::Part { .. } | LogEntry::Steps { .. } => {}
            }
        }
        [None; 2]
    }

    /// A slice; `None`: the point was not in it.
    fn play_slice(&mut self, slice_ns: u64, last: u64, at: Point) -> Option<[Option<Progress>; 2]> {
        let begin =
            |machine: &Machine| machine.begin_slice(slice_ns, last.saturating_sub(machine.instructions()));
        let mut slices = [begin(&self.pair.fast), begin(&self.pair.reference)];
        loop {
            self.part_began = self.pair.reference.instructions();
            if self.parts == at.parts {
                return Some(self.play_part(&mut slices, at.then));
            }
            let progress = self.play_part(&mut slices, self.script.part());
            self.parts += 1;
            if (Point { parts: self.parts, then: 0 }) == at {
                return Some(progress);
            }
            if progress[0].is_some() {
                return None;
            }
        }
    }

    fn play_part(&mut self, slices: &mut [Slice; 2], most: u64) -> [Option<Progress>; 2] {
        let [of_fast, of_reference] = slices;
        let fast = advance(&mut self.pair.fast, of_fast, most, self.script.fault());
        [fast, self.play_reference(of_reference, most)]
    }

    /// The reference's part, recorded from the instruction on from which that is wanted.
    fn play_reference(&mut self, slice: &mut Slice, most: u64) -> Option<Progress> {
        let reference = &mut self.pair.reference;
        let before = reference.instructions();
        let end = before.saturating_add(most);
        if self.record_from.is_some_and(|from| from < end) {
            let from = self.record_from.take().unwrap_or_default();
            if from > before {
                let progress = reference.continue_slice(slice, from - before);
                if progress.is_some() || slice.is_paused() {
                    self.record_from = Some(from).filter(|from| *from > reference.instructions());
                    return progress;
                }
            }
            reference.set_engine(EngineKind::Recorder { most: REMEMBERED });
        }
        reference.continue_slice(slice, end - reference.instructions())
    }
}
