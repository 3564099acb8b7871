//! Calls of what is not generated, and ways out.

use iced_x86::Instruction;

use super::flow::{Checker, Place, Position, Under, Way};
use super::mark::Begins;
use super::value::{Flags, Kind, NEW, Predictions, State, Value, bit};
use crate::optimise::lower::SideExit;
use crate::optimise::thunk::LANDING;
use crate::registers::{BUDGET, MAPPED, RAX, RCX, RDX};
use crate::runtime::{InstructionRecord, field};

/// General registers that calls keep.
const KEPT: [u8; 7] = [3, 4, 5, 12, 13, 14, 15];

impl Checker<'_> {
    /// Which step the interpreter, or the TLB, is asked about.
    pub(super) fn is_asked_about(&self, position: Position, record: &Value) -> Result<usize, String> {
        let Kind::Constant(address) = record.kind else { return Err("calls without a record".into()) };
        let records = &self.subject.emitted.records;
        let distance = (address as usize).wrapping_sub(records.as_ptr() as usize);
        let Position::In(under) = position else { return Err("calls outside of an instruction".into()) };
        let index = distance / size_of::<InstructionRecord>();
        let is_own = self.subject.marks[under.mark].record == index;
        let single = self.subject.marks[under.mark].kind == Begins::Step(1);
        if !distance.is_multiple_of(size_of::<InstructionRecord>()) || !is_own || !single || under.interpreted
        {
            return Err("calls for another instruction than its own".into());
        }
        Ok(index)
    }

    /// Calls of trampolines, which know registers in their usual places.
    pub(super) fn call(&mut self, next: Place, mut state: State, target: usize) -> Way {
        let trampolines = self.subject.trampolines;
        if self.subject.thunk.is_some_and(|thunk| target == thunk.function) {
            in_slots(&state)?;
            if state.general[RDX as usize].kind != Kind::Budget(0) {
                return Err("calls a loop with another budget than there is".into());
            }
            state.all_in_slots();
            state.general[RDX as usize] = Value::of_kind(Kind::Budget(0));
            state.general[RAX as usize] = Value::of_kind(Kind::Temporary);
            return self.arrive(next, state, false);
        }
        if target == trampolines.interpret || target == trampolines.access {
            let record = self.is_asked_about(next.position, &state.general[RDX as usize])?;
            let mut interpreted = state.clone();
            self.in_usual_places(&interpreted)?;
            for (guest, host) in MAPPED {
                interpreted.slots[guest as usize] = interpreted.general[host as usize];
            }
            let place = self.interpret(next, &mut interpreted, record, None)?;
            for (guest, host) in MAPPED {
                interpreted.general[host as usize] = interpreted.slots[guest as usize];
            }
            interpreted.flags = Flags::Zero(false);
            self.arrive(place, interpreted, false)?;
            if target == trampolines.interpret {
                return Ok(());
            }
            spoil(&mut state, &[RAX, RCX, RDX]);
            state.predictions = Predictions::Old;
            state.flags = Flags::Zero(true);
            return self.arrive(next, state, false);
        }
        if target == trampolines.time || target == trampolines.interrupt {
            let left = state.general[RAX as usize].kind;
            match (left, state.general[BUDGET as usize].kind) {
                (Kind::Constant(left), Kind::Budget(budget)) if budget == -(left as i64) => {}
                _ => return Err("asks with a wrong count of instructions".into()),
            }
            spoil(&mut state, &[RAX, RCX]);
            let new = self.view(&next.position, &state).step.map_or(0, |_| bit(NEW));
            state.general[RAX as usize] = Value { full: new, low: new, kind: Kind::Temporary };
            return self.arrive(next, state, false);
        }
        Err("calls what generated code does not call".into())
    }

    /// The interpreter has executed the step's instruction: all of its result is in the slots.
    pub(super) fn interpret(
        &self,
        next: Place,
        state: &mut State,
        record: usize,
        given: Option<i64>,
    ) -> Result<Place, String> {
        let Position::In(under) = next.position else { return Err("interprets nothing".into()) };
        let left = self.subject.emitted.records[record].left;
        let budget = given.map_or(state.general[BUDGET as usize].kind, Kind::Budget);
        if budget != Kind::Budget(-left) {
            return Err(format!(
                "has an instruction interpreted with {left} left, but a budget of {budget:?}"
            ));
        }
        in_slots(state)?;
        let step = self.steps[under.mark];
        for register in 0..32u8 {
            let of = |written: Option<u8>| Value::of(if written == Some(register) { NEW } else { register });
            state.slots[register as usize] = if register == 0 { Value::default() } else { of(step.written) };
        }
        for register in 0..16u8 {
            if !KEPT.contains(&register) {
                state.general[register as usize] = Value::default();
            }
        }
        state.forget_vector();
        if let Some(written) = step.float_written {
            state.floats_mut().slots[written as usize] = Value::of(NEW);
        }
        state.predictions = Predictions::Old;
        state.predicted = None;
        state.given = None;
        Ok(Place { position: Position::In(Under { interpreted: true, ..under }), ..next })
    }

    /// Calls by the environment, from a region's own trampolines.
    pub(super) fn call_runtime(&mut self, next: Place, mut state: State, i: &Instruction) -> Way {
        let function = i.memory_displacement64() as i32;
        if function == field::INTERPRET {
            let record = self.is_asked_about(next.position, &state.general[RDX as usize])?;
            let given = state.given.ok_or("calls the interpreter without a budget")?;
            let place = self.interpret(next, &mut state, record, Some(given))?;
            state.general[RAX as usize] = Value::of_kind(Kind::Interpreted);
            return self.arrive(place, state, false);
        }
        if function == field::REFILL {
            self.is_asked_about(next.position, &state.general[RCX as usize])?;
            for register in (0..16).filter(|register| !KEPT.contains(register)) {
                state.general[register as usize] = Value::default();
            }
            state.forget_vector();
            state.predictions = Predictions::Old;
            state.general[RAX as usize] = Value::of_kind(Kind::Refilled);
            return self.arrive(next, state, false);
        }
        Err("calls what a region does not call".into())
    }

    /// An exit by a trampoline.
    pub(super) fn leave(&mut self, place: Place, mut state: State, target: usize) -> Way {
        let trampolines = self.subject.trampolines;
        let by_address = [trampolines.exit_budget, trampolines.exit_float, trampolines.exit_short];
        let [link, pc] = [RAX, RCX].map(|register| state.general[register as usize].kind);
        let says = if target == trampolines.exit_link {
            let Kind::Constant(number) = link else { return Err("leaves by no link".into()) };
            let link = (number as usize).checked_sub(self.subject.first_link as usize);
            let link = link.and_then(|index| self.subject.emitted.links.get(index));
            Some(link.ok_or("leaves by a link that is not its own")?.target)
        } else if self.subject.thunk.is_some_and(|thunk| target == thunk.instead) {
            self.subject.thunk.map(|thunk| thunk.pc)
        } else if matches!((self.subject.thunk, pc), (Some(_), Kind::Constant(_)))
            || by_address.contains(&target)
        {
            let Kind::Constant(pc) = pc else { return Err("leaves for no address".into()) };
            Some(pc)
        } else if target == trampolines.exit_indirect
            || target == trampolines.fetch
            || target == trampolines.indirect
        {
            return self.leave_for(place.position, state);
        } else {
            return Err("jumps where generated code does not jump".into());
        };
        let reached = self.reached(place.position)?;
        if reached != says {
            return Err(format!("leaves for {says:x?}, where execution goes on at {reached:x?}"));
        }
        self.complete(&mut state, place.position)?;
        self.in_usual_places(&state)?;
        self.budget_is_due(&state)
    }

    /// Where a loop is left: at one of its landings, behind the jump.
    pub(super) fn land(&mut self, next: Place, state: State) -> Way {
        let side_exits = self.subject.thunk.map_or(&[][..], |thunk| thunk.side_exits);
        for (number, side_exit) in side_exits.iter().enumerate() {
            let position = match *side_exit {
                SideExit::Again(pc) | SideExit::Short(pc) => Position::At(pc),
                SideExit::To { target, .. } => Position::At(target),
                SideExit::Indirect => Position::Elsewhere,
            };
            let offset = next.offset.next_multiple_of(LANDING) + number * LANDING;
            self.arrive(Place { offset, position, ..next }, state.clone(), true)?;
        }
        Ok(())
    }

    /// An exit for an address that a register says.
    pub(super) fn leave_for(&mut self, position: Position, mut state: State) -> Way {
        if position == Position::Elsewhere {
            return self.in_usual_places(&state);
        }
        if self.reached(position)?.is_some() {
            return Err("leaves for what a register says".into());
        }
        self.complete(&mut state, position)?;
        self.in_usual_places(&state)?;
        self.budget_is_due(&state)
    }

    pub(super) fn budget_is_due(&self, state: &State) -> Way {
        match state.general[BUDGET as usize].kind {
            Kind::Budget(0) => Ok(()),
            other => Err(format!("leaves with a budget that is not what is due: {other:?}")),
        }
    }

    /// Everything is where it is between blocks.
    pub(super) fn in_usual_places(&self, state: &State) -> Way {
        for register in 1..32u8 {
            let host = MAPPED.iter().find(|(guest, _)| *guest == register);
            let value =
                host.map_or(state.slots[register as usize], |(_, host)| state.general[*host as usize]);
            if !value.holds(register) {
                let only = if value.holds_low(register) { "without its extension" } else { "elsewhere" };
                return Err(format!("leaves with R{register} {only}"));
            }
        }
        floats_in_slots(state)
    }
}

/// Everything is in the hart.
pub(super) fn in_slots(state: &State) -> Way {
    if let Some(register) = (1..32u8).find(|register| !state.slots[*register as usize].holds(*register)) {
        return Err(format!("has an instruction interpreted with R{register} elsewhere"));
    }
    floats_in_slots(state)
}

pub(super) fn floats_in_slots(state: &State) -> Way {
    match (0..32u8).find(|register| !state.floats.slots[*register as usize].holds(*register)) {
        Some(register) => Err(format!("leaves with F{register} elsewhere")),
        None => Ok(()),
    }
}

pub(super) fn spoil(state: &mut State, registers: &[u8]) {
    registers.iter().for_each(|register| state.general[*register as usize] = Value::default());
    state.forget_vector();
}
