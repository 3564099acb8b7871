//! RFENCE (SBI 2.0, chapter 8). The functions 3 to 6 are of RISC-V's hypervisor extension, which V-ISA has not.

use super::{Call, Environment, Fence, HartSet, SbiError, SbiResult};

#[inline(always)]
pub(super) fn call(on: &mut impl Environment, call: &Call) -> SbiResult {
    let fence = match call.function {
        0 => Fence::Instructions,
        // By address, and by address and ASID: both flush more than they were asked to.
        1 | 2 => Fence::Translations,
        _ => return Err(SbiError::NotSupported),
    };
    let harts = HartSet::new(call.arguments[0], call.arguments[1], on.harts())?;
    on.fence(harts, fence);
    Ok(0)
}
