//! The host's comparisons, and what moves by them.

use iced_x86::ConditionCode;
use visa_isa::Shape;

use super::host::{Host, Known, NOTHING, PENDING};
use super::operand::{Operand, Part, general};
use super::value::{Bits, Flags, Kind, NEW, OTHER_WAY, Value};
use crate::registers::BUDGET;

impl Host<'_> {
    pub(super) fn compare(&mut self) -> Result<(), String> {
        let (a, b) = (self.operand(0)?, self.operand(1)?);
        let (left, right) = (self.value_of(a), self.value_of(b));
        self.state.flags = match (a, b) {
            (Operand::FloatUpper(register), Operand::Immediate(bits)) if bits as u32 == u32::MAX => {
                let held = self.state.floats.slots[register as usize].held_in_slot(register);
                Flags::Boxed(held.ok_or(NOTHING)?)
            }
            (_, Operand::Prediction(place, Part::Limit)) => {
                self.predicted(place, Part::Limit)?;
                if left.kind != Kind::Within(place) {
                    return Err("compares with the limit of another prediction".into());
                }
                Flags::Predicted(place)
            }
            (_, Operand::Prediction(_, Part::Page)) if left.kind == Kind::Generation => Flags::Generation,
            _ if left.kind == Kind::Interpreted => Flags::Interpreted,
            _ => {
                self.read_all()?;
                let width = [a, b].map(|operand| match operand {
                    Operand::General(_, width) | Operand::Slot(_, width) => width,
                    _ => 64,
                });
                self.compares_words(&left, &right, width[0].min(width[1]))?;
                Flags::Compared(left, right, width[0].min(width[1]))
            }
        };
        Ok(())
    }

    /// Low halves compare as their registers do if these are words.
    pub(super) fn compares_words(&self, left: &Value, right: &Value, width: u32) -> Result<(), String> {
        use visa_isa::shape::{Compute, Operation::*};
        let Some(step) = &self.view.step else { return Ok(()) };
        let whole = match step.instruction.map(|i| i.op.shape()) {
            Some(Shape::Branch(_)) => true,
            Some(Shape::Compute(Compute { operation, .. })) => matches!(
                operation,
                Less | LessUnsigned | Minimum | Maximum | MinimumUnsigned | MaximumUnsigned
            ),
            _ => false,
        };
        let of_registers = (left.low | right.low) & step.sources & !1;
        match whole && width < 64 && of_registers != 0 && step.sources & !self.state.words & !1 != 0 {
            true => Err("compares low halves of what may be no words".into()),
            false => Ok(()),
        }
    }

    pub(super) fn test(&mut self) -> Result<(), String> {
        let (a, b) = (self.operand(0)?, self.operand(1)?);
        let value = self.value_of(a);
        let (Operand::General(_, width), true) = (a, a == b) else { return self.read_all() };
        if value.kind == Kind::Refilled {
            self.state.flags = Flags::Refilled;
            return Ok(());
        }
        self.read_all()?;
        let zero = Value::of_kind(Kind::Constant(0));
        self.compares_words(&value, &zero, width)?;
        self.state.flags = Flags::Compared(value, zero, width);
        Ok(())
    }

    /// SETcc and CMOVcc.
    pub(super) fn conditional(&mut self) -> Result<(), String> {
        let to = self.operand(0)?;
        if self.i.op_count() == 1 {
            return self.write(0, self.result(Known::All));
        }
        if let (Operand::General(number, 64), Some(moves)) = (to, self.view.moves)
            && matches!(self.state.flags, Flags::Compared(..))
            && self.view.step.is_some_and(|step| step.is_branch())
        {
            return self.either_way(number, moves);
        }
        let from = self.operand(1)?;
        let known = self.read(to)?.min(self.read(from)?);
        if known == Known::Low {
            return Err(PENDING.into());
        }
        self.write(0, self.result(known))
    }

    /// The moves of a conditional move, by the branch's comparison: the budget, if it is taken; the register, if not.
    pub(super) fn either_way(&mut self, number: u8, moves: (u8, i64, ConditionCode)) -> Result<(), String> {
        let (register, skipped, taken) = moves;
        let from = general(self.i.op1_register()).ok_or("moves from memory")?;
        let (old, new) = (self.state.general[number as usize], self.state.general[from as usize]);
        let condition = self.i.condition_code();
        super::flow::compares_what_it_should(self.state, self.view.step.as_ref())?;
        if number == BUDGET {
            return match (old.kind, new.kind) {
                (Kind::Budget(a), Kind::Budget(b)) if b == a + skipped && condition == taken => {
                    self.state.given_back = true;
                    Ok(())
                }
                _ => Err("gives back another budget than was not used".into()),
            };
        }
        if condition != negated(taken) {
            return Err("moves when the branch is taken".into());
        }
        let both = |has: fn(&Value, u8) -> bool| (has(&old, register) && has(&new, OTHER_WAY)) as Bits;
        let value = &mut self.state.general[number as usize];
        *value = Value {
            full: both(Value::holds) << NEW,
            low: both(Value::holds_low) << NEW,
            kind: Kind::Unknown,
        };
        Ok(())
    }
}

/// The other condition.
pub fn negated(condition: ConditionCode) -> ConditionCode {
    match condition {
        ConditionCode::e => ConditionCode::ne,
        ConditionCode::ne => ConditionCode::e,
        ConditionCode::l => ConditionCode::ge,
        ConditionCode::ge => ConditionCode::l,
        ConditionCode::b => ConditionCode::ae,
        ConditionCode::ae => ConditionCode::b,
        other => other,
    }
}
