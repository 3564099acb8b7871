//! The legacy extensions (SBI 2.0, chapter 5), which small kernels and old ones call. They return one value, in R10, and leave
//! R11 alone.

use super::console;
use super::{Call, Environment, Fence, HartSet, Outcome, SbiError, extension};
use crate::ending;

/// What sbi_clear_ipi returns if an interrupt was pending: any positive number.
const WAS_PENDING: i64 = 1;

#[inline(always)]
pub(super) fn call(on: &mut impl Environment, call: &Call) -> Outcome {
    use extension::*;
    let [first, ..] = call.arguments;
    match call.extension {
        LEGACY_SET_TIMER => {
            on.set_timer(first);
            Outcome::Legacy(0)
        }
        LEGACY_PUTCHAR => {
            console::write_byte(on, first as u8);
            Outcome::Legacy(0)
        }
        LEGACY_GETCHAR => Outcome::Legacy(console::read_byte(on).map_or(-1, i64::from)),
        LEGACY_CLEAR_IPI => Outcome::Legacy(if on.clear_interrupt() { WAS_PENDING } else { 0 }),
        LEGACY_SHUTDOWN => Outcome::End(ending::PASS),
        _ => to_harts(on, call.extension, first),
    }
}

/// A call for the harts in a mask that is in memory.
#[inline(never)]
fn to_harts(on: &mut impl Environment, number: u64, mask: u64) -> Outcome {
    let harts = match harts(on, mask) {
        Ok(harts) => harts,
        Err(error) => return Outcome::Legacy(error as i64),
    };
    match number {
        extension::LEGACY_SEND_IPI => on.interrupt(harts),
        extension::LEGACY_FENCE_I => on.fence(harts, Fence::Instructions),
        // Of an address range, and of one in an ASID: both flush more than they were asked to.
        _ => on.fence(harts, Fence::Translations),
    }
    Outcome::Legacy(0)
}

/// The harts in the mask at a guest-virtual address; all of them if it is 0. Bits of harts that do not exist are left out, as
/// those who wrote all ones expect.
fn harts(on: &impl Environment, address: u64) -> Result<HartSet, SbiError> {
    if address == 0 {
        return Ok(HartSet::existing(on.harts()));
    }
    let mut mask = 0;
    for byte in 0..size_of::<u64>() as u64 {
        let physical = on.locate(address.wrapping_add(byte)).ok_or(SbiError::InvalidAddress)?;
        mask |= u64::from(on.load(physical)) << (8 * byte);
    }
    Ok(HartSet::existing(on.harts()).among(mask))
}
