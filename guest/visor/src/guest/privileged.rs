//! The architecture's rules for privileged instructions, apart from any machine: the software-only back end has the
//! same ones.

use visa_isa::msr::sstatus;
use visa_isa::{Instruction, Op};

/// SRET (RISC-V privileged, 12.1.1): sstatus afterwards, and whether Ring 3 goes on.
#[inline(always)]
pub const fn after_return(status: u64) -> (u64, bool) {
    let user = status & sstatus::SPP == 0;
    let enabled = if status & sstatus::SPIE != 0 { sstatus::SIE } else { 0 };
    (status & !(sstatus::SIE | sstatus::SPP) | sstatus::SPIE | enabled, user)
}

/// What an MSR instruction writes, given the old value and that of its source register; nothing if it does not write:
/// the set and clear forms with R0, or the immediate 0 (RISC-V unprivileged, 6.1).
#[inline(always)]
pub fn written(instruction: &Instruction, old: u64, register: u64) -> Option<u64> {
    let immediate = u64::from(instruction.rs1);
    match instruction.op {
        Op::Csrrw => Some(register),
        Op::Csrrwi => Some(immediate),
        _ if instruction.rs1 == 0 => None,
        Op::Csrrs => Some(old | register),
        Op::Csrrsi => Some(old | immediate),
        Op::Csrrc => Some(old & !register),
        Op::Csrrci => Some(old & !immediate),
        _ => None,
    }
}
