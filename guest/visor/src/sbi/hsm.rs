//! HSM (SBI 2.0, chapter 9): starting, stopping and suspending harts.

use super::{Call, Environment, HartState, Outcome, SbiError, SbiResult, Start};
use crate::guest::memory;

/// Suspend types: the default ones, which keep the registers or lose them.
const RETENTIVE: u64 = 0;
const NON_RETENTIVE: u64 = 0x8000_0000;

/// The least that must be there to start: one instruction, compressed or not.
const INSTRUCTION_ALIGNMENT: u64 = 2;

#[inline(always)]
pub(super) fn call(on: &mut impl Environment, call: &Call) -> Outcome {
    let [first, second, third, ..] = call.arguments;
    match call.function {
        0 => start(on, first, Start { entry: second, opaque: third }).into(),
        1 => Outcome::Stop,
        2 => hart(on, first).map(|hart| on.state(hart) as u64).into(),
        3 => suspend(on, first, Start { entry: second, opaque: third }),
        _ => Outcome::Return(Err(SbiError::NotSupported)),
    }
}

#[inline(never)]
fn start(on: &mut impl Environment, number: u64, start: Start) -> SbiResult {
    let hart = hart(on, number)?;
    check_entry(on, start.entry)?;
    if on.state(hart) != HartState::Stopped || !on.start(hart, start) {
        return Err(SbiError::AlreadyAvailable);
    }
    Ok(0)
}

#[inline(never)]
fn suspend(on: &impl Environment, kind: u64, start: Start) -> Outcome {
    // The type is 32 bits wide.
    match kind & 0xffff_ffff {
        RETENTIVE => Outcome::Suspend,
        NON_RETENTIVE => match check_entry(on, start.entry) {
            Ok(()) => Outcome::SuspendAndStart(start),
            Err(error) => Outcome::Return(Err(error)),
        },
        // 1 to 0x0FFFFFFF and their non-retentive twins are reserved, the rest are a platform's own.
        0x1000_0000..=0x7fff_ffff | 0x9000_0000.. => Outcome::Return(Err(SbiError::NotSupported)),
        _ => Outcome::Return(Err(SbiError::InvalidParameter)),
    }
}

fn hart(on: &impl Environment, number: u64) -> Result<usize, SbiError> {
    if number < on.harts() as u64 { Ok(number as usize) } else { Err(SbiError::InvalidParameter) }
}

fn check_entry(on: &impl Environment, entry: u64) -> Result<(), SbiError> {
    let there = memory::translate(on.memory(), entry, INSTRUCTION_ALIGNMENT).is_some();
    if there && entry.is_multiple_of(INSTRUCTION_ALIGNMENT) { Ok(()) } else { Err(SbiError::InvalidAddress) }
}
