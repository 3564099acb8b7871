//! The instruction at which the guest left.

use super::fetch::{FetchFault, Space};
use super::machine::{Physical, in_kernel};
use super::msrs::guest_satp;
use crate::vm::Vm;
use visa_guest::registers as msr;

/// Its bits: from the exit record, or fetched as the guest did.
pub fn bits(vm: &Vm, hart: usize) -> Result<u32, FetchFault> {
    if !vm.lacks.decode_assist {
        return Ok(msr::vminst::read() as u32);
    }
    let space = Space { regions: &vm.memory, satp: guest_satp(hart), kernel: in_kernel() };
    space.instruction(&Physical, msr::vmpc::read())
}
