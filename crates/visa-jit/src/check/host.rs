//! What the host's instructions do to what is known, as long as control goes on behind them.

use iced_x86::{ConditionCode, Instruction, Mnemonic, OpKind, Register};

use visa_isa::Shape;
use visa_isa::shape::{RegisterFile, Store};

use super::operand::{Operand, Part, general, operand};
use super::step::Step;
use super::value::{Bits, Flags, Kind, NEW, Predictions, State, Value, bit};
use crate::registers::BUDGET;

/// What the code at hand is for.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// The step that is under way and computes, if one is.
    pub step: Option<Step>,
    /// Whether what it has computed is a word.
    pub new_is_word: bool,
    /// Of a conditional move: its register, how many instructions the branch skips, and when it is taken.
    pub moves: Option<(u8, i64, ConditionCode)>,
    /// The places for predictions: the first, which stands for all, and how many there are.
    pub places: Option<(usize, usize)>,
}

/// How much of a value is known to be what it should be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Known {
    /// The lower half.
    Low,
    All,
}

pub(super) const NOTHING: &str = "reads what holds nothing that the instruction reads";
pub(super) const PENDING: &str = "reads the upper half of a register whose extension is pending";

/// Executes an instruction.
pub fn execute(state: &mut State, view: &View, i: &Instruction) -> Result<(), String> {
    Host { state, view, i }.execute()
}

pub(super) struct Host<'a> {
    pub(super) state: &'a mut State,
    pub(super) view: &'a View,
    pub(super) i: &'a Instruction,
}

impl Host<'_> {
    pub(super) fn execute(&mut self) -> Result<(), String> {
        use Mnemonic::*;
        match self.i.mnemonic() {
            Nop => Ok(()),
            Mov => self.mov(),
            Movsxd => self.extend(),
            Movzx | Movsx => self.compute(false, false),
            Lea => self.lea(),
            Add if self.is_budget() => self.change_budget(),
            Add | Sub | And | Or | Imul | Adc | Sbb if self.i.op_count() > 1 => self.compute(true, true),
            Xor if self.clears() => self.clear(),
            Xor | Shl | Shr | Sar | Rol | Ror | Bts | Btr | Btc => self.compute(true, true),
            Neg => self.compute(true, true),
            Not | Bswap => self.compute(true, false),
            Lzcnt | Tzcnt | Popcnt | Bextr => self.compute(false, true),
            Imul | Mul => self.with_both_halves(&[0], &[0, 2]),
            Div | Idiv => self.with_both_halves(&[0, 2], &[0, 2]),
            Cqo | Cdq => self.write_general(2, self.result(Known::All)),
            Bt => self.read_all(),
            Cmp => self.compare(),
            Test => self.test(),
            Xchg => self.exchange(),
            Push => self.push(),
            Pop => self.pop(),
            _ if self.i.condition_code() != ConditionCode::None => self.conditional(),
            _ => super::vector::execute(self.state, self.view, self.i),
        }
    }

    pub(super) fn operand(&self, index: u32) -> Result<Operand, String> {
        operand(self.state, self.i, index)
    }

    pub(super) fn sources(&self) -> Bits {
        self.view.step.map_or(0, |step| step.sources) | bit(NEW)
    }

    /// Reads a value: how much of it the instruction may use, by so many bits.
    pub(super) fn usable(&self, value: &Value, width: u32) -> Result<Known, String> {
        let sources = self.sources();
        let made = !matches!(value.kind, Kind::Unknown | Kind::Raw(_));
        if value.full & sources != 0 || made {
            return Ok(Known::All);
        }
        match value.low & sources != 0 {
            true if width <= 32 => Ok(Known::All),
            true => Ok(Known::Low),
            false => Err(NOTHING.into()),
        }
    }

    pub(super) fn read(&mut self, operand: Operand) -> Result<Known, String> {
        self.note(&self.value_of(operand));
        match operand {
            Operand::General(4 | 5, _) => Ok(Known::All),
            Operand::General(number, width) => self.usable(&self.state.general[number as usize], width),
            Operand::Slot(register, width) => self.usable(&self.state.slots[register as usize], width),
            Operand::Float(register, _) | Operand::FloatUpper(register) => {
                let sources = self.view.step.map_or(0, |step| step.float_sources);
                self.state.float_read |= self.state.floats.slots[register as usize].full;
                let held = self.state.floats.slots[register as usize].full & sources != 0;
                if held { Ok(Known::All) } else { Err(NOTHING.into()) }
            }
            Operand::Prediction(place, part) => self.predicted(place, part),
            Operand::Memory(_) => self.address(),
            Operand::Vector(_) => Err("mixes registers".into()),
            _ => Ok(Known::All),
        }
    }

    /// A value is read: so are the registers that it equals.
    pub(super) fn note(&mut self, value: &Value) {
        self.state.read |= value.low;
    }

    /// A place for predictions may be looked at as long as the TLB backs them.
    pub(super) fn predicted(&self, place: usize, part: Part) -> Result<Known, String> {
        let (first, count) = self.view.places.ok_or("predicts a page where nothing is predicted")?;
        if !(first..first + count).contains(&place) {
            return Err("uses a place for predictions that is not its own".into());
        }
        let stands_for_all = place == first && part == Part::Page;
        if !stands_for_all && self.state.predictions != Predictions::Valid {
            return Err("goes by a predicted page that the TLB may not back any more".into());
        }
        Ok(Known::All)
    }

    /// The registers of an address must be known as a whole.
    pub(super) fn address(&mut self) -> Result<Known, String> {
        for register in [self.i.memory_base(), self.i.memory_index()] {
            let Some(number) = general(register) else { continue };
            if matches!(number, 4 | 5) {
                continue;
            }
            self.note(&self.state.general[number as usize].clone());
            if self.usable(&self.state.general[number as usize], 64)? == Known::Low {
                return Err(PENDING.into());
            }
        }
        Ok(Known::All)
    }

    /// What was computed of what is known.
    pub(super) fn result(&self, known: Known) -> Value {
        let all = known == Known::All;
        let kind = if all { Kind::Temporary } else { Kind::Unknown };
        let Some(step) = &self.view.step else { return Value::of_kind(kind) };
        let full = if all && !step.extends { bit(NEW) } else { 0 };
        Value { full, low: bit(NEW), kind }
    }

    pub(super) fn constant(&self, value: u64) -> Value {
        let new = if self.view.step.is_some() { bit(NEW) } else { 0 };
        Value { full: new, low: new, kind: Kind::Constant(value) }
    }

    pub(super) fn write(&mut self, index: u32, value: Value) -> Result<(), String> {
        match self.operand(index)? {
            Operand::General(number, _) => self.write_general(number, value),
            Operand::Slot(register, 64) => {
                self.state.slots[register as usize] = value;
                Ok(())
            }
            Operand::Slot(..) => Err("writes a part of a slot".into()),
            Operand::Prediction(place, part) => self.predict(place, part, value),
            Operand::Field { writable: true } | Operand::Environment => Ok(()),
            Operand::Budget => {
                self.state.given = match value.kind {
                    Kind::Budget(budget) => Some(budget),
                    _ => return Err("gives the environment what is no budget".into()),
                };
                Ok(())
            }
            Operand::Memory(_) => self.address().map(drop),
            _ => Err("writes where no template writes".into()),
        }
    }

    pub(super) fn write_general(&mut self, number: u8, value: Value) -> Result<(), String> {
        let budget = self.view.step.is_some() && number == BUDGET;
        if matches!(number, 4 | 5) || budget {
            return Err("writes a register that has its use".into());
        }
        self.state.general[number as usize] = value;
        Ok(())
    }

    /// Writes a place for predictions. Each of them is forgotten in turn, behind the first, which says for which generation.
    pub(super) fn predict(&mut self, place: usize, part: Part, value: Value) -> Result<(), String> {
        let (first, count) = self.view.places.ok_or("predicts a page where nothing is predicted")?;
        match (self.state.predictions, part, value.kind) {
            (_, Part::Page, Kind::Generation) if place == first => {
                self.state.predictions = Predictions::Forgetting(first + 1);
            }
            (Predictions::Forgetting(next), Part::Limit, Kind::Constant(0)) if place == next => {
                self.state.predictions = Predictions::Forgetting(next + 1);
            }
            (Predictions::Valid, ..) if (first + 1..first + count).contains(&place) => {}
            _ => return Err("writes a prediction that the TLB may not back".into()),
        }
        Ok(())
    }

    pub(super) fn mov(&mut self) -> Result<(), String> {
        let (to, from) = (self.operand(0)?, self.operand(1)?);
        let value = match (to, from) {
            (Operand::FloatUpper(register), Operand::Immediate(bits)) if bits as u32 == u32::MAX => {
                let slot = &mut self.state.floats_mut().slots[register as usize];
                slot.full |= slot.low;
                return Ok(());
            }
            (Operand::General(_, 32), Operand::Immediate(bits)) => self.constant(bits as u32 as u64),
            (_, Operand::Immediate(bits)) => self.constant(bits),
            (Operand::Memory(width), Operand::General(number, _)) => {
                self.stored(self.state.general[number as usize], width)?
            }
            (_, Operand::Float(register, _)) => {
                let known = self.read(from)?;
                let held = self.state.floats.slots[register as usize].held_in_slot(register);
                Value { kind: held.map_or(Kind::Temporary, Kind::FloatBits), ..self.result(known) }
            }
            (_, Operand::General(number, width)) => self.copy(self.state.general[number as usize], width),
            (_, Operand::Slot(register, width)) => self.copy(self.state.slots[register as usize], width),
            (_, Operand::Pushed(words)) => self.state.stack[self.state.stack.len() - 1 - words],
            (_, Operand::Frame) => Value::of_kind(Kind::Environment),
            (_, Operand::Budget) => Value::of_kind(Kind::Unknown),
            (_, Operand::Generation) => Value { kind: Kind::Generation, ..self.result(Known::All) },
            (_, Operand::Prediction(place, Part::Addend)) if self.state.predicted != Some(place) => {
                return Err("takes the addend of a prediction that was not compared".into());
            }
            _ => {
                let known = self.read(from)?;
                self.result(known)
            }
        };
        self.write(0, value)
    }

    /// A value that goes to the guest's memory.
    pub(super) fn stored(&mut self, value: Value, width: u32) -> Result<Value, String> {
        self.note(&value);
        let i = self.view.step.and_then(|step| step.instruction);
        let right = i.is_none_or(|i| match i.op.shape() {
            Shape::Store(Store { file: RegisterFile::Integer, .. }) => value.holds_low(i.rs2),
            Shape::Store(Store { file: RegisterFile::Float, .. }) => value.kind == Kind::FloatBits(i.rs2),
            _ => true,
        });
        match self.usable(&value, width)? {
            _ if !right => Err("stores something else than the instruction does".into()),
            Known::All => Ok(value),
            Known::Low => Err(PENDING.into()),
        }
    }

    /// A copy of a value, or of its low bits. It may be what the step computes.
    pub(super) fn copy(&mut self, value: Value, width: u32) -> Value {
        self.note(&value);
        let usable = self.usable(&value, width);
        let mut copy = value;
        if width < 64 {
            copy.full = 0;
            copy.kind = if usable.is_ok() { Kind::Temporary } else { Kind::Unknown };
            copy.low = if width == 32 { copy.low } else { 0 };
        }
        if let (Some(step), Ok(known)) = (&self.view.step, usable) {
            let of_sources = value.low & self.sources() != 0 || width < 64;
            let whole = known == Known::All && !(width < 64 && step.extends);
            if of_sources {
                copy.low |= bit(NEW);
                copy.full |= if whole { bit(NEW) } else { 0 };
            }
        }
        copy
    }

    /// MOVSXD: what is pending is made up for, of words; or the last step of a computation of 32 bits.
    pub(super) fn extend(&mut self) -> Result<(), String> {
        let from = self.operand(1)?;
        let value = match from {
            Operand::General(number, _) => self.state.general[number as usize],
            Operand::Slot(register, _) => self.state.slots[register as usize],
            _ => {
                let known = self.read(from)?;
                let Value { full, low, kind } = self.result(known);
                let new = if self.view.step.is_some() { bit(NEW) } else { full };
                return self.write(0, Value { full: new, low, kind });
            }
        };
        self.note(&value);
        let usable = self.usable(&value, 32);
        if value.low == 0 && usable.is_err() {
            return Err("extends what holds nothing".into());
        }
        let words = self.state.words | if self.view.new_is_word { bit(NEW) } else { 0 };
        let mut extended = Value { full: value.low & words, low: value.low, kind: Kind::Unknown };
        if self.view.step.is_some() && usable.is_ok() {
            extended.low |= bit(NEW);
            extended.full |= bit(NEW);
            extended.kind = Kind::Temporary;
        }
        self.write(0, extended)
    }

    pub(super) fn lea(&mut self) -> Result<(), String> {
        let base = general(self.i.memory_base());
        let of_budget = base.map(|base| self.state.general[base as usize].kind);
        if let (Some(Kind::Budget(budget)), Register::None) = (of_budget, self.i.memory_index()) {
            let more = self.i.memory_displacement64() as i64;
            return self.write(0, Value::of_kind(Kind::Budget(budget + more)));
        }
        if base == Some(4) {
            return self.drop_pushed(self.i.memory_displacement64() as usize / 8);
        }
        let mut known = Known::All;
        for register in [self.i.memory_base(), self.i.memory_index()] {
            if let Some(number) = general(register) {
                self.note(&self.state.general[number as usize].clone());
                known = known.min(self.usable(&self.state.general[number as usize], 64)?);
            }
        }
        self.write(0, self.result(known))
    }

    /// Whether an instruction adds a constant to the budget.
    pub(super) fn is_budget(&self) -> bool {
        general(self.i.op0_register()) == Some(BUDGET) && self.i.op1_kind() != OpKind::Register
    }

    pub(super) fn change_budget(&mut self) -> Result<(), String> {
        let by = self.i.immediate(1) as i64;
        match &mut self.state.general[BUDGET as usize].kind {
            Kind::Budget(budget) => *budget += by,
            _ => return Err("changes a budget that is lost".into()),
        }
        self.state.flags = Flags::Unknown;
        Ok(())
    }

    pub(super) fn clear(&mut self) -> Result<(), String> {
        let operand = self.operand(0)?;
        self.note(&self.value_of(operand));
        self.state.flags = Flags::Unknown;
        self.write(0, self.constant(0))
    }

    pub(super) fn clears(&self) -> bool {
        self.i.op1_kind() == OpKind::Register && self.i.op0_register() == self.i.op1_register()
    }

    /// An instruction that computes its first operand of the others, and (`reads_first`) of itself.
    pub(super) fn compute(&mut self, reads_first: bool, sets_flags: bool) -> Result<(), String> {
        let is_stack = general(self.i.op0_register()) == Some(4);
        if is_stack {
            return self.move_stack();
        }
        let mut known = Known::All;
        for index in (if reads_first { 0 } else { 1 })..self.i.op_count() {
            let operand = self.operand(index)?;
            known = known.min(self.read(operand)?);
        }
        if known == Known::Low && !self.keeps_low_halves() {
            return Err(PENDING.into());
        }
        if known == Known::Low && self.clears_upper_half() {
            known = Known::All;
        }
        let mut value = self.result(known);
        let (to, from) = (self.operand(0)?, self.operand(self.i.op_count() - 1)?);
        if let (Mnemonic::Sub, Operand::Prediction(place, Part::Page)) = (self.i.mnemonic(), from) {
            value.kind = Kind::Within(place);
        }
        if sets_flags {
            self.state.flags = Flags::Unknown;
        }
        match to {
            // Counts of predictions, and the like.
            Operand::Prediction(..) | Operand::Environment => Ok(()),
            _ => self.write(0, value),
        }
    }

    /// Whether the low half of a result is computed of low halves.
    pub(super) fn keeps_low_halves(&self) -> bool {
        use Mnemonic::*;
        matches!(self.i.mnemonic(), And | Or | Xor | Not | Add | Sub | Imul | Shl | Neg)
    }

    /// Whether a result has nothing of the upper halves.
    pub(super) fn clears_upper_half(&self) -> bool {
        if self.i.op_count() < 2
            || self.i.op1_kind() == OpKind::Register
            || self.i.op1_kind() == OpKind::Memory
        {
            return false;
        }
        let constant = self.i.immediate(1) as i64;
        match self.i.mnemonic() {
            Mnemonic::And => constant >= 0,
            Mnemonic::Shl => constant >= 32,
            _ => false,
        }
    }

    /// Multiplication and division: RAX and RDX beside the operand.
    pub(super) fn with_both_halves(&mut self, read: &[u8], written: &[u8]) -> Result<(), String> {
        let operand = self.operand(0)?;
        let Operand::General(_, width) = operand else { return Err("divides by what is in memory".into()) };
        let mut known = self.read(operand)?;
        for &number in read {
            self.note(&self.state.general[number as usize].clone());
            known = known.min(self.usable(&self.state.general[number as usize], width)?);
        }
        if known == Known::Low {
            return Err(PENDING.into());
        }
        self.state.flags = Flags::Unknown;
        written.iter().try_for_each(|&number| self.write_general(number, self.result(known)))
    }

    pub(super) fn read_all(&mut self) -> Result<(), String> {
        self.state.flags = Flags::Unknown;
        for index in 0..self.i.op_count() {
            let operand = self.operand(index)?;
            if self.read(operand)? == Known::Low {
                return Err(PENDING.into());
            }
        }
        Ok(())
    }

    pub(super) fn value_of(&self, operand: Operand) -> Value {
        match operand {
            Operand::General(number, _) => self.state.general[number as usize],
            Operand::Slot(register, _) => self.state.slots[register as usize],
            Operand::Immediate(bits) => Value::of_kind(Kind::Constant(bits)),
            _ => Value::default(),
        }
    }

    pub(super) fn exchange(&mut self) -> Result<(), String> {
        let [Some(a), Some(b)] = [self.i.op0_register(), self.i.op1_register()].map(general) else {
            return Err("exchanges memory".into());
        };
        self.state.general.swap(a as usize, b as usize);
        Ok(())
    }

    pub(super) fn push(&mut self) -> Result<(), String> {
        let Some(number) = general(self.i.op0_register()) else { return Err("pushes no register".into()) };
        self.state.stack.push(self.state.general[number as usize]);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Result<(), String> {
        let Some(number) = general(self.i.op0_register()) else { return Err("pops into no register".into()) };
        // Below are the return address, and what the entry has kept for the host.
        if let Some(value) = self.state.stack.pop() {
            self.state.general[number as usize] = value;
        }
        Ok(())
    }

    /// ADD and SUB of RSP.
    pub(super) fn move_stack(&mut self) -> Result<(), String> {
        let words = self.i.immediate(1) as usize / 8;
        match self.i.mnemonic() {
            Mnemonic::Sub => {
                (0..words).for_each(|_| self.state.stack.push(Value::default()));
                Ok(())
            }
            _ => self.drop_pushed(words),
        }
    }

    pub(super) fn drop_pushed(&mut self, words: usize) -> Result<(), String> {
        let left = self.state.stack.len().saturating_sub(words);
        self.state.stack.truncate(left);
        Ok(())
    }
}
