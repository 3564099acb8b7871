//! The host's instructions for floating point.

use iced_x86::{Instruction, Mnemonic};

use super::host::View;
use super::operand::{Operand, operand};
use super::value::{Bits, Flags, Kind, NEW, State, Value, bit};

/// The canonical NaN in single precision (RISC-V unprivileged, 20.3): what a value that is not boxed is taken for.
const CANONICAL_NAN: u64 = 0x7fc0_0000;

/// What an instruction takes its operands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Single,
    Double,
    /// Either.
    Bits,
}

/// Executes an instruction with XMM registers.
pub fn execute(state: &mut State, view: &View, i: &Instruction) -> Result<(), String> {
    use Mnemonic::*;
    match i.mnemonic() {
        Movaps | Movsd | Movss | Movd | Movq => moved(state, view, i),
        Cvtsi2sd | Cvtsi2ss | Xorps => {
            if let Operand::General(from, _) = operand(state, i, 1)? {
                state.read |= state.general[from as usize].low;
            }
            let double = i.mnemonic() == Cvtsi2sd;
            let all = i.mnemonic() == Xorps;
            write(state, view, i, double || all, !double || all)
        }
        mnemonic => {
            let (format, gives) = formats(mnemonic).ok_or("is an instruction that no template uses")?;
            computed(state, view, i, format, gives)
        }
    }
}

/// What an instruction takes its operands for, and its result.
fn formats(mnemonic: Mnemonic) -> Option<(Format, Format)> {
    use Mnemonic::*;
    Some(match mnemonic {
        Addsd | Subsd | Mulsd | Divsd | Sqrtsd | Minsd | Maxsd | Ucomisd | Comisd => {
            (Format::Double, Format::Double)
        }
        Addss | Subss | Mulss | Divss | Sqrtss | Minss | Maxss | Ucomiss | Comiss => {
            (Format::Single, Format::Single)
        }
        Vfmadd213sd | Vfmsub213sd | Vfnmadd213sd | Vfnmsub213sd => (Format::Double, Format::Double),
        Vfmadd213ss | Vfmsub213ss | Vfnmadd213ss | Vfnmsub213ss => (Format::Single, Format::Single),
        Cvtsd2ss => (Format::Double, Format::Single),
        Cvtss2sd => (Format::Single, Format::Double),
        Cvtsd2si | Cvttsd2si => (Format::Double, Format::Bits),
        Cvtss2si | Cvttss2si => (Format::Single, Format::Bits),
        Orps | Andps => (Format::Bits, Format::Bits),
        _ => return None,
    })
}

/// Registers that may be read, and what was computed.
fn sources(view: &View) -> Bits {
    view.step.map_or(0, |step| step.float_sources) | bit(NEW)
}

fn new(view: &View) -> Bits {
    if view.step.is_some() { bit(NEW) } else { 0 }
}

fn write(state: &mut State, view: &View, i: &Instruction, full: bool, low: bool) -> Result<(), String> {
    let Operand::Vector(to) = operand(state, i, 0)? else { return Err("computes in no XMM register".into()) };
    let new = new(view);
    let pick = |wanted: bool| if wanted { new } else { 0 };
    state.floats_mut().vector[to as usize] =
        Value { full: pick(full), low: pick(low), kind: Kind::Temporary };
    Ok(())
}

fn computed(
    state: &mut State,
    view: &View,
    i: &Instruction,
    format: Format,
    gives: Format,
) -> Result<(), String> {
    use Mnemonic::*;
    let only_last = matches!(i.mnemonic(), Sqrtsd | Sqrtss | Cvtsd2ss | Cvtss2sd)
        || matches!(i.mnemonic(), Cvtsd2si | Cvttsd2si | Cvtss2si | Cvttss2si);
    let sources = sources(view);
    let (mut full, mut low) = (true, true);
    for index in (if only_last { 1 } else { 0 })..i.op_count() {
        let Operand::Vector(number) = operand(state, i, index)? else {
            return Err("computes with what is in no XMM register".into());
        };
        let value = state.floats.vector[number as usize];
        let made = value.kind == Kind::Temporary;
        state.float_read |= value.full | value.low;
        full &= value.full & sources != 0 || made;
        low &= value.low & sources != 0 || made;
    }
    let right = match format {
        Format::Single => low,
        Format::Double => full,
        Format::Bits => full || low,
    };
    if !right {
        return Err("computes with an XMM register that does not hold what the instruction reads".into());
    }
    if matches!(i.mnemonic(), Ucomisd | Ucomiss | Comisd | Comiss) {
        state.flags = Flags::Unknown;
        return Ok(());
    }
    match operand(state, i, 0)? {
        Operand::General(number, _) => {
            let new = new(view);
            state.general[number as usize] = Value { full: new, low: new, kind: Kind::Temporary };
            Ok(())
        }
        _ => match gives {
            Format::Single => write(state, view, i, false, true),
            Format::Double => write(state, view, i, true, false),
            Format::Bits => write(state, view, i, full, low),
        },
    }
}

fn moved(state: &mut State, view: &View, i: &Instruction) -> Result<(), String> {
    let whole = matches!(i.mnemonic(), Mnemonic::Movsd | Mnemonic::Movq | Mnemonic::Movaps);
    match (operand(state, i, 0)?, operand(state, i, 1)?) {
        (Operand::Vector(to), Operand::Vector(from)) => {
            let value = state.floats.vector[from as usize];
            state.float_read |= value.full | value.low;
            state.floats_mut().vector[to as usize] = value;
            Ok(())
        }
        (Operand::Vector(to), Operand::Float(register, _)) => {
            let slot = state.floats.slots[register as usize];
            state.floats_mut().vector[to as usize] = match whole {
                true => Value { full: slot.full, low: 0, kind: Kind::Unknown },
                false => match slot.held_in_slot(register) {
                    Some(held) => Value { full: 0, low: bit(held) & state.boxed, kind: Kind::Raw(held) },
                    None => Value::default(),
                },
            };
            Ok(())
        }
        (Operand::Float(register, _), Operand::Vector(from)) => {
            let value = state.floats.vector[from as usize];
            state.floats_mut().slots[register as usize] = match whole {
                true => Value { full: value.full, low: 0, kind: Kind::Unknown },
                false => Value { full: 0, low: value.low, kind: Kind::Unknown },
            };
            Ok(())
        }
        (Operand::Vector(to), Operand::General(from, _)) => {
            let value = state.general[from as usize];
            if let (Kind::Constant(CANONICAL_NAN), Some(register)) = (value.kind, state.not_boxed) {
                state.floats_mut().vector[to as usize] =
                    Value { full: 0, low: bit(register), kind: Kind::Unknown };
                return Ok(());
            }
            state.read |= value.low;
            let held = value.low | if value.kind == Kind::Unknown { 0 } else { bit(NEW) };
            let sources = view.step.map_or(0, |step| step.sources) | bit(NEW);
            match held & sources != 0 {
                true => write(state, view, i, whole, !whole),
                false => Err("moves what the instruction does not read into an XMM register".into()),
            }
        }
        (Operand::General(to, _), Operand::Vector(from)) => {
            let value = state.floats.vector[from as usize];
            let held = if whole { value.full } else { value.low };
            state.float_read |= held;
            if held & sources(view) == 0 {
                return Err("moves from an XMM register that does not hold what the instruction reads".into());
            }
            let new = new(view);
            state.general[to as usize] = Value { full: new, low: new, kind: Kind::Temporary };
            Ok(())
        }
        (Operand::Vector(_), _) => write(state, view, i, whole, !whole),
        _ => Err("moves an XMM register where no template does".into()),
    }
}
