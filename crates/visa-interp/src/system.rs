//! MSR instructions, translation fences, and the world switch as instructions.

use visa_core::msr::Change;
use visa_core::{Hart, Stop};
use visa_isa::shape::MsrChange;
use visa_isa::{Instruction, Op};
use visa_mem::Platform;

use crate::flow::Flow;

/// CSRRW and its like.
pub fn change_msr<P: Platform>(
    hart: &mut Hart,
    platform: &mut P,
    i: &Instruction,
    operand: u64,
) -> Result<Flow, Stop> {
    let change = match i.msr_change() {
        Some(MsrChange::Write) => Change::Write(operand),
        Some(MsrChange::Set) => Change::Set(operand),
        Some(MsrChange::Clear) => Change::Clear(operand),
        Some(MsrChange::None) | None => Change::None,
    };
    let old = hart.change_msr(platform, i.imm as u16, change)?;
    hart.state.set_r(i.rd, old);
    Ok(Flow::Next)
}

/// An operand that R0 leaves out.
pub fn optional(register: u8, value: u64) -> Option<u64> {
    (register != 0).then_some(value)
}

/// SFENCE.VMA.
pub fn fence_translations(hart: &mut Hart, i: &Instruction, address: u64, asid: u64) -> Result<Flow, Stop> {
    hart.sfence_vma(optional(i.rs1, address), optional(i.rs2, asid)).map(|()| Flow::Next)
}

/// TLBFLUSHV.
pub fn flush_nested(hart: &mut Hart, i: &Instruction, vmid: u64, guest_physical: u64) -> Result<Flow, Stop> {
    debug_assert_eq!(i.op, Op::Tlbflushv);
    hart.tlbflushv(optional(i.rs1, vmid), optional(i.rs2, guest_physical)).map(|()| Flow::Next)
}

/// VMENTER and VMRESUME. They retire in Ring -1 before the world changes, so that the exit finds everything in place.
pub fn enter_guest<P: Platform>(
    hart: &mut Hart,
    platform: &mut P,
    next: u64,
    vmcs: Option<u64>,
) -> Result<Flow, Stop> {
    let pc = std::mem::replace(&mut hart.state.bank.pc, next);
    hart.state.instructions += 1;
    match hart.enter_guest(platform, vmcs) {
        Ok(()) => Ok(Flow::Switched),
        Err(stop) => {
            hart.state.bank.pc = pc;
            hart.state.instructions -= 1;
            Err(stop)
        }
    }
}
