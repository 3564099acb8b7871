//! Operands of the host's instructions, by what they mean here.

use std::mem::offset_of;
use std::sync::LazyLock;

use crate::predicted::{self, PREDICTED_PAGES, PredictedPage};
use iced_x86::{Instruction, OpKind, Register};
use visa_core::layout;

use super::value::{Kind, State};
use crate::emit::written_fields;
use crate::runtime::field;

/// RSP and RBP, by number.
const STACK_POINTER: u8 = 4;
const HART: u8 = 5;

/// Fields of the hart that templates may write.
static WRITABLE: LazyLock<Vec<usize>> =
    LazyLock::new(|| [layout::PC, layout::RESERVATION].into_iter().chain(written_fields()).collect());

/// A field of a place for predictions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    Page,
    Limit,
    Addend,
    Left,
}

/// An operand; widths are in bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    General(u8, u32),
    Vector(u8),
    Immediate(u64),
    /// The hart's integer register.
    Slot(u8, u32),
    /// The hart's floating-point register; its upper half alone.
    Float(u8, u32),
    FloatUpper(u8),
    /// Of a place for predictions.
    Prediction(usize, Part),
    Generation,
    /// Another field of the hart, and whether templates may write it.
    Field {
        writable: bool,
    },
    /// What was pushed, that many words ago.
    Pushed(usize),
    /// What the frame of generated code holds below that.
    Frame,
    /// The environment's budget, or another of its fields.
    Budget,
    Environment,
    /// The guest's memory, or a table.
    Memory(u32),
}

/// The number of a general register of any width; `None`: it is none.
pub fn general(register: Register) -> Option<u8> {
    register.is_gpr().then(|| register.full_register().number() as u8)
}

/// An operand of an instruction.
pub fn operand(state: &State, i: &Instruction, index: u32) -> Result<Operand, String> {
    Ok(match i.op_kind(index) {
        OpKind::Register => {
            let register = i.op_register(index);
            match general(register) {
                Some(number) => Operand::General(number, 8 * register.size() as u32),
                None if register.is_xmm() => Operand::Vector(register.number() as u8),
                None => return Err("uses a register that generated code never uses".into()),
            }
        }
        OpKind::Memory => memory(state, i)?,
        _ => Operand::Immediate(i.immediate(index)),
    })
}

/// Where an instruction's memory operand is.
fn memory(state: &State, i: &Instruction) -> Result<Operand, String> {
    let width = 8 * i.memory_size().size() as u32;
    let displacement = i.memory_displacement64() as i64;
    let base = general(i.memory_base());
    let indexed = i.memory_index() != Register::None;
    match base {
        Some(HART) if indexed => Ok(Operand::Field { writable: false }),
        Some(HART) => of_hart(displacement, width),
        Some(STACK_POINTER) if !indexed && displacement >= 0 => {
            let words = displacement as usize / 8;
            Ok(if words < state.stack.len() { Operand::Pushed(words) } else { Operand::Frame })
        }
        Some(number) if state.general[number as usize].kind == Kind::Environment && !indexed => {
            Ok(if displacement == field::BUDGET as i64 { Operand::Budget } else { Operand::Environment })
        }
        _ => Ok(Operand::Memory(width)),
    }
}

fn of_hart(displacement: i64, width: u32) -> Result<Operand, String> {
    let outside = || "uses memory outside of the hart".to_owned();
    let at = usize::try_from(displacement).map_err(|_| outside())?;
    let within = |start: usize, size: usize, count: usize| {
        let place = at.checked_sub(start)?;
        (place < size * count).then_some((place / size, place % size))
    };
    if let Some((register, inside)) = within(layout::INTEGER, 8, 32) {
        return match (register, inside) {
            (0, _) => Err("uses the slot of R0".into()),
            (register, 0) => Ok(Operand::Slot(register as u8, width)),
            _ => Err("uses a part of a slot".into()),
        };
    }
    if let Some((register, inside)) = within(layout::FLOAT, 8, 32) {
        return match inside {
            0 => Ok(Operand::Float(register as u8, width)),
            4 if width == 32 => Ok(Operand::FloatUpper(register as u8)),
            _ => Err("uses a part of a slot".into()),
        };
    }
    if let Some((place, inside)) = within(predicted::place(0, 0), size_of::<PredictedPage>(), PREDICTED_PAGES)
    {
        let part = match inside {
            _ if inside == offset_of!(PredictedPage, page) => Part::Page,
            _ if inside == offset_of!(PredictedPage, limit) => Part::Limit,
            _ if inside == offset_of!(PredictedPage, addend) => Part::Addend,
            _ if inside == offset_of!(PredictedPage, left) => Part::Left,
            _ => return Err("uses a part of a predicted page's field".into()),
        };
        return Ok(Operand::Prediction(place, part));
    }
    if at == layout::GENERATION {
        return Ok(Operand::Generation);
    }
    Ok(Operand::Field { writable: WRITABLE.contains(&at) })
}
