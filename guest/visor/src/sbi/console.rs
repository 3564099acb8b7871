//! DBCN (SBI 2.0, chapter 12): the debug console. Addresses are guest-physical, and only the guest's memory will do.

use super::{Call, Environment, SbiError, SbiResult};
use crate::guest::memory;

#[inline(always)]
pub(super) fn call(on: &mut impl Environment, call: &Call) -> SbiResult {
    let [first, low, high, ..] = call.arguments;
    match call.function {
        0 => write(on, first, low, high),
        1 => read(on, first, low, high),
        2 => {
            write_byte(on, first as u8);
            Ok(0)
        }
        _ => Err(SbiError::NotSupported),
    }
}

/// Writes one byte. Out of line, so that short calls have no register taken up with where the console is.
#[inline(never)]
pub(super) fn write_byte(on: &mut impl Environment, byte: u8) {
    on.write_console(byte);
}

/// Reads one byte if one is there; out of line as well.
#[inline(never)]
pub(super) fn read_byte(on: &mut impl Environment) -> Option<u8> {
    on.read_console()
}

#[inline(never)]
fn write(on: &mut impl Environment, length: u64, low: u64, high: u64) -> SbiResult {
    let start = buffer(on, length, low, high)?;
    for address in start..start + length {
        let byte = on.load(address);
        on.write_console(byte);
    }
    Ok(length)
}

/// Reads what has been typed, without waiting for more.
#[inline(never)]
fn read(on: &mut impl Environment, length: u64, low: u64, high: u64) -> SbiResult {
    let start = buffer(on, length, low, high)?;
    for done in 0..length {
        match on.read_console() {
            Some(byte) => on.store(start + done, byte),
            None => return Ok(done),
        }
    }
    Ok(length)
}

/// The physical address of a buffer in the guest's memory. The address is 128 bits wide in the interface.
fn buffer(on: &impl Environment, length: u64, low: u64, high: u64) -> Result<u64, SbiError> {
    if high != 0 {
        return Err(SbiError::InvalidParameter);
    }
    memory::translate(on.memory(), low, length).ok_or(SbiError::InvalidParameter)
}
