//! What a loaded virtual CPU holds that is not in a register of its own number.

use super::Loaded;
use crate::guest::space::{Memory, Space};
use visa_guest::registers as msr;
use visa_isa::Ring;
use visa_isa::msr::sstatus;

/// The guest's memory. Ring -1's addresses are physical.
pub struct Physical;

impl Memory for Physical {
    fn entry(&self, physical: u64) -> u64 {
        // SAFETY: callers name the guest's memory, of which no Rust value is a part. Entries are aligned.
        unsafe { (physical as *const u64).read_volatile() }
    }

    fn half(&self, physical: u64) -> u16 {
        // SAFETY: as above; VMPC is even.
        unsafe { (physical as *const u16).read_volatile() }
    }
}

impl Loaded {
    /// Whether the guest was in Ring 0.
    #[inline(always)]
    pub fn in_kernel(&self) -> bool {
        msr::vmring::read() == Ring::Kernel as u64
    }

    /// The guest goes on so many bytes further.
    #[inline(always)]
    pub fn step_over(&mut self, length: u64) {
        // SAFETY: where the guest goes on is its own affair, and an even address stays even.
        unsafe { msr::vmpc::write(msr::vmpc::read().wrapping_add(length)) };
    }

    /// Its address space, as one of its rings has it.
    pub fn space(&self, kernel: bool) -> Space<'static> {
        Space { regions: &self.vm.memory, satp: self.translation.guest_cr3(), kernel }
    }

    /// The physical address of a byte that the guest's kernel names by its virtual one; `None` if its load would fault.
    pub fn locate(&self, address: u64) -> Option<u64> {
        let status = msr::sstatus::read();
        let (sum, mxr) = (status & sstatus::SUM != 0, status & sstatus::MXR != 0);
        self.space(true).locate_data(&Physical, address, sum, mxr)
    }
}
