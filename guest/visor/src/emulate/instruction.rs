//! The instruction at which the guest left: its bits, its operands, and going on behind it.

use crate::guest::space::FetchFault;
use crate::vcpu::{Loaded, Physical};
use visa_guest::registers as msr;
use visa_guest::{guest_integer, set_guest_integer};
use visa_isa::Instruction;

/// Its bits: from the exit record, or fetched as the guest did.
pub fn bits(vcpu: &Loaded) -> Result<u32, FetchFault> {
    if !vcpu.vm.lacks.decode_assist {
        return Ok(msr::vminst::read() as u32);
    }
    vcpu.space(vcpu.in_kernel()).instruction(&Physical, msr::vmpc::read())
}

/// The value of its first source register.
pub fn first_source(instruction: &Instruction) -> u64 {
    guest_integer(instruction.rs1)
}

/// The guest has done an instruction that has a result, and goes on behind it.
pub fn finish(vcpu: &mut Loaded, instruction: &Instruction, result: u64) {
    set_guest_integer(instruction.rd, result);
    vcpu.step_over(u64::from(instruction.length));
}
