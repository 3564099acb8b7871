//! The guest as Ring -1 has it: its memory, its registers, and where it goes on.

use crate::guest::space::Memory;
use visa_guest::registers as msr;
use visa_guest::{guest_integer, set_guest_integer};
use visa_isa::Instruction;

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

/// The value of an instruction's first source register.
pub fn first_source(instruction: &Instruction) -> u64 {
    guest_integer(instruction.rs1)
}

/// The guest has done an instruction that has a result, and goes on behind it.
pub fn finish(instruction: &Instruction, result: u64) {
    set_guest_integer(instruction.rd, result);
    step_over(u64::from(instruction.length));
}

/// The guest goes on so many bytes further.
#[inline(always)]
pub fn step_over(length: u64) {
    // SAFETY: where the guest goes on is its own affair, and an even address stays even.
    unsafe { msr::vmpc::write(msr::vmpc::read().wrapping_add(length)) };
}

/// Whether the guest was in Ring 0.
#[inline(always)]
pub fn in_kernel() -> bool {
    msr::vmring::read() == visa_isa::Ring::Kernel as u64
}

/// What the VM's translations are, for want of the right one: VMPC's.
pub fn drop_translations() {
    crate::hart::flush_translations();
}
