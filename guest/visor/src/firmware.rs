//! What the SBI needs from the machine.

use crate::devices::console;
use crate::guest::memory::Region;
use crate::sbi::{Environment, Fence, HartSet, HartState, Start};
use crate::vm::Vm;
use crate::{emulate, hart};
use visa_guest::registers as msr;

/// The SBI's environment on one hart.
pub struct Firmware {
    /// The guest.
    pub vm: &'static Vm,
    /// The hart's number.
    pub hart: usize,
}

impl Environment for Firmware {
    fn hart(&self) -> usize {
        self.hart
    }

    fn harts(&self) -> usize {
        self.vm.harts
    }

    fn memory(&self) -> &[Region] {
        &self.vm.memory
    }

    fn set_timer(&mut self, time: u64) {
        // SAFETY: the timer is the guest's.
        unsafe { msr::stimecmp::write(time) };
    }

    fn interrupt(&mut self, harts: HartSet) {
        hart::interrupt(harts);
    }

    fn clear_interrupt(&mut self) -> bool {
        hart::clear_guest_interrupt()
    }

    fn fence(&mut self, harts: HartSet, fence: Fence) {
        hart::fence(harts, fence);
    }

    fn state(&self, number: usize) -> HartState {
        hart::hart(number).state()
    }

    fn start(&mut self, number: usize, start: Start) -> bool {
        hart::hart(number).start(number, start)
    }

    fn write_console(&mut self, byte: u8) {
        console::write_byte(byte);
    }

    fn read_console(&mut self) -> Option<u8> {
        console::read_byte()
    }

    fn locate(&self, address: u64) -> Option<u64> {
        emulate::locate(self.vm, self.hart, address)
    }

    fn load(&self, physical: u64) -> u8 {
        // SAFETY: the address is in the guest's memory, of which no Rust value is a part.
        unsafe { core::ptr::read_volatile(physical as *const u8) }
    }

    fn store(&mut self, physical: u64, value: u8) {
        // SAFETY: as in `load`.
        unsafe { core::ptr::write_volatile(physical as *mut u8, value) };
    }
}
