//! MSR instructions, translation fences, and the world switch as instructions.

use visa_core::msr::Change;
use visa_core::{Hart, Stop};
use visa_isa::{Instruction, Op};
use visa_mem::Platform;

use crate::execute::Flow;

/// The operand of an MSR instruction, before it is known whether it writes.
pub enum Operand {
    /// CSRRW.
    Write(u64),
    /// CSRRS.
    Set(u64),
    /// CSRRC.
    Clear(u64),
}

/// CSRRW and its like. The set and clear forms with R0, or the immediate 0, do not write (RISC-V unprivileged, 6.1).
pub fn change_msr<P: Platform>(
    hart: &mut Hart,
    platform: &mut P,
    i: &Instruction,
    operand: Operand,
) -> Result<Flow, Stop> {
    let change = match operand {
        Operand::Write(value) => Change::Write(value),
        _ if i.rs1 == 0 => Change::None,
        Operand::Set(bits) => Change::Set(bits),
        Operand::Clear(bits) => Change::Clear(bits),
    };
    let old = hart.change_msr(platform, i.imm as u16, change)?;
    hart.set_r(i.rd, old);
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
    let pc = std::mem::replace(&mut hart.bank.pc, next);
    hart.instructions += 1;
    match hart.enter_guest(platform, vmcs) {
        Ok(()) => Ok(Flow::Switched),
        Err(stop) => {
            hart.bank.pc = pc;
            hart.instructions -= 1;
            Err(stop)
        }
    }
}
