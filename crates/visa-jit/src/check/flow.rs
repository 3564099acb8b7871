//! The ways through generated code.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use iced_x86::{ConditionCode, Decoder, DecoderOptions, FastFormatter, FlowControl, Instruction};
use rustc_hash::FxHashMap;
use visa_isa::shape::Condition;

use super::exits::in_slots;
use super::host::{View, execute};
use super::mark::Begins;
use super::progress::{first_marks, step_of};
use super::step::Step;
use super::value::{Flags, Kind, Predictions, State, Value, bit};
use super::{Fault, Subject};
use crate::runtime::InstructionRecord;

/// Where execution is with the guest's instructions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Position {
    /// Before the instruction at an address.
    At(u64),
    /// In a step.
    In(Under),
    /// At the hart's PC.
    Elsewhere,
}

/// How far a step has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Under {
    /// Its mark, and that of the part of a conditional move.
    pub(super) mark: usize,
    pub(super) part: usize,
    /// What became of a branch.
    pub(super) taken: Option<bool>,
    /// The interpreter has executed it.
    pub(super) interpreted: bool,
    /// Its code is complete.
    pub(super) ended: bool,
}

/// A place in the code: what is known on different ways is kept apart where these fields differ.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) offset: usize,
    /// Where a call returns to.
    pub(super) back: Option<usize>,
    pub(super) position: Position,
}

pub struct Checker<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) steps: Vec<Step>,
    pub(super) instructions: Vec<Instruction>,
    /// The number of the instruction at an offset, plus one.
    pub(super) numbers: Vec<u32>,
    /// The number of the first mark at an offset, or behind it.
    pub(super) first_marks: Vec<u32>,
    /// Whether jumps go to an offset.
    pub(super) targets: Vec<bool>,
    /// What is known at places, by number.
    pub(super) places: Vec<Place>,
    pub(super) numbers_of_places: FxHashMap<Place, usize>,
    pub(super) known: Vec<State>,
    /// Whether they are among the open ones.
    pub(super) waiting: Vec<bool>,
    /// The places that are to be followed from: offset and number.
    pub(super) open: BinaryHeap<Reverse<(usize, usize)>>,
}

pub(super) type Way = Result<(), String>;

impl<'a> Checker<'a> {
    pub fn new(subject: &'a Subject<'a>) -> Result<Checker<'a>, Fault> {
        let code = &subject.emitted.code;
        let mut decoder = Decoder::with_ip(64, code, subject.address as u64, DecoderOptions::NONE);
        let mut checker = Checker {
            steps: subject.marks.iter().map(|mark| step_of(subject, mark)).collect(),
            subject,
            instructions: Vec::new(),
            numbers: vec![0; code.len() + 1],
            first_marks: first_marks(subject.marks, code.len()),
            targets: vec![false; code.len() + 1],
            places: Vec::new(),
            numbers_of_places: FxHashMap::default(),
            known: Vec::new(),
            waiting: Vec::new(),
            open: BinaryHeap::new(),
        };
        while decoder.can_decode() {
            let i = decoder.decode();
            let offset = (i.ip() as usize).wrapping_sub(subject.address);
            if i.is_invalid() {
                return Err(checker.fault(offset, Position::Elsewhere, "is no instruction".into()));
            }
            checker.instructions.push(i);
            checker.numbers[offset] = checker.instructions.len() as u32;
            if let Some(target) =
                checker.inside(i.near_branch_target()).filter(|_| i.near_branch_target() != 0)
            {
                checker.targets[target] = true;
            }
            if i.flow_control() == FlowControl::Call {
                checker.targets[(offset + i.len()).min(code.len())] = true;
            }
        }
        Ok(checker)
    }

    /// The offset of an address, if it is of this code.
    pub(super) fn inside(&self, address: u64) -> Option<usize> {
        let offset = (address as usize).wrapping_sub(self.subject.address);
        (offset < self.subject.emitted.code.len()).then_some(offset)
    }

    pub(super) fn fault(&self, offset: usize, position: Position, what: String) -> Fault {
        let mut host = String::new();
        if let Some(i) = self.instruction(offset) {
            FastFormatter::new().format(i, &mut host);
        }
        let pc = match position {
            Position::At(pc) => pc,
            Position::In(under) => self.record(under.mark).pc,
            Position::Elsewhere => 0,
        };
        Fault { pc, offset, host, what }
    }

    pub(super) fn instruction(&self, offset: usize) -> Option<&Instruction> {
        let number = *self.numbers.get(offset)? as usize;
        self.instructions.get(number.checked_sub(1)?)
    }

    pub(super) fn record(&self, mark: usize) -> &InstructionRecord {
        &self.subject.emitted.records[self.subject.marks[mark].record]
    }

    /// Follows all ways.
    pub fn run(mut self) -> Result<(), Fault> {
        let pc = match (self.subject.marks.first(), self.subject.thunk) {
            (Some(first), _) => self.subject.emitted.records[first.record].pc,
            (None, Some(thunk)) => thunk.pc,
            (None, None) => return Ok(()),
        };
        let start = Place { offset: 0, back: None, position: Position::At(pc) };
        let arrived = self.arrive(start, State::entered(), true);
        arrived.map_err(|what| self.fault(0, start.position, what))?;
        // Those that come first in the code first: what is behind them has then met most ways to it.
        while let Some(Reverse((_, number))) = self.open.pop() {
            let place = self.places[number];
            if std::mem::take(&mut self.waiting[number]) {
                self.follow(place, self.known[number].clone())?;
            }
        }
        Ok(())
    }

    /// Executes from a place to the next ones where ways may meet.
    pub(super) fn follow(&mut self, mut place: Place, mut state: State) -> Result<(), Fault> {
        loop {
            let Some(&i) = self.instruction(place.offset) else {
                let what = "is reached in its middle, or behind the code's end".into();
                return Err(self.fault(place.offset, place.position, what));
            };
            let next = Place { offset: place.offset + i.len(), ..place };
            if i.flow_control() != FlowControl::Next {
                let followed = self.control(place, next, state, &i);
                return followed.map_err(|what| self.fault(place.offset, place.position, what));
            }
            let view = self.view(&place.position, &state);
            execute(&mut state, &view, &i).map_err(|what| self.fault(place.offset, place.position, what))?;
            if self.targets[next.offset] {
                let arrived = self.arrive(next, state, false);
                return arrived.map_err(|what| self.fault(place.offset, place.position, what));
            }
            // Nobody else comes there: what is known need not be kept.
            let begun = self.begin_at(next, &mut state, false);
            place = begun.map_err(|what| self.fault(place.offset, place.position, what))?;
        }
    }

    pub(super) fn marks_at(&self, offset: usize) -> Range<usize> {
        let first =
            |offset: usize| self.first_marks.get(offset).map_or(self.subject.marks.len(), |at| *at as usize);
        first(offset)..first(offset + 1)
    }

    /// What code at a position is for.
    pub(super) fn view(&self, position: &Position, state: &State) -> View {
        let mut view = View { step: None, new_is_word: false, moves: None, places: self.places() };
        let Position::In(under) = *position else { return view };
        let step = self.steps[under.part];
        view.new_is_word = step.gives_word(state.words);
        let is_done = under.ended || under.interpreted || step.is_branch() && under.taken.is_some();
        if !is_done {
            view.step = Some(step);
        }
        if let Begins::Move(skipped) = self.subject.marks[under.mark].kind {
            let register = self.moved(under.mark);
            let taken = self.steps[under.part].instruction.and_then(taken_by);
            view.moves = Some((register, skipped as i64, taken.unwrap_or(ConditionCode::None)));
        }
        view
    }

    pub(super) fn places(&self) -> Option<(usize, usize)> {
        self.subject.first_place.map(|first| (first, self.subject.emitted.predictions.len()))
    }

    /// The register of a conditional move.
    pub(super) fn moved(&self, mark: usize) -> u8 {
        let records = &self.subject.emitted.records;
        let skipped = records.get(self.subject.marks[mark].record + 1).and_then(|record| record.slot);
        skipped.map_or(0, |slot| slot.instruction.rd)
    }

    /// Comes to a place, by a jump or from the instruction before it.
    pub(super) fn arrive(&mut self, place: Place, mut state: State, jumped: bool) -> Way {
        let place = self.begin_at(place, &mut state, jumped)?;
        let number = match self.numbers_of_places.get(&place) {
            Some(&number) => {
                let known = &mut self.known[number];
                if known.stack.len() != state.stack.len() {
                    return Err("meets another way with another height of the stack".into());
                }
                if !known.meet(&state) {
                    return Ok(());
                }
                number
            }
            None => {
                self.places.push(place);
                self.known.push(state);
                self.waiting.push(false);
                self.numbers_of_places.insert(place, self.places.len() - 1);
                self.places.len() - 1
            }
        };
        if !std::mem::replace(&mut self.waiting[number], true) {
            self.open.push(Reverse((place.offset, number)));
        }
        Ok(())
    }

    /// Jumps, calls and returns.
    pub(super) fn control(&mut self, place: Place, next: Place, state: State, i: &Instruction) -> Way {
        match i.flow_control() {
            FlowControl::ConditionalBranch => self.branch(place, next, state, i),
            FlowControl::UnconditionalBranch => match self.inside(i.near_branch_target()) {
                Some(offset) => self.arrive(Place { offset, ..place }, state, true),
                None => self.leave(place, state, i.near_branch_target() as usize),
            },
            FlowControl::IndirectBranch if self.subject.thunk.is_some() => self.land(next, state),
            FlowControl::IndirectBranch => self.leave_for(place.position, state),
            FlowControl::Call => match self.inside(i.near_branch_target()) {
                Some(_) if place.back.is_some() => Err("calls within a call".into()),
                Some(offset) => self.arrive(Place { offset, back: Some(next.offset), ..place }, state, true),
                None => self.call(next, state, i.near_branch_target() as usize),
            },
            FlowControl::IndirectCall => self.call_runtime(next, state, i),
            FlowControl::Return => self.return_to(place, state),
            _ => Err("is no instruction of generated code".into()),
        }
    }

    pub(super) fn return_to(&mut self, place: Place, mut state: State) -> Way {
        match place.back {
            Some(_) if !state.stack.is_empty() => Err("returns with something on the stack".into()),
            Some(offset) => {
                if let (Predictions::Forgetting(next), Some((first, count))) =
                    (state.predictions, self.places())
                {
                    if next != first + count {
                        return Err("leaves a prediction in force that the TLB may not back".into());
                    }
                    state.predictions = Predictions::Valid;
                }
                self.arrive(Place { offset, back: None, ..place }, state, false)
            }
            None if place.position == Position::Elsewhere => in_slots(&state),
            None => Err("returns from generated code in the middle of it".into()),
        }
    }

    /// A conditional jump: both ways, with what the flags say of each.
    pub(super) fn branch(&mut self, place: Place, next: Place, mut state: State, i: &Instruction) -> Way {
        let offset = self.inside(i.near_branch_target()).ok_or("jumps out of the code by a condition")?;
        let condition = i.condition_code();
        let flags = std::mem::take(&mut state.flags);
        let (mut taken, mut not) = ((Place { offset, ..place }, state.clone()), (next, state));
        let on_equal = match condition {
            ConditionCode::e => Some(true),
            ConditionCode::ne => Some(false),
            _ => None,
        };
        let (equal, other) =
            if on_equal == Some(false) { (&mut not, &mut taken) } else { (&mut taken, &mut not) };
        match (flags, on_equal) {
            (Flags::Zero(zero), Some(on_equal)) => {
                let (place, state) = if zero == on_equal { taken } else { not };
                return self.arrive(place, state, zero == on_equal);
            }
            (Flags::Refilled, Some(_)) => equal.1.flags = Flags::Zero(true),
            (Flags::Generation, Some(_)) => equal.1.predictions = Predictions::Valid,
            (Flags::Boxed(register), Some(_)) => {
                is_boxed(&mut equal.1, register);
                other.1.not_boxed = Some(register);
            }
            (Flags::Interpreted, _) if condition == ConditionCode::ae => {
                taken.0 = Place { position: Position::Elsewhere, back: None, ..taken.0 };
                // Wherever that is, the hart has all that is known there.
                taken.1.all_in_slots();
                not.1.flags = Flags::Zero(false);
            }
            (Flags::Predicted(place), _) if condition == ConditionCode::ae => not.1.predicted = Some(place),
            (flags, _) => {
                let step = self.view(&place.position, &taken.1).step;
                if let (Some(step), Position::In(under)) = (step.filter(Step::is_branch), place.position) {
                    taken.1.flags = flags;
                    compares_what_it_should(&taken.1, Some(&step))?;
                    taken.1.flags = Flags::Unknown;
                    if step.instruction.and_then(taken_by) != Some(condition) {
                        return Err("branches on another condition".into());
                    }
                    taken.0.position = Position::In(Under { taken: Some(true), ..under });
                    not.0.position = Position::In(Under { taken: Some(false), ..under });
                }
            }
        }
        self.arrive(taken.0, taken.1, true)?;
        self.arrive(not.0, not.1, false)
    }
}

/// A floating-point register is a boxed single: so what has its low half has it as one.
fn is_boxed(state: &mut State, register: u8) {
    state.boxed |= bit(register);
    for value in &mut state.floats_mut().vector {
        if value.kind == Kind::Raw(register) {
            value.low |= bit(register);
        }
    }
}

/// The flags are those of a branch's own comparison.
pub fn compares_what_it_should(state: &State, step: Option<&Step>) -> Way {
    let i = step.and_then(|step| step.instruction).ok_or("branches outside of a branch")?;
    let Flags::Compared(a, b, width) = state.flags else {
        return Err("branches by other flags than its own".into());
    };
    let is = |value: &Value, register: u8| match (register, width) {
        (0, _) => value.kind == Kind::Constant(0),
        (register, 64) => value.holds(register),
        (register, _) => value.holds_low(register) && state.words & bit(register) != 0,
    };
    match is(&a, i.rs1) && is(&b, i.rs2) {
        true => Ok(()),
        false => Err("branches by a comparison of something else".into()),
    }
}

/// The host's condition on which a branch is taken.
fn taken_by(i: visa_isa::Instruction) -> Option<ConditionCode> {
    Some(match i.op.shape().condition()? {
        Condition::Equal => ConditionCode::e,
        Condition::NotEqual => ConditionCode::ne,
        Condition::Less => ConditionCode::l,
        Condition::GreaterOrEqual => ConditionCode::ge,
        Condition::LessUnsigned => ConditionCode::b,
        Condition::GreaterOrEqualUnsigned => ConditionCode::ae,
    })
}
