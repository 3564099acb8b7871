//! The hart that this code runs on, and how it reaches another.

use visa_guest::instructions as insn;
use visa_guest::registers as msr;

/// The number of this hart.
#[inline(always)]
pub fn this() -> usize {
    msr::hartid::read() as usize
}

/// Waits for an interrupt (specification, 2.7).
pub fn wait() {
    // SAFETY: WFI changes nothing.
    unsafe { core::arch::asm!("wfi", options(nomem, nostack)) };
}

/// Raises a hart's Ring -1 software interrupt: an exit if a guest runs there, the end of its waiting if not.
pub fn notify(hart: usize) {
    // SAFETY: each of visor's harts serves the interrupt.
    unsafe { insn::vint_send(visa_isa::io::INTERRUPT_TO_HOST | (hart as u64) << 16) };
}

/// Fetches see what was stored before, of this hart's guest too: both banks fetch through one instruction path.
pub fn fence_instructions() {
    // SAFETY: orders fetches behind stores.
    unsafe { core::arch::asm!("fence.i", options(nostack)) };
}
