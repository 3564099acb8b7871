//! How far execution has come with the guest's instructions: by the marks.

use std::ops::Range;

use visa_isa::Shape;

use super::Subject;
use super::flow::{Checker, Place, Position, Under, Way};
use super::mark::{Begins, Mark};
use super::step::{Step, forget_between_parts, forget_temporaries};
use super::value::{Kind, OTHER_WAY, State, Value, bit};
use crate::registers::BUDGET;
use crate::runtime::InstructionRecord;

impl Checker<'_> {
    /// A step is complete.
    pub(super) fn complete(&self, state: &mut State, position: Position) -> Way {
        let Position::In(under) = position else { return Ok(()) };
        if !under.interpreted && self.steps[under.part].unread(state) {
            return Err("goes on without all operands having been read".into());
        }
        match self.subject.marks[under.mark].kind {
            Begins::Move(skipped) => self.complete_move(state, under.mark, skipped),
            Begins::Step(count) => {
                self.steps[under.mark].complete(state, under.interpreted, count as i64);
            }
            Begins::Run | Begins::Part | Begins::End => {}
        }
        Ok(())
    }

    /// Where execution goes on behind a step, unless a register says it.
    pub(super) fn reached(&self, position: Position) -> Result<Option<u64>, String> {
        let under = match position {
            Position::At(pc) => return Ok(Some(pc)),
            Position::Elsewhere => return Ok(None),
            Position::In(under) => under,
        };
        let (step, record) = (self.steps[under.mark], self.record(under.mark));
        let more = match self.subject.marks[under.mark].kind {
            Begins::Move(_) if !self.steps[under.part].is_branch() => {
                return Err("leaves a conditional move before its comparison".into());
            }
            Begins::Move(skipped) => skipped,
            Begins::Step(count) => count - 1,
            Begins::Run | Begins::Part | Begins::End => 0,
        };
        if more > 0 {
            return Ok(Some(self.subject.emitted.records[self.subject.marks[under.mark].record + more].next));
        }
        let Some(i) = step.instruction else { return Ok(Some(record.next)) };
        let target = record.pc.wrapping_add(i.imm as i64 as u64);
        match i.op.shape() {
            _ if under.interpreted => Ok(Some(record.next)),
            Shape::Jump => Ok(Some(target)),
            Shape::JumpRegister => Ok(None),
            Shape::Branch(_) => match under.taken {
                Some(taken) => Ok(Some(if taken { target } else { record.next })),
                None => Err("goes on behind a branch that was not decided".into()),
            },
            _ => Ok(Some(record.next)),
        }
    }

    pub(super) fn complete_move(&self, state: &mut State, mark: usize, skipped: usize) {
        if !std::mem::take(&mut state.given_back) {
            state.general[BUDGET as usize] = Value::default();
        }
        let register = self.moved(mark);
        let both = bit(register) | bit(OTHER_WAY);
        let word = state.words & both == both;
        let step = Step { written: Some(register), ..Step::nothing() };
        step.complete(state, false, skipped as i64 + 1);
        state.words &= !bit(OTHER_WAY);
        state.words |= if word { bit(register) } else { 0 };
        for value in state.integers() {
            value.full &= !bit(OTHER_WAY);
            value.low &= !bit(OTHER_WAY);
        }
    }

    /// What begins at a place, if anything does.
    pub(super) fn begin_at(&self, place: Place, state: &mut State, jumped: bool) -> Result<Place, String> {
        let here = self.marks_at(place.offset);
        let mut position = place.position;
        let first = match jumped && !here.is_empty() {
            true => self.destination(here.clone(), position)?,
            false => here.start,
        };
        for number in first..here.end {
            position = self.begin(state, position, number)?;
        }
        Ok(Place { position, ..place })
    }

    /// Which of the marks at its target a jump means: several lie at one offset if some of them have no code.
    pub(super) fn destination(&self, here: Range<usize>, position: Position) -> Result<usize, String> {
        let reached = self.reached(position);
        let begins = |number: &usize| self.begins(*number) && reached == Ok(Some(self.record(*number).pc));
        if let Some(number) = here.clone().find(begins) {
            return Ok(number);
        }
        // To the step's end, or to its beginning again.
        if let Position::In(under) = position {
            let same =
                |number: &usize| self.subject.marks[*number].record == self.subject.marks[under.mark].record;
            if let Some(own) = here.clone().find(|number| same(number) && !self.is_run(*number)) {
                return Ok(own);
            }
        }
        match (here.clone().find(|number| self.begins(*number)), reached?) {
            (_, None) => Err("jumps within the code, although a register says where to".into()),
            (Some(other), Some(pc)) => {
                let other = self.record(other).pc;
                Err(format!("jumps to the code for {other:#x}, where execution goes on at {pc:#x}"))
            }
            (None, _) => Ok(here.start),
        }
    }

    pub(super) fn is_run(&self, mark: usize) -> bool {
        self.subject.marks[mark].kind == Begins::Run
    }

    /// Whether instructions begin at a mark.
    pub(super) fn begins(&self, mark: usize) -> bool {
        matches!(self.subject.marks[mark].kind, Begins::Run | Begins::Step(_) | Begins::Move(_))
    }

    /// What a mark says begins.
    pub(super) fn begin(
        &self,
        state: &mut State,
        position: Position,
        number: usize,
    ) -> Result<Position, String> {
        let Mark { record, kind, .. } = self.subject.marks[number];
        let (Position::In(under), Begins::Part | Begins::End) = (position, kind) else {
            return match kind {
                Begins::Part | Begins::End => Ok(position),
                _ => self.begin_instruction(state, position, number),
            };
        };
        if kind == Begins::End {
            let ended = under.ended || self.subject.marks[under.mark].record == record;
            return Ok(Position::In(Under { ended, ..under }));
        }
        if self.steps[under.part].unread(state) {
            return Err("goes on without all operands having been read".into());
        }
        self.steps[under.part].complete(state, false, 0);
        forget_between_parts(state);
        Ok(Position::In(Under { part: number, ..under }))
    }

    pub(super) fn begin_instruction(
        &self,
        state: &mut State,
        position: Position,
        number: usize,
    ) -> Result<Position, String> {
        let Mark { record, kind, .. } = self.subject.marks[number];
        let InstructionRecord { pc, left, .. } = self.subject.emitted.records[record];
        let fresh = Under { mark: number, part: number, taken: None, interpreted: false, ended: false };
        if let Position::In(under) = position
            && self.subject.marks[under.mark].record == record
            && kind != Begins::Run
            && under == (Under { mark: under.mark, part: under.mark, ..fresh })
        {
            // The same again, after its address was looked up.
            forget_temporaries(state);
            return Ok(Position::In(fresh));
        }
        match self.reached(position)? {
            Some(reached) if reached == pc => self.complete(state, position)?,
            Some(reached) => {
                return Err(format!(
                    "comes to the code for {pc:#x}, where execution goes on at {reached:#x}"
                ));
            }
            None => return Err("goes on, although a register says where".into()),
        }
        forget_temporaries(state);
        let due = if kind == Begins::Run { 0 } else { -left };
        if state.general[BUDGET as usize].kind != Kind::Budget(due) {
            let found = state.general[BUDGET as usize].kind;
            return Err(format!(
                "comes to {pc:#x} with a budget that is not {due} of what is due: {found:?}"
            ));
        }
        if kind == Begins::Run {
            return Ok(Position::At(pc));
        }
        if let Begins::Move(_) = kind {
            let register = self.moved(number);
            for value in state.integers() {
                value.full = value.full & !bit(OTHER_WAY) | (value.full >> register & 1) << OTHER_WAY;
                value.low = value.low & !bit(OTHER_WAY) | (value.low >> register & 1) << OTHER_WAY;
            }
            state.words = state.words & !bit(OTHER_WAY) | (state.words >> register & 1) << OTHER_WAY;
        }
        let jumps = self.steps[number].instruction.is_some_and(|i| i.op.shape() == Shape::Jump);
        Ok(Position::In(Under { taken: jumps.then_some(true), ..fresh }))
    }
}

/// For each offset, the number of the first mark there, or behind it.
pub(super) fn first_marks(marks: &[Mark], length: usize) -> Vec<u32> {
    let mut number = 0;
    let first = |offset: usize| {
        while marks.get(number).is_some_and(|mark| mark.offset < offset) {
            number += 1;
        }
        number as u32
    };
    (0..length + 1).map(first).collect()
}

/// What the code from a mark on means for registers.
pub(super) fn step_of(subject: &Subject, mark: &Mark) -> Step {
    let records = &subject.emitted.records;
    let record = &records[mark.record];
    match mark.kind {
        Begins::Step(2) => Step::fused(record, &records[mark.record + 1]),
        Begins::Step(_) => Step::of(record),
        // A copy of the register comes first.
        Begins::Move(_) => {
            let skipped = records.get(mark.record + 1).and_then(|record| record.slot);
            let register = skipped.map_or(0, |slot| slot.instruction.rd);
            Step { sources: bit(register), ..Step::nothing() }
        }
        Begins::Part => {
            let step = Step::of(record);
            match step.written.filter(|_| !step.is_branch()) {
                Some(register) => step.on_other_way(register),
                None => step,
            }
        }
        Begins::Run | Begins::End => Step::nothing(),
    }
}
