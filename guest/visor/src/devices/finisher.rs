//! The test finisher, which ends a run.

use crate::cpu;
use crate::ending::{self, Ending};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Where the platform has it (specification, chapter 8), until the device tree says so.
static FINISHER: AtomicU64 = AtomicU64::new(0x10_0000);

/// Uses the one at an address.
pub fn set_address(address: u64) {
    FINISHER.store(address, Relaxed);
}

/// Ends the run: `value` goes to the finisher.
pub fn finish(value: u32) -> ! {
    // SAFETY: the finisher is no memory of ours.
    unsafe { core::ptr::write_volatile(FINISHER.load(Relaxed) as *mut u32, value) };
    loop {
        cpu::wait();
    }
}

/// Ends the run with one of visor's codes.
pub fn end(ending: Ending) -> ! {
    finish(ending::fail(ending as u16))
}
