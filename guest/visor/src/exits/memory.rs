//! Guest-physical addresses that the second stage does not map (specification, 4.1).

use super::{access_fault, inject};
use crate::cpu;
use crate::devices::console::line;
use crate::ending::Ending;
use crate::guest::memory;
use crate::image;
use crate::report;
use crate::vm::Vm;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use visa_guest::registers as msr;
use visa_isa::Ring;
use visa_isa::cause::{Exception, ExitCause};

/// How many reaches for visor's memory are worth a line.
const LINES_MAX: u32 = 4;
static LINES: AtomicU32 = AtomicU32::new(0);

/// Nothing is there: the guest gets the access fault that a machine of its own would give it. All of the guest's memory
/// is mapped beforehand, so a fault inside of it is visor's own mistake.
pub fn nested_page_fault(vm: &Vm) {
    let address = msr::vmgpa::read();
    if memory::translate(&vm.memory, address, 1).is_some() {
        report::unexpected(ExitCause::NestedPageFault as u64, Ending::NestedPageFault);
    }
    if image::contains(address) {
        tell(address);
    }
    deny();
}

/// A line about a guest that reached for visor's memory.
#[cold]
fn tell(address: u64) {
    if LINES.fetch_add(1, Relaxed) < LINES_MAX {
        line!(
            "\nvisor: hart {}: the guest at {:#x} reached for visor's memory at {address:#x}: denied, {}",
            cpu::this(),
            msr::vmpc::read(),
            access_fault().name()
        );
    }
}

/// Gives the guest the access fault.
pub fn deny() {
    give(access_fault(), msr::vmgva::read());
}

/// Gives the guest an exception; unless its trap vector is what faults, again, so that it would never get to an
/// instruction: that is a shutdown, as it would be without visor in between (specification, 2.3).
pub fn give(exception: Exception, value: u64) {
    let pc = msr::vmpc::read();
    let in_kernel = msr::vmring::read() == Ring::Kernel as u64;
    if in_kernel && pc == msr::stvec::read() & !3 && pc == msr::sepc::read() {
        report::shutdown();
    }
    inject(exception, value);
}
