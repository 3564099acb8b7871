//! The ways through generated code.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use iced_x86::{ConditionCode, Decoder, DecoderOptions, FastFormatter, FlowControl, Instruction};
use rustc_hash::FxHashMap;
use visa_isa::Op;

use super::host::{View, execute};
use super::mark::{Begins, Mark};
use super::step::{Step, forget_between_parts, forget_temporaries};
use super::value::{Flags, Kind, NEW, OTHER_WAY, Predictions, State, Value, bit};
use super::{Fault, Subject};
use crate::optimise::lower::Departure;
use crate::optimise::thunk::LANDING;
use crate::registers::{BUDGET, MAPPED, RAX, RCX, RDX};
use crate::runtime::{Site, field};

/// General registers that calls keep.
const KEPT: [u8; 7] = [3, 4, 5, 12, 13, 14, 15];

/// Where execution is with the guest's instructions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Position {
    /// Before the instruction at an address.
    At(u64),
    /// In a step.
    In(Under),
    /// At the hart's PC.
    Elsewhere,
}

/// How far a step has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Under {
    /// Its mark, and that of the part of a conditional move.
    mark: usize,
    part: usize,
    /// What became of a branch.
    taken: Option<bool>,
    /// The interpreter has executed it.
    interpreted: bool,
    /// Its code is complete.
    ended: bool,
}

/// A place in the code: what is known on different ways is kept apart where these fields differ.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    offset: usize,
    /// Where a call returns to.
    back: Option<usize>,
    position: Position,
}

pub struct Checker<'a> {
    subject: &'a Subject<'a>,
    steps: Vec<Step>,
    instructions: Vec<Instruction>,
    /// The number of the instruction at an offset, plus one.
    numbers: Vec<u32>,
    /// The number of the first mark at an offset, or behind it.
    first_marks: Vec<u32>,
    /// Whether jumps go to an offset.
    targets: Vec<bool>,
    /// What is known at places, by number.
    places: Vec<Place>,
    numbers_of_places: FxHashMap<Place, usize>,
    known: Vec<State>,
    /// Whether they are among the open ones.
    waiting: Vec<bool>,
    /// The places that are to be followed from: offset and number.
    open: BinaryHeap<Reverse<(usize, usize)>>,
}

type Way = Result<(), String>;

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
    fn inside(&self, address: u64) -> Option<usize> {
        let offset = (address as usize).wrapping_sub(self.subject.address);
        (offset < self.subject.emitted.code.len()).then_some(offset)
    }

    fn fault(&self, offset: usize, position: Position, what: String) -> Fault {
        let mut host = String::new();
        if let Some(i) = self.instruction(offset) {
            FastFormatter::new().format(i, &mut host);
        }
        let pc = match position {
            Position::At(pc) => pc,
            Position::In(under) => self.site(under.mark).pc,
            Position::Elsewhere => 0,
        };
        Fault { pc, offset, host, what }
    }

    fn instruction(&self, offset: usize) -> Option<&Instruction> {
        let number = *self.numbers.get(offset)? as usize;
        self.instructions.get(number.checked_sub(1)?)
    }

    fn site(&self, mark: usize) -> &Site {
        &self.subject.emitted.sites[self.subject.marks[mark].site]
    }

    /// Follows all ways.
    pub fn run(mut self) -> Result<(), Fault> {
        let pc = match (self.subject.marks.first(), self.subject.thunk) {
            (Some(first), _) => self.subject.emitted.sites[first.site].pc,
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
    fn follow(&mut self, mut place: Place, mut state: State) -> Result<(), Fault> {
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

    fn marks_at(&self, offset: usize) -> Range<usize> {
        let first =
            |offset: usize| self.first_marks.get(offset).map_or(self.subject.marks.len(), |at| *at as usize);
        first(offset)..first(offset + 1)
    }

    /// What code at a position is for.
    fn view(&self, position: &Position, state: &State) -> View {
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
            let taken = self.steps[under.part].instruction.map(|i| taken_by(i.op));
            view.moves = Some((register, skipped as i64, taken.unwrap_or(ConditionCode::None)));
        }
        view
    }

    fn places(&self) -> Option<(usize, usize)> {
        self.subject.first_place.map(|first| (first, self.subject.emitted.guesses.len()))
    }

    /// The register of a conditional move.
    fn moved(&self, mark: usize) -> u8 {
        let sites = &self.subject.emitted.sites;
        let skipped = sites.get(self.subject.marks[mark].site + 1).and_then(|site| site.slot);
        skipped.map_or(0, |slot| slot.instruction.rd)
    }

    /// A step is complete.
    fn complete(&self, state: &mut State, position: Position) -> Way {
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
    fn reached(&self, position: Position) -> Result<Option<u64>, String> {
        let under = match position {
            Position::At(pc) => return Ok(Some(pc)),
            Position::Elsewhere => return Ok(None),
            Position::In(under) => under,
        };
        let (step, site) = (self.steps[under.mark], self.site(under.mark));
        let more = match self.subject.marks[under.mark].kind {
            Begins::Move(_) if !self.steps[under.part].is_branch() => {
                return Err("leaves a conditional move before its comparison".into());
            }
            Begins::Move(skipped) => skipped,
            Begins::Step(count) => count - 1,
            Begins::Run | Begins::Part | Begins::End => 0,
        };
        if more > 0 {
            return Ok(Some(self.subject.emitted.sites[self.subject.marks[under.mark].site + more].next));
        }
        let Some(i) = step.instruction else { return Ok(Some(site.next)) };
        let target = site.pc.wrapping_add(i.imm as i64 as u64);
        match i.op {
            _ if under.interpreted => Ok(Some(site.next)),
            Op::Jal => Ok(Some(target)),
            Op::Jalr => Ok(None),
            _ if step.is_branch() => match under.taken {
                Some(taken) => Ok(Some(if taken { target } else { site.next })),
                None => Err("goes on behind a branch that was not decided".into()),
            },
            _ => Ok(Some(site.next)),
        }
    }

    fn complete_move(&self, state: &mut State, mark: usize, skipped: usize) {
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

    /// Comes to a place, by a jump or from the instruction before it.
    fn arrive(&mut self, place: Place, mut state: State, jumped: bool) -> Way {
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

    /// What begins at a place, if anything does.
    fn begin_at(&self, place: Place, state: &mut State, jumped: bool) -> Result<Place, String> {
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
    fn destination(&self, here: Range<usize>, position: Position) -> Result<usize, String> {
        let reached = self.reached(position);
        let begins = |number: &usize| self.begins(*number) && reached == Ok(Some(self.site(*number).pc));
        if let Some(number) = here.clone().find(begins) {
            return Ok(number);
        }
        // To the step's end, or to its beginning again.
        if let Position::In(under) = position {
            let same =
                |number: &usize| self.subject.marks[*number].site == self.subject.marks[under.mark].site;
            if let Some(own) = here.clone().find(|number| same(number) && !self.is_run(*number)) {
                return Ok(own);
            }
        }
        match (here.clone().find(|number| self.begins(*number)), reached?) {
            (_, None) => Err("jumps within the code, although a register says where to".into()),
            (Some(other), Some(pc)) => {
                let other = self.site(other).pc;
                Err(format!("jumps to the code for {other:#x}, where execution goes on at {pc:#x}"))
            }
            (None, _) => Ok(here.start),
        }
    }

    fn is_run(&self, mark: usize) -> bool {
        self.subject.marks[mark].kind == Begins::Run
    }

    /// Whether instructions begin at a mark.
    fn begins(&self, mark: usize) -> bool {
        matches!(self.subject.marks[mark].kind, Begins::Run | Begins::Step(_) | Begins::Move(_))
    }

    /// What a mark says begins.
    fn begin(&self, state: &mut State, position: Position, number: usize) -> Result<Position, String> {
        let Mark { site, kind, .. } = self.subject.marks[number];
        let (Position::In(under), Begins::Part | Begins::End) = (position, kind) else {
            return match kind {
                Begins::Part | Begins::End => Ok(position),
                _ => self.begin_instruction(state, position, number),
            };
        };
        if kind == Begins::End {
            let ended = under.ended || self.subject.marks[under.mark].site == site;
            return Ok(Position::In(Under { ended, ..under }));
        }
        if self.steps[under.part].unread(state) {
            return Err("goes on without all operands having been read".into());
        }
        self.steps[under.part].complete(state, false, 0);
        forget_between_parts(state);
        Ok(Position::In(Under { part: number, ..under }))
    }

    fn begin_instruction(
        &self,
        state: &mut State,
        position: Position,
        number: usize,
    ) -> Result<Position, String> {
        let Mark { site, kind, .. } = self.subject.marks[number];
        let Site { pc, left, .. } = self.subject.emitted.sites[site];
        let fresh = Under { mark: number, part: number, taken: None, interpreted: false, ended: false };
        if let Position::In(under) = position
            && self.subject.marks[under.mark].site == site
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
        let jumps = self.steps[number].instruction.is_some_and(|i| i.op == Op::Jal);
        Ok(Position::In(Under { taken: jumps.then_some(true), ..fresh }))
    }

    /// Jumps, calls and returns.
    fn control(&mut self, place: Place, next: Place, state: State, i: &Instruction) -> Way {
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

    fn return_to(&mut self, place: Place, mut state: State) -> Way {
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
    fn branch(&mut self, place: Place, next: Place, mut state: State, i: &Instruction) -> Way {
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
                    if step.instruction.map(|i| taken_by(i.op)) != Some(condition) {
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

    /// Which step the interpreter, or the TLB, is asked about.
    fn is_asked_about(&self, position: Position, site: &Value) -> Result<usize, String> {
        let Kind::Constant(address) = site.kind else { return Err("calls without a site".into()) };
        let sites = &self.subject.emitted.sites;
        let distance = (address as usize).wrapping_sub(sites.as_ptr() as usize);
        let Position::In(under) = position else { return Err("calls outside of an instruction".into()) };
        let index = distance / size_of::<Site>();
        let is_own = self.subject.marks[under.mark].site == index;
        let single = self.subject.marks[under.mark].kind == Begins::Step(1);
        if !distance.is_multiple_of(size_of::<Site>()) || !is_own || !single || under.interpreted {
            return Err("calls for another instruction than its own".into());
        }
        Ok(index)
    }

    /// Calls of trampolines, which know registers in their usual places.
    fn call(&mut self, next: Place, mut state: State, target: usize) -> Way {
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
            let site = self.is_asked_about(next.position, &state.general[RDX as usize])?;
            let mut interpreted = state.clone();
            self.in_usual_places(&interpreted)?;
            for (guest, host) in MAPPED {
                interpreted.slots[guest as usize] = interpreted.general[host as usize];
            }
            let place = self.interpret(next, &mut interpreted, site, None)?;
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
    fn interpret(
        &self,
        next: Place,
        state: &mut State,
        site: usize,
        given: Option<i64>,
    ) -> Result<Place, String> {
        let Position::In(under) = next.position else { return Err("interprets nothing".into()) };
        let left = self.subject.emitted.sites[site].left;
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
    fn call_runtime(&mut self, next: Place, mut state: State, i: &Instruction) -> Way {
        let function = i.memory_displacement64() as i32;
        if function == field::INTERPRET {
            let site = self.is_asked_about(next.position, &state.general[RDX as usize])?;
            let given = state.given.ok_or("calls the interpreter without a budget")?;
            let place = self.interpret(next, &mut state, site, Some(given))?;
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
    fn leave(&mut self, place: Place, mut state: State, target: usize) -> Way {
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
    fn land(&mut self, next: Place, state: State) -> Way {
        let departures = self.subject.thunk.map_or(&[][..], |thunk| thunk.departures);
        for (number, departure) in departures.iter().enumerate() {
            let position = match *departure {
                Departure::Again(pc) | Departure::Short(pc) => Position::At(pc),
                Departure::To { target, .. } => Position::At(target),
                Departure::Indirect => Position::Elsewhere,
            };
            let offset = next.offset.next_multiple_of(LANDING) + number * LANDING;
            self.arrive(Place { offset, position, ..next }, state.clone(), true)?;
        }
        Ok(())
    }

    /// An exit for an address that a register says.
    fn leave_for(&mut self, position: Position, mut state: State) -> Way {
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

    fn budget_is_due(&self, state: &State) -> Way {
        match state.general[BUDGET as usize].kind {
            Kind::Budget(0) => Ok(()),
            other => Err(format!("leaves with a budget that is not what is due: {other:?}")),
        }
    }

    /// Everything is where it is between units.
    fn in_usual_places(&self, state: &State) -> Way {
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

/// For each offset, the number of the first mark there, or behind it.
fn first_marks(marks: &[Mark], length: usize) -> Vec<u32> {
    let mut number = 0;
    let first = |offset: usize| {
        while marks.get(number).is_some_and(|mark| mark.offset < offset) {
            number += 1;
        }
        number as u32
    };
    (0..length + 1).map(first).collect()
}

/// Everything is in the hart.
fn in_slots(state: &State) -> Way {
    if let Some(register) = (1..32u8).find(|register| !state.slots[*register as usize].holds(*register)) {
        return Err(format!("has an instruction interpreted with R{register} elsewhere"));
    }
    floats_in_slots(state)
}

fn floats_in_slots(state: &State) -> Way {
    match (0..32u8).find(|register| !state.floats.slots[*register as usize].holds(*register)) {
        Some(register) => Err(format!("leaves with F{register} elsewhere")),
        None => Ok(()),
    }
}

fn spoil(state: &mut State, registers: &[u8]) {
    registers.iter().for_each(|register| state.general[*register as usize] = Value::default());
    state.forget_vector();
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
fn taken_by(op: Op) -> ConditionCode {
    match op {
        Op::Beq => ConditionCode::e,
        Op::Bne => ConditionCode::ne,
        Op::Blt => ConditionCode::l,
        Op::Bge => ConditionCode::ge,
        Op::Bltu => ConditionCode::b,
        _ => ConditionCode::ae,
    }
}

/// What the code from a mark on means for registers.
fn step_of(subject: &Subject, mark: &Mark) -> Step {
    let sites = &subject.emitted.sites;
    let site = &sites[mark.site];
    match mark.kind {
        Begins::Step(2) => Step::fused(site, &sites[mark.site + 1]),
        Begins::Step(_) => Step::of(site),
        // A copy of the register comes first.
        Begins::Move(_) => {
            let skipped = sites.get(mark.site + 1).and_then(|site| site.slot);
            let register = skipped.map_or(0, |slot| slot.instruction.rd);
            Step { sources: bit(register), ..Step::nothing() }
        }
        Begins::Part => {
            let step = Step::of(site);
            match step.written.filter(|_| !step.is_branch()) {
                Some(register) => step.on_other_way(register),
                None => step,
            }
        }
        Begins::Run | Begins::End => Step::nothing(),
    }
}
