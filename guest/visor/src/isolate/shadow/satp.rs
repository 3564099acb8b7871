//! The parts of satp (RISC-V privileged, 12.1.11).

use visa_isa::paging::PAGE_SHIFT;

/// The mode field of satp for Sv39.
pub const SV39: u64 = 8;
/// The mode field of satp for Sv48.
pub const SV48: u64 = 9;
/// First bit of the mode in satp.
pub const SATP_MODE_SHIFT: u32 = 60;

/// The root table in satp's value.
pub const fn root(satp: u64) -> u64 {
    (satp & ((1 << 44) - 1)) << PAGE_SHIFT
}

/// The mode in satp for tables whose root is at a level.
pub(super) const fn mode(top_level: u32) -> u64 {
    (if top_level == 2 { SV39 } else { SV48 }) << SATP_MODE_SHIFT
}
