//! The instruction at which the guest left, and data where its kernel has them.

use super::machine::{Physical, in_kernel};
use super::msrs::guest_satp;
use crate::guest::space::{FetchFault, Space};
use crate::vm::Vm;
use visa_guest::registers as msr;
use visa_isa::msr::sstatus;

/// Its bits: from the exit record, or fetched as the guest did.
pub fn bits(vm: &Vm, hart: usize) -> Result<u32, FetchFault> {
    if !vm.lacks.decode_assist {
        return Ok(msr::vminst::read() as u32);
    }
    let space = Space { regions: &vm.memory, satp: guest_satp(hart), kernel: in_kernel() };
    space.instruction(&Physical, msr::vmpc::read())
}

/// The physical address of a byte that the guest's kernel names by its virtual one; `None` if its load would fault.
pub fn locate(vm: &Vm, hart: usize, address: u64) -> Option<u64> {
    let status = msr::sstatus::read();
    let space = Space { regions: &vm.memory, satp: guest_satp(hart), kernel: true };
    space.locate_data(&Physical, address, status & sstatus::SUM != 0, status & sstatus::MXR != 0)
}
