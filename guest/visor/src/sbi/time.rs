//! TIME (SBI 2.0, chapter 6). A kernel that knows Sstc writes stimecmp itself and never calls.

use super::{Call, Environment, SbiError, SbiResult};

#[inline(always)]
pub(super) fn call(on: &mut impl Environment, call: &Call) -> SbiResult {
    match call.function {
        0 => {
            on.set_timer(call.arguments[0]);
            Ok(0)
        }
        _ => Err(SbiError::NotSupported),
    }
}
