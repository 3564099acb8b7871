//! The guest-physical addresses of the demo.

use crate::guest::memory::{Region, Regions};

/// Where the guest's memory begins for the guest: not where it is, so that the second stage has something to do.
const GUEST_BASE: u64 = 0x4000_0000;
/// As much memory as the guest needs, at most.
const GUEST_BYTES: u64 = 64 << 20;
/// Guest-physical address of the memory that is not there until the guest asks for it.
pub const LATE_MEMORY: u64 = 0x5000_0000;
/// Guest-physical address of the virtual device, an adder (`handlers::device`).
pub const DEVICE: u64 = 0x6000_0000;
/// Bytes of the device.
pub const DEVICE_BYTES: u64 = 0x1000;
/// The cookie that exits of the device carry.
pub const DEVICE_COOKIE: u64 = 0xadde;

/// The guest's memory: the start of what the machine has for it, at [`GUEST_BASE`].
pub fn memory(given: &[Region]) -> Regions {
    let first = given.iter().take(1);
    first
        .map(|region| Region { guest: GUEST_BASE, length: region.length.min(GUEST_BYTES), ..*region })
        .collect()
}
