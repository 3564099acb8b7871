//! Guest-physical addresses that the second stage does not map (specification, 4.1).

use crate::cpu;
use crate::devices::console::line;
use crate::ending::Ending;
use crate::guest::memory;
use crate::image;
use crate::vcpu::{Loaded, access_fault, report};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use visa_guest::registers as msr;
use visa_isa::cause::ExitCause;

/// How many reaches for visor's memory are worth a line.
const LINES_MAX: u32 = 4;
static LINES: AtomicU32 = AtomicU32::new(0);

/// Nothing is there: the guest gets the access fault that a machine of its own would give it. All of the guest's memory
/// is mapped beforehand, so a fault inside of it is visor's own mistake.
pub fn nested_page_fault(vcpu: &mut Loaded) {
    let address = msr::vmgpa::read();
    if memory::translate(&vcpu.vm.memory, address, 1).is_some() {
        report::unexpected(vcpu.vcpu, ExitCause::NestedPageFault as u64, Ending::NestedPageFault);
    }
    if image::contains(address) {
        return tell_and_deny(vcpu, address);
    }
    deny(vcpu);
}

/// The same, and a line about a guest that reached for visor's memory.
#[cold]
#[inline(never)]
fn tell_and_deny(vcpu: &mut Loaded, address: u64) {
    if LINES.fetch_add(1, Relaxed) < LINES_MAX {
        line!(
            "\nvisor: hart {}: the guest at {:#x} reached for visor's memory at {address:#x}: denied, {}",
            cpu::this(),
            msr::vmpc::read(),
            access_fault().name()
        );
    }
    deny(vcpu);
}

/// Gives the guest the access fault.
pub fn deny(vcpu: &mut Loaded) {
    vcpu.give(access_fault(), msr::vmgva::read());
}
