//! What the SBI needs from the machine: the virtual CPU that calls, and what others see of it and the rest.

use crate::devices::console;
use crate::guest::memory::Region;
use crate::sbi::{Environment, Fence, HartSet, HartState, Start};
use crate::vcpu::Loaded;
use visa_guest::registers as msr;

impl Environment for Loaded {
    fn hart(&self) -> usize {
        self.number
    }

    fn harts(&self) -> usize {
        self.vm.vcpus.len()
    }

    fn memory(&self) -> &[Region] {
        &self.vm.memory
    }

    fn set_timer(&mut self, time: u64) {
        // SAFETY: the timer is the guest's.
        unsafe { msr::stimecmp::write(time) };
    }

    #[inline(always)]
    fn interrupt(&mut self, harts: HartSet) {
        Loaded::interrupt(self, harts);
    }

    fn clear_interrupt(&mut self) -> bool {
        Loaded::clear_interrupt(self)
    }

    #[inline(always)]
    fn fence(&mut self, harts: HartSet, fence: Fence) {
        Loaded::fence(self, harts, fence);
    }

    fn state(&self, number: usize) -> HartState {
        self.vm.vcpus[number].state()
    }

    fn start(&mut self, number: usize, start: Start) -> bool {
        self.vm.vcpus[number].start(self.vm.home(number), start)
    }

    fn write_console(&mut self, byte: u8) {
        console::write_byte(byte);
    }

    fn read_console(&mut self) -> Option<u8> {
        console::read_byte()
    }

    fn locate(&self, address: u64) -> Option<u64> {
        Loaded::locate(self, address)
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
