//! The two legacy calls that early consoles still make (SBI 2.0, chapter 5). They return one value, in R10.

use super::{Call, Environment, Outcome, extension};

#[inline(always)]
pub(super) fn call(on: &mut impl Environment, call: &Call) -> Outcome {
    if call.extension == extension::LEGACY_PUTCHAR {
        on.write_console(call.arguments[0] as u8);
        return Outcome::Legacy(0);
    }
    Outcome::Legacy(on.read_console().map_or(-1, i64::from))
}
