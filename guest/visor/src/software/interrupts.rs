//! Interrupts of the guest, in software.
//!
//! In Ring 3 the hardware takes every interrupt that the real sie enables, whatever the guest's sstatus.SIE says. So
//! the real sie is the guest's until an interrupt comes that the guest does not take now (or is just taking, with SIE
//! cleared): then it is 0, *masked*, until SIE is set again. What is pending by then traps at once, and what is no
//! longer pending is forgotten, as levels are. So SIE can be cleared and set without touching the real sie, and the
//! interrupt controller needs no watching: the guest claims and completes by itself.

use super::cpu::Cpu;
use super::csr::takes_interrupts;
use crate::cpu;
use visa_guest::registers as msr;

/// Takes the real sie away.
pub fn mask(cpu: &mut Cpu) {
    cpu.masked = 1;
    // SAFETY: visor itself takes no interrupts.
    unsafe { msr::sie::write(0) };
}

/// Gives it back if the guest now takes interrupts, or has changed which ones.
pub fn update(cpu: &mut Cpu) {
    if cpu.masked != 0 && !takes_interrupts(cpu) {
        return;
    }
    cpu.masked = 0;
    // SAFETY: as above: interrupts are taken in Ring 3 alone.
    unsafe { msr::sie::write(cpu.sie) };
}

/// WFI: waits until an interrupt is pending that the guest's sie enables, whatever its SIE is.
pub fn wait(cpu: &mut Cpu) {
    // SAFETY: as above; the wait ends with the interrupt pending, and SIE of the real sstatus is clear.
    unsafe { msr::sie::write(cpu.sie) };
    cpu::wait();
    cpu.masked = 0;
    if !takes_interrupts(cpu) {
        mask(cpu);
    }
}
