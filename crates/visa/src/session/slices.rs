//! The slices of a run, and their parts: between slices there is input, between parts somebody may say that the run is to end.

use std::time::{Duration, Instant};

use visa_machine::machine::Progress;

use super::begun::{Begun, PART};
use super::{STEPS_PER_LOOK, Session};
use crate::exit::Ending;
use crate::trace::Trace;

/// Virtual nanoseconds of a slice. What happens between slices (input, limits) must not depend on the host's time, so
/// that a run can be repeated.
const SLICE_NS: u64 = 200_000;
/// How long a part may take, and how long parts take at least that get longer again.
const PART_TIME: Duration = Duration::from_millis(5);
const PART_TIME_SHORT: Duration = Duration::from_millis(1);

impl Session {
    /// Runs the machine for a slice; instruction by instruction if that is traced. Or the run ends before.
    pub(super) fn slice(&mut self) -> anyhow::Result<Result<Progress, Ending>> {
        loop {
            let progress = self.part()?;
            if let Some(trace) = &mut self.trace {
                trace.note_events(self.instance.machine_mut(), &self.symbols)?;
            }
            if let Some(timeline) = &mut self.timeline {
                timeline.note(self.instance.machine_mut())?;
            }
            self.write_out()?;
            if self.suspicion.is_some() || self.is_found_wrong() {
                return Ok(Err(Ending::EnginesDiffer));
            }
            if let Some(progress) = progress {
                self.slice = None;
                return Ok(Ok(progress));
            }
            if let Some(ending) = self.look_around()? {
                return Ok(Err(ending));
            }
        }
    }

    /// A part of a slice of the machine, and of the one that goes along with it. `None`: the slice is not over.
    fn part(&mut self) -> anyhow::Result<Option<Progress>> {
        let begun = match self.slice.take() {
            Some(begun) => begun,
            None => self.begin(),
        };
        let begun = self.slice.insert(begun);
        match begun {
            Begun::Alone(slice) => {
                let began = Instant::now();
                let progress = self.instance.machine_mut().continue_slice(slice, self.part);
                let took = began.elapsed();
                if took > PART_TIME {
                    self.part = (self.part / 8).max(*PART.start());
                } else if took < PART_TIME_SHORT {
                    self.part = (self.part * 2).min(*PART.end());
                }
                Ok(progress)
            }
            Begun::Pair(slices) => {
                let Some(lockstep) = &mut self.lockstep else { return Ok(Some(Progress::Running)) };
                Ok(lockstep.continue_slice(self.instance.machine_mut(), slices).unwrap_or_else(|suspicion| {
                    self.suspicion = Some(suspicion);
                    None
                }))
            }
            Begun::Traced { end_ns, last } => {
                let (end_ns, last) = (*end_ns, *last);
                self.traced_part(end_ns, last)
            }
        }
    }

    /// Whether a machine that is checked was found wrong.
    fn is_found_wrong(&mut self) -> bool {
        self.difference = self.instance.machine_mut().take_difference();
        self.difference.is_some()
            || self.instance.machine().checked().is_some()
                && !self.instance.machine().code_faults().is_empty()
    }

    /// Begins a slice.
    fn begin(&mut self) -> Begun {
        let instructions = self.instructions_left();
        if self.trace.as_ref().is_some_and(Trace::wants_steps) {
            return Begun::Traced {
                end_ns: self.instance.now_ns().saturating_add(SLICE_NS),
                last: self.instance.instructions().saturating_add(instructions),
            };
        }
        match &mut self.lockstep {
            None => Begun::Alone(self.instance.machine().begin_slice(SLICE_NS, instructions)),
            Some(lockstep) => {
                Begun::Pair(lockstep.begin_slice(self.instance.machine(), SLICE_NS, instructions))
            }
        }
    }

    /// At the end of a run in lockstep: how it has ended, with memory compared.
    pub(super) fn compare_memory(&mut self, ending: Ending) -> Ending {
        match &mut self.lockstep {
            Some(lockstep) if self.suspicion.is_none() => {
                self.suspicion = lockstep.finish(self.instance.machine()).err();
                if self.suspicion.is_some() { Ending::EnginesDiffer } else { ending }
            }
            _ => ending,
        }
    }

    fn instructions_left(&self) -> u64 {
        self.instructions_max.map_or(u64::MAX, |limit| limit.saturating_sub(self.instance.instructions()))
    }

    /// As a part of a slice of the machine, but by steps, of the harts in the order in which they run untraced.
    fn traced_part(&mut self, end_ns: u64, last: u64) -> anyhow::Result<Option<Progress>> {
        let Some(trace) = &mut self.trace else { return Ok(Some(Progress::Running)) };
        for _ in 0..STEPS_PER_LOOK {
            if self.instance.now_ns() >= end_ns || self.instance.instructions() >= last {
                return Ok(Some(Progress::Running));
            }
            let hart = self.instance.machine_mut().next_hart();
            let progress = trace.step(self.instance.machine_mut(), hart, &self.symbols)?;
            if progress != Progress::Running {
                return Ok(Some(progress));
            }
        }
        Ok(None)
    }
}
