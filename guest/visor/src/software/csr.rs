//! The supervisor's CSRs as the guest's kernel sees them: reads, writes, traps and SRET, in software.
//!
//! Nothing here touches the machine: real state goes through [`Real`], and what a change means for the machine is
//! returned as [`Effects`]. The short paths of [`super::sites`] do the same in fewer instructions.

use super::cpu::Cpu;
use crate::guest::privileged::after_return;
use crate::isolate::shadow::satp::{SATP_MODE_SHIFT, SV39};
use visa_isa::cause::{INTERRUPT, interrupt};
use visa_isa::msr::{self, sstatus};

/// Bits of the virtual sstatus that are kept in memory.
pub const STATUS_VIRTUAL: u64 = sstatus::SIE | sstatus::SPIE | sstatus::SPP | sstatus::SUM;
/// Bits of it that the real one holds and software writes.
pub const STATUS_LIVE: u64 = sstatus::FS | sstatus::MXR;
/// Bits of it that are read from the real one.
pub const STATUS_REAL: u64 = STATUS_LIVE | sstatus::SD | sstatus::UXL;

/// Real registers that hold virtual state.
pub trait Real {
    /// sstatus.
    fn status(&self) -> u64;
    /// Sets FS and MXR of sstatus.
    fn set_status(&mut self, live: u64);
    /// sip.
    fn pending(&self) -> u64;
    /// Sets sip.SSIP.
    fn set_software_pending(&mut self, pending: bool);
    /// stimecmp.
    fn timer(&self) -> u64;
    /// Sets stimecmp.
    fn set_timer(&mut self, value: u64);
    /// A counter: cycle, time or instret.
    fn counter(&self, number: u16) -> u64;
}

/// What a write means beyond its register.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Effects {
    /// satp is another: its space is to be switched to.
    pub space: bool,
    /// SUM, MXR or the ring: the view is to be chosen again.
    pub view: bool,
    /// MXR was cleared.
    pub mxr_cleared: bool,
    /// What interrupts the guest takes.
    pub interrupts: bool,
    /// stvec.
    pub vector: bool,
    /// scounteren or senvcfg.
    pub environment: bool,
}

/// Whether the guest's kernel takes interrupts now.
pub fn takes_interrupts(cpu: &Cpu) -> bool {
    cpu.user != 0 || cpu.status & sstatus::SIE != 0
}

/// Reads a CSR; `None`: the guest has none of this number.
pub fn read(cpu: &Cpu, real: &impl Real, number: u16) -> Option<u64> {
    Some(match number {
        msr::SSTATUS => cpu.status | real.status() & STATUS_REAL,
        msr::SIE => cpu.sie,
        msr::STVEC => cpu.stvec,
        msr::SCOUNTEREN => cpu.scounteren,
        msr::SENVCFG => cpu.senvcfg,
        msr::SSCRATCH => cpu.sscratch,
        msr::SEPC => cpu.sepc,
        msr::SCAUSE => cpu.scause,
        msr::STVAL => cpu.stval,
        msr::SIP => real.pending() & interrupt::SUPERVISOR_MASK,
        msr::STIMECMP => real.timer(),
        msr::SATP => cpu.satp,
        msr::CYCLE | msr::TIME | msr::INSTRET => real.counter(number),
        _ => return None,
    })
}

/// Writes a CSR that can be read. Bits that do not exist are dropped, and an unknown mode in satp leaves it as it was.
pub fn write(cpu: &mut Cpu, real: &mut impl Real, number: u16, value: u64) -> Effects {
    let mut effects = Effects::default();
    match number {
        msr::SSTATUS => {
            let live = real.status() & STATUS_LIVE;
            if (live ^ value) & STATUS_LIVE != 0 {
                real.set_status(value & STATUS_LIVE);
            }
            effects.mxr_cleared = live & !value & sstatus::MXR != 0;
            effects.view = (cpu.status ^ value) & sstatus::SUM != 0;
            effects.interrupts = (cpu.status ^ value) & sstatus::SIE != 0;
            cpu.status = value & STATUS_VIRTUAL;
        }
        msr::SIE => {
            cpu.sie = value & interrupt::SUPERVISOR_MASK;
            effects.interrupts = true;
        }
        msr::STVEC => {
            cpu.stvec = value & !2;
            effects.vector = true;
        }
        msr::SCOUNTEREN => {
            cpu.scounteren = value & 7;
            effects.environment = true;
        }
        msr::SENVCFG => {
            cpu.senvcfg = value & 1;
            effects.environment = true;
        }
        msr::SSCRATCH => cpu.sscratch = value,
        msr::SEPC => cpu.sepc = value & !1,
        msr::SCAUSE => cpu.scause = value,
        msr::STVAL => cpu.stval = value,
        msr::SIP => real.set_software_pending(value & 1 << interrupt::SUPERVISOR_SOFTWARE != 0),
        msr::STIMECMP => real.set_timer(value),
        msr::SATP if matches!(value >> SATP_MODE_SHIFT, 0 | SV39) => {
            effects.space = value != cpu.satp;
            cpu.satp = value;
        }
        _ => {}
    }
    effects
}

/// The guest's kernel takes an exception or interrupt that happened at `cpu.pc` (RISC-V privileged, 12.1).
pub fn trap(cpu: &mut Cpu, cause: u64, value: u64) {
    let enabled = cpu.status & sstatus::SIE != 0;
    cpu.status &= !(sstatus::SIE | sstatus::SPIE | sstatus::SPP);
    if enabled {
        cpu.status |= sstatus::SPIE;
    }
    if cpu.user == 0 {
        cpu.status |= sstatus::SPP;
    }
    cpu.sepc = cpu.pc;
    cpu.scause = cause;
    cpu.stval = value;
    let base = cpu.stvec & !3;
    let vectored = cpu.stvec & 1 != 0 && cause & INTERRUPT != 0;
    cpu.pc = if vectored { base.wrapping_add(4 * (cause & !INTERRUPT)) } else { base };
    cpu.user = 0;
    cpu.chain = (cpu.pc == base) as u64;
}

/// SRET of the guest's kernel (RISC-V privileged, 12.1.1).
pub fn trap_return(cpu: &mut Cpu) {
    let (status, user) = after_return(cpu.status);
    cpu.status = status;
    cpu.user = user as u64;
    cpu.pc = cpu.sepc;
}
