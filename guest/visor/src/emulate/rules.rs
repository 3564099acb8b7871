//! The architecture's rules for privileged instructions, apart from any machine: the software-only back end has the
//! same ones.

use visa_isa::msr::sstatus;
use visa_isa::vmcs::qualification;
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

/// Whether it is one of the MSR instructions.
pub const fn is_msr_instruction(op: Op) -> bool {
    matches!(op, Op::Csrrw | Op::Csrrs | Op::Csrrc | Op::Csrrwi | Op::Csrrsi | Op::Csrrci)
}

/// What the resume action *complete* writes to an integer register (specification, 2.5): VMRESULT, cut to the size and
/// extended as VMQUAL says.
pub const fn completed(qualification: u64, result: u64) -> u64 {
    let signed = qualification & qualification::SIGNED != 0;
    match (qualification & qualification::SIZE, signed) {
        (1, false) => result as u8 as u64,
        (1, true) => result as i8 as u64,
        (2, false) => result as u16 as u64,
        (2, true) => result as i16 as u64,
        (4, false) => result as u32 as u64,
        (4, true) => result as i32 as u64,
        _ => result,
    }
}

/// A load or store, as an instruction says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryShape {
    /// Bytes moved.
    pub bytes: u64,
    /// It is a store.
    pub writes: bool,
    /// A load sign-extends.
    pub signed: bool,
    /// The register is a floating-point one.
    pub float: bool,
}

impl MemoryShape {
    /// The shape of an instruction; `None` if it is no plain load or store.
    pub fn of(op: Op) -> Option<MemoryShape> {
        let load = |bytes, signed| MemoryShape { bytes, writes: false, signed, float: false };
        let store = |bytes| MemoryShape { bytes, writes: true, signed: false, float: false };
        Some(match op {
            Op::Lb => load(1, true),
            Op::Lh => load(2, true),
            Op::Lw => load(4, true),
            Op::Ld => load(8, false),
            Op::Lbu => load(1, false),
            Op::Lhu => load(2, false),
            Op::Lwu => load(4, false),
            Op::Sb => store(1),
            Op::Sh => store(2),
            Op::Sw => store(4),
            Op::Sd => store(8),
            Op::Flw => MemoryShape { float: true, ..load(4, false) },
            Op::Fld => MemoryShape { float: true, ..load(8, false) },
            Op::Fsw => MemoryShape { float: true, ..store(4) },
            Op::Fsd => MemoryShape { float: true, ..store(8) },
            _ => return None,
        })
    }
}

/// IN or OUT, as an instruction says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortShape {
    /// Bytes moved.
    pub bytes: u64,
    /// OUT.
    pub writes: bool,
}

impl PortShape {
    /// The shape of an instruction; `None` if it is neither IN nor OUT.
    pub const fn of(op: Op) -> Option<PortShape> {
        let (bytes, writes) = match op {
            Op::Inb => (1, false),
            Op::Inh => (2, false),
            Op::Inw => (4, false),
            Op::Outb => (1, true),
            Op::Outh => (2, true),
            Op::Outw => (4, true),
            _ => return None,
        };
        Some(PortShape { bytes, writes })
    }

    /// The last port that an access at `port` touches.
    pub const fn last(self, port: u16) -> u16 {
        port.saturating_add(self.bytes as u16 - 1)
    }
}
