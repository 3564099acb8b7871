//! IPI (SBI 2.0, chapter 7).

use super::{Call, Environment, HartSet, SbiError, SbiResult};

#[inline(always)]
pub(super) fn call(on: &mut impl Environment, call: &Call) -> SbiResult {
    match call.function {
        0 => {
            let harts = HartSet::new(call.arguments[0], call.arguments[1], on.harts())?;
            on.interrupt(harts);
            Ok(0)
        }
        _ => Err(SbiError::NotSupported),
    }
}
