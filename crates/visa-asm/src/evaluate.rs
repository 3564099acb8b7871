//! The value of an expression, once places have addresses.

use crate::expression::{Binary, Expression, Modifier, Unary};
use crate::place::{Place, SymbolId};
use crate::program::{Definition, Program, SectionKind};
use std::cell::RefCell;
use std::collections::HashMap;

/// Why an expression has no value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// A symbol is defined nowhere. It is reported once for all its uses.
    Undefined(SymbolId),
    /// A numeric label that does not follow.
    UndefinedLocal(u64),
    /// Symbols that are defined by each other.
    Circular,
    /// A division by zero.
    DivisionByZero,
    /// `%pcrel_lo` of something else than a label at an instruction with `%pcrel_hi`.
    NoHighPart,
    /// An address that is too high for `%hi`.
    HighAddress,
    /// An address, where none is known yet.
    NotYet,
}

impl Failure {
    /// What to tell the user; `None` for what is reported elsewhere.
    pub fn message(self) -> Option<String> {
        Some(match self {
            Failure::Undefined(_) => return None,
            Failure::NotYet => "this has to be known here, and depends on an address".into(),
            Failure::UndefinedLocal(number) => format!("no label `{number}:` follows"),
            Failure::Circular => {
                "the symbols of this expression are defined by each other, or nested too deeply".into()
            }
            Failure::DivisionByZero => "division by zero".into(),
            Failure::NoHighPart => {
                "%pcrel_lo wants the label of an instruction that has %pcrel_hi, such as auipc".into()
            }
            Failure::HighAddress => {
                "the address does not fit the signed 32 bits of %hi and %lo; use `la`, or %pcrel_hi".into()
            }
        })
    }
}

/// The value of an expression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Value {
    /// The number.
    pub number: i64,
    /// Whether it moves along with the program: an address, rather than a number or a difference.
    pub is_address: bool,
}

impl Value {
    fn number(number: i64) -> Value {
        Value { number, is_address: false }
    }
}

/// Where every item of every section is.
#[derive(Clone, Default, Debug)]
pub struct Addresses {
    /// Address of each section.
    pub sections: Vec<u64>,
    /// Offset of each item in its section, and the section's size as the last element.
    pub offsets: Vec<Vec<u64>>,
}

impl Addresses {
    /// The address of a place.
    pub fn of(&self, place: Place) -> u64 {
        let offsets = &self.offsets[place.section];
        let offset = offsets.get(place.item).or(offsets.last()).copied().unwrap_or(0);
        self.sections[place.section].wrapping_add(offset)
    }
}

/// How deep operators and definitions of symbols by symbols may nest together.
const MOST_DEPTH: usize = 1200;

/// What computing an expression gave.
type Computed = Result<Value, Failure>;

/// Computes values for one state of the addresses, or of what is known without any.
pub struct Evaluator<'a> {
    program: &'a Program,
    addresses: Option<&'a Addresses>,
    // `None` marks a symbol whose value is just being computed.
    known: RefCell<HashMap<(SymbolId, usize), Option<Computed>>>,
}

impl<'a> Evaluator<'a> {
    /// An evaluator; without addresses, an expression that needs one fails with [`Failure::NotYet`].
    pub fn new(program: &'a Program, addresses: Option<&'a Addresses>) -> Self {
        Evaluator { program, addresses, known: RefCell::default() }
    }

    /// What the section of a place holds.
    pub fn section_kind(&self, place: Place) -> SectionKind {
        self.program.sections[place.section].kind
    }

    /// The value of an expression that belongs to the instruction at a place.
    pub fn value(&self, expression: &Expression, here: Place) -> Result<Value, Failure> {
        self.nested(expression, here, 0)
    }

    /// The number alone.
    pub fn number(&self, expression: &Expression, here: Place) -> Result<i64, Failure> {
        self.value(expression, here).map(|value| value.number)
    }

    fn nested(&self, expression: &Expression, here: Place, depth: usize) -> Result<Value, Failure> {
        if depth > MOST_DEPTH {
            return Err(Failure::Circular);
        }
        match expression {
            Expression::Number(number) => Ok(Value::number(*number)),
            Expression::Place(place) => self.address(*place),
            Expression::Symbol(id) => match &self.program.symbol(*id).definition {
                None => self.predefined(*id),
                Some(Definition::Label(place, _)) => self.address(*place),
                Some(Definition::Assigned(values)) => self.assigned(*id, values.len() - 1, depth),
            },
            Expression::Assigned(id, index) => self.assigned(*id, *index, depth),
            Expression::Local(number, index) => match self.program.local(*number, *index) {
                Some(place) => self.address(place),
                None => Err(Failure::UndefinedLocal(*number)),
            },
            Expression::Unary(operator, operand) => {
                let value = self.nested(operand, here, depth + 1)?.number;
                Ok(Value::number(match operator {
                    Unary::Negate => value.wrapping_neg(),
                    Unary::Complement => !value,
                    Unary::Not => (value == 0).into(),
                }))
            }
            Expression::Binary(operator, left, right) => {
                let left = self.nested(left, here, depth + 1)?;
                let right = self.nested(right, here, depth + 1)?;
                binary(*operator, left, right)
            }
            Expression::Modified(modifier, operand) => self.modified(*modifier, operand, here, depth),
        }
    }

    /// The value of a name that only the tables define.
    fn predefined(&self, id: SymbolId) -> Result<Value, Failure> {
        let symbol = self.program.symbol(id);
        let value = symbol.predefined.ok_or(Failure::Undefined(id))?;
        // Without addresses something is decided while the source is read.
        symbol.is_settled.set(symbol.is_settled.get() || self.addresses.is_none());
        Ok(Value::number(value))
    }

    fn address(&self, place: Place) -> Result<Value, Failure> {
        let addresses = self.addresses.ok_or(Failure::NotYet)?;
        Ok(Value { number: addresses.of(place) as i64, is_address: true })
    }

    fn assigned(&self, id: SymbolId, index: usize, depth: usize) -> Result<Value, Failure> {
        if let Some(known) = self.known.borrow().get(&(id, index)) {
            return known.unwrap_or(Err(Failure::Circular));
        }
        let Some(Definition::Assigned(values)) = &self.program.symbol(id).definition else {
            return Err(Failure::Undefined(id));
        };
        let (expression, here) = &values[index];
        self.known.borrow_mut().insert((id, index), None);
        let value = self.nested(expression, *here, depth + 1);
        self.known.borrow_mut().insert((id, index), Some(value));
        value
    }

    fn modified(
        &self,
        modifier: Modifier,
        operand: &Expression,
        here: Place,
        depth: usize,
    ) -> Result<Value, Failure> {
        let number = match modifier {
            Modifier::RelativeLow => {
                let (target, high_part) = self.high_part(operand, depth)?;
                low(target.wrapping_sub(self.address(high_part)?.number))
            }
            Modifier::RelativeHigh => {
                let target = self.nested(operand, here, depth + 1)?.number;
                high(target.wrapping_sub(self.address(here)?.number))
            }
            Modifier::High => {
                let value = self.nested(operand, here, depth + 1)?;
                if value.is_address && i32::try_from(value.number.wrapping_add(0x800)).is_err() {
                    return Err(Failure::HighAddress);
                }
                high(value.number)
            }
            Modifier::Low => low(self.nested(operand, here, depth + 1)?.number),
        };
        Ok(Value::number(number))
    }

    /// The target of the `%pcrel_hi` at a label, and the place of its instruction.
    fn high_part(&self, label: &Expression, depth: usize) -> Result<(i64, Place), Failure> {
        let place = match label {
            Expression::Place(place) => *place,
            Expression::Local(number, index) => {
                self.program.local(*number, *index).ok_or(Failure::UndefinedLocal(*number))?
            }
            Expression::Symbol(id) => match self.program.symbol(*id).definition {
                Some(Definition::Label(place, _)) => place,
                None => return Err(Failure::Undefined(*id)),
                _ => return Err(Failure::NoHighPart),
            },
            _ => return Err(Failure::NoHighPart),
        };
        let target = self.program.relative_high_target(place).ok_or(Failure::NoHighPart)?;
        Ok((self.nested(target, place, depth + 1)?.number, place))
    }
}

/// The upper 20 bits, rounded so that adding the signed low 12 bits gives the value.
pub fn high(value: i64) -> i64 {
    value.wrapping_add(0x800) >> 12 & 0xf_ffff
}

/// The low 12 bits, signed.
pub fn low(value: i64) -> i64 {
    value << 52 >> 52
}

fn binary(operator: Binary, left: Value, right: Value) -> Result<Value, Failure> {
    let is_address = match operator {
        Binary::Add | Binary::Subtract => left.is_address != right.is_address,
        _ => false,
    };
    compute(operator, left.number, right.number).map(|number| Value { number, is_address })
}

/// The result of an operator on numbers.
pub fn compute(operator: Binary, a: i64, b: i64) -> Result<i64, Failure> {
    Ok(match operator {
        Binary::Add => a.wrapping_add(b),
        Binary::Subtract => a.wrapping_sub(b),
        Binary::Multiply => a.wrapping_mul(b),
        Binary::Divide | Binary::Remainder if b == 0 => return Err(Failure::DivisionByZero),
        Binary::Divide => a.wrapping_div(b),
        Binary::Remainder => a.wrapping_rem(b),
        Binary::ShiftLeft => u32::try_from(b).ok().and_then(|b| a.checked_shl(b)).unwrap_or(0),
        Binary::ShiftRight => {
            u32::try_from(b).ok().and_then(|b| (a as u64).checked_shr(b)).unwrap_or(0) as i64
        }
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Xor => a ^ b,
        Binary::Equal => truth(a == b),
        Binary::NotEqual => truth(a != b),
        Binary::Less => truth(a < b),
        Binary::LessOrEqual => truth(a <= b),
        Binary::Greater => truth(a > b),
        Binary::GreaterOrEqual => truth(a >= b),
        Binary::LogicalAnd => (a != 0 && b != 0).into(),
        Binary::LogicalOr => (a != 0 || b != 0).into(),
    })
}

/// What a comparison that holds is: all ones, as with GNU as.
fn truth(holds: bool) -> i64 {
    if holds { -1 } else { 0 }
}
