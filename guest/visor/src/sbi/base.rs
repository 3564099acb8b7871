//! BASE (SBI 2.0, chapter 4): who provides the SBI, and what of it.

use super::interface::has_extension;
use super::{Call, SbiError, SbiResult};

/// Version 2.0: major in bits 30:24, minor in 23:0.
pub const VERSION: u64 = 2 << 24;
/// visor's implementation number: "VISA" in ASCII, far above the registered ones.
pub const IMPLEMENTATION: u64 = 0x5649_5341;
/// visor's version, 0.1, in the form of the SBI's.
pub const IMPLEMENTATION_VERSION: u64 = 1;

#[inline(always)]
pub(super) fn call(call: &Call) -> SbiResult {
    match call.function {
        0 => Ok(VERSION),
        1 => Ok(IMPLEMENTATION),
        2 => Ok(IMPLEMENTATION_VERSION),
        3 => Ok(u64::from(has_extension(call.arguments[0]))),
        // mvendorid, marchid, mimpid: zero says that a machine has none.
        4..=6 => Ok(0),
        _ => Err(SbiError::NotSupported),
    }
}
