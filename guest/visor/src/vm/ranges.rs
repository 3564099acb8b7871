//! What the current VM's devices and ports are: IOVMAP and IOVMASK (specification, 5.2 and 5.3).

use crate::guest::memory::Region;
use visa_guest::instructions as insn;
use visa_isa::io::{Policy, RANGE_BYTES, RangeKind, ports};

/// The ports of the console's UART, which the guest may use.
pub const CONSOLE_PORTS: core::ops::RangeInclusive<u16> = 0x3f8..=0x3ff;

#[repr(C, align(32))]
struct Descriptor([u64; (RANGE_BYTES / 8) as usize]);

/// Binds a device's pages to themselves: accesses cause no exit, and the device's DMA is the VM's (specification, 5.3).
pub fn pass_through(device: &Region) {
    bind(RangeKind::Passthrough, device.guest, device.length, device.physical);
}

/// IOVMAP on the current VM.
pub fn bind(kind: RangeKind, guest: u64, length: u64, target: u64) {
    let descriptor = Descriptor([kind as u64, guest, length, target]);
    // SAFETY: the descriptor is valid, and what is passed through is no memory of visor's.
    unsafe { insn::iovmap(&raw const descriptor as u64) };
}

/// The guest has the console's ports; the others are absent. None exits.
pub fn mask_ports() {
    mask(0, u16::MAX, Policy::Absent);
    mask_console(Policy::Pass);
}

/// What becomes of accesses of the console's ports.
pub fn mask_console(policy: Policy) {
    mask(*CONSOLE_PORTS.start(), *CONSOLE_PORTS.end(), policy);
}

/// IOVMASK on the current VM.
fn mask(first: u16, last: u16, policy: Policy) {
    // SAFETY: the devices behind the ports are the guest's to use.
    unsafe { insn::iovmask(ports(first, last), policy as u64) };
}
