//! Registers by owner: the guest's supervisor state, and Ring -1's own.

use serde::{Deserialize, Serialize};
use visa_isa::msr::{hvstatus, sstatus};

/// The supervisor's MSRs. They exist once and belong to the guest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supervisor {
    /// sstatus without its read-only fields.
    pub sstatus: u64,
    /// Interrupts that Ring 0 takes.
    pub sie: u64,
    /// sip.SSIP; the other pending bits are computed.
    pub software_pending: bool,
    /// Trap vector.
    pub stvec: u64,
    /// Counters that Ring 3 may read.
    pub scounteren: u64,
    /// Environment of Ring 3.
    pub senvcfg: u64,
    /// Scratch.
    pub sscratch: u64,
    /// Address that a trap came from.
    pub sepc: u64,
    /// Cause of the last trap.
    pub scause: u64,
    /// Faulting address of the last trap.
    pub stval: u64,
    /// Timer.
    pub stimecmp: u64,
    /// CR3, which is GPTBR too.
    pub satp: u64,
}

impl Supervisor {
    /// State after reset.
    pub fn new() -> Self {
        Supervisor { stimecmp: u64::MAX, ..Supervisor::default() }
    }

    /// sstatus as it reads: with UXL and SD.
    pub fn sstatus_value(&self) -> u64 {
        let dirty = if self.sstatus & sstatus::FS == sstatus::FS { sstatus::SD } else { 0 };
        self.sstatus | sstatus::UXL | dirty
    }
}

/// Ring -1's own MSRs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hypervisor {
    /// HIE and HPIE.
    pub hvstatus: u64,
    /// Trap vector.
    pub hvvec: u64,
    /// Scratch.
    pub hvscratch: u64,
    /// Address that a trap came from.
    pub hvepc: u64,
    /// Cause of the last trap.
    pub hvcause: u64,
    /// Trap value.
    pub hvtval: u64,
    /// Interrupts that Ring -1 takes.
    pub hvie: u64,
    /// HVIP bit 3; the other pending bits are computed.
    pub software_pending: bool,
    /// Timer.
    pub hvtimecmp: u64,
}

impl Hypervisor {
    /// State after reset.
    pub fn new() -> Self {
        Hypervisor { hvtimecmp: u64::MAX, ..Hypervisor::default() }
    }

    /// Whether interrupts are taken while in Ring -1.
    pub fn interrupts_enabled(&self) -> bool {
        self.hvstatus & hvstatus::HIE != 0
    }
}
