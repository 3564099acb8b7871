//! The virtual CSRs, by hand from the RISC-V privileged specification.

use crate::software::cpu::Cpu;
use crate::software::csr::{self, Effects, Real};
use visa_isa::cause::INTERRUPT;
use visa_isa::msr::{self, sstatus};

#[derive(Default)]
struct Registers {
    status: u64,
    pending: u64,
    timer: u64,
}

impl Real for Registers {
    fn status(&self) -> u64 {
        let dirty = if self.status & sstatus::FS == sstatus::FS { sstatus::SD } else { 0 };
        // What the guest must not see: the real SPIE and SUM.
        self.status | dirty | sstatus::UXL | sstatus::SPIE | sstatus::SUM
    }
    fn set_status(&mut self, live: u64) {
        self.status = live;
    }
    fn pending(&self) -> u64 {
        self.pending
    }
    fn set_software_pending(&mut self, pending: bool) {
        self.pending = self.pending & !2 | (pending as u64) << 1;
    }
    fn timer(&self) -> u64 {
        self.timer
    }
    fn set_timer(&mut self, value: u64) {
        self.timer = value;
    }
    fn counter(&self, number: u16) -> u64 {
        number as u64
    }
}

/// A Cpu at reset.
pub fn cpu() -> Box<Cpu> {
    // SAFETY: a Cpu consists of integers alone.
    unsafe { Box::<Cpu>::new_zeroed().assume_init() }
}

#[test]
fn sstatus_shows_its_own_bits_and_the_real_fs() {
    let (mut cpu, mut real) = (cpu(), Registers::default());
    let effects = csr::write(&mut cpu, &mut real, msr::SSTATUS, u64::MAX);
    assert_eq!(effects, Effects { view: true, interrupts: true, ..Effects::default() });
    let all = sstatus::WRITABLE | sstatus::SD | sstatus::UXL;
    assert_eq!(csr::read(&cpu, &real, msr::SSTATUS), Some(all));
    real.status &= !(1 << 13);
    assert_eq!(csr::read(&cpu, &real, msr::SSTATUS), Some(all & !sstatus::SD & !(1 << 13)));
    let effects = csr::write(&mut cpu, &mut real, msr::SSTATUS, 0);
    assert_eq!(effects, Effects { view: true, interrupts: true, mxr_cleared: true, ..Effects::default() });
    assert_eq!(csr::read(&cpu, &real, msr::SSTATUS), Some(sstatus::UXL));
}

#[test]
fn satp_takes_bare_and_sv39_and_keeps_its_value_otherwise() {
    let (mut cpu, mut real) = (cpu(), Registers::default());
    let sv39 = 8 << 60 | 5 << 44 | 0x80000;
    assert!(csr::write(&mut cpu, &mut real, msr::SATP, sv39).space);
    for mode in [1, 7, 9, 10, 15] {
        assert!(!csr::write(&mut cpu, &mut real, msr::SATP, mode << 60 | 1).space);
        assert_eq!(csr::read(&cpu, &real, msr::SATP), Some(sv39));
    }
    assert!(csr::write(&mut cpu, &mut real, msr::SATP, 0).space);
}

#[test]
fn writes_drop_what_does_not_exist() {
    let (mut cpu, mut real) = (cpu(), Registers::default());
    for (number, value) in [
        (msr::SIE, 0x222),
        (msr::STVEC, !2),
        (msr::SEPC, !1),
        (msr::SCOUNTEREN, 7),
        (msr::SENVCFG, 1),
        (msr::SSCRATCH, u64::MAX),
        (msr::SCAUSE, u64::MAX),
        (msr::STVAL, u64::MAX),
        (msr::STIMECMP, u64::MAX),
        (msr::SIP, 2),
    ] {
        csr::write(&mut cpu, &mut real, number, u64::MAX);
        assert_eq!(csr::read(&cpu, &real, number), Some(value), "{number:#x}");
    }
    assert_eq!(csr::read(&cpu, &real, 0x7d0), None, "Ring -1's registers are none of the guest's");
}

#[test]
fn a_trap_and_sret_are_each_others_inverse() {
    let mut cpu = cpu();
    cpu.stvec = 0x8000_0001;
    cpu.pc = 0x1234;
    cpu.user = 1;
    cpu.status = sstatus::SIE | sstatus::SUM;
    csr::trap(&mut cpu, 13, 0x99);
    assert_eq!((cpu.pc, cpu.sepc, cpu.scause, cpu.stval, cpu.user), (0x8000_0000, 0x1234, 13, 0x99, 0));
    assert_eq!(cpu.status, sstatus::SPIE | sstatus::SUM);
    csr::trap(&mut cpu, INTERRUPT | 5, 0);
    assert_eq!((cpu.pc, cpu.sepc, cpu.user), (0x8000_0000 + 4 * 5, 0x8000_0000, 0));
    assert_eq!(cpu.status, sstatus::SPP | sstatus::SUM);
    csr::trap_return(&mut cpu);
    assert_eq!((cpu.pc, cpu.user), (0x8000_0000, 0));
    assert_eq!(cpu.status, sstatus::SPIE | sstatus::SUM);
    cpu.sepc = 0x1234;
    csr::trap_return(&mut cpu);
    assert_eq!((cpu.pc, cpu.user), (0x1234, 1));
    assert_eq!(cpu.status, sstatus::SPIE | sstatus::SIE | sstatus::SUM);
}
