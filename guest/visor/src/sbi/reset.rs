//! SRST (SBI 2.0, chapter 10): the end of a run, through the test finisher.

use super::{Call, Outcome, SbiError};
use crate::ending;

const SHUTDOWN: u64 = 0;
const COLD_REBOOT: u64 = 1;
const WARM_REBOOT: u64 = 2;
/// First of the reset types that are a vendor's or platform's own.
const OWN_TYPES: u64 = 0xf000_0000;

const NO_REASON: u64 = 0;
const SYSTEM_FAILURE: u64 = 1;
/// First of the reasons that are an implementation's, vendor's or platform's own.
const OWN_REASONS: u64 = 0xe000_0000;

/// The exit code for "system failure".
const FAILURE_CODE: u16 = 1;

#[inline(always)]
pub(super) fn call(call: &Call) -> Outcome {
    match call.function {
        0 => reset(call.arguments[0], call.arguments[1]),
        _ => Outcome::Return(Err(SbiError::NotSupported)),
    }
}

#[inline(never)]
fn reset(kind: u64, reason: u64) -> Outcome {
    // Both are 32 bits wide.
    let (kind, reason) = (kind & 0xffff_ffff, reason & 0xffff_ffff);
    let failed = match reason {
        NO_REASON => false,
        SYSTEM_FAILURE => true,
        OWN_REASONS.. => return Outcome::Return(Err(SbiError::NotSupported)),
        _ => return Outcome::Return(Err(SbiError::InvalidParameter)),
    };
    match kind {
        SHUTDOWN if failed => Outcome::End(ending::fail(FAILURE_CODE)),
        SHUTDOWN => Outcome::End(ending::PASS),
        COLD_REBOOT | WARM_REBOOT => Outcome::End(ending::RESET),
        OWN_TYPES.. => Outcome::Return(Err(SbiError::NotSupported)),
        _ => Outcome::Return(Err(SbiError::InvalidParameter)),
    }
}
