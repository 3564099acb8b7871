//! The SBI for the software-only guest: the same calls ([`crate::sbi`]) on another machine.

use super::cpu::Cpu;
use super::csr::{self, Real};
use super::hypervisor::{Hypervisor, print_statistics};
use super::interrupts;
use super::machine::{self, Hart};
use super::symbols::PHYSICAL;
use super::transitions;
use crate::cpu;
use crate::devices::{console, finisher};
use crate::ending::{PASS, RESET};
use crate::guest::memory::Region;
use crate::guest::space::Space;
use crate::sbi::{self, Call, Environment, Fence, HartSet, HartState, Outcome, SbiResult, Start, extension};
use visa_isa::cause::interrupt::SUPERVISOR_SOFTWARE;
use visa_isa::msr::sstatus;

/// Registers of a call (SBI 2.0, chapter 3).
const A0: usize = 10;
const A1: usize = 11;
const A6: usize = 16;
const A7: usize = 17;
/// Bytes of ECALL.
const CALL_BYTES: u64 = 4;

/// Serves the call that the guest's kernel makes.
pub fn serve(hypervisor: &mut Hypervisor, cpu: &mut Cpu) {
    let r = &cpu.registers;
    let call = Call {
        extension: r[A7],
        function: r[A6],
        arguments: [r[A0], r[A1], r[A0 + 2], r[A0 + 3], r[A0 + 4]],
    };
    let space = (cpu.satp, csr::read(cpu, &Hart, visa_isa::msr::SSTATUS).unwrap_or(0));
    match sbi::call(&mut Firmware { hypervisor, space }, &call) {
        Outcome::Return(result) => give(cpu, result),
        Outcome::Legacy(value) => cpu.registers[A0] = value as u64,
        Outcome::Stop => stop(hypervisor, cpu),
        Outcome::Suspend => {
            interrupts::wait(cpu);
            give(cpu, Ok(0));
        }
        Outcome::SuspendAndStart(start) => {
            interrupts::wait(cpu);
            return transitions::reset(hypervisor, cpu, start);
        }
        Outcome::End(value) => end(hypervisor, cpu, value),
    }
    cpu.pc += CALL_BYTES;
}

fn give(cpu: &mut Cpu, result: SbiResult) {
    (cpu.registers[A0], cpu.registers[A1]) = match result {
        Ok(value) => (0, value),
        Err(error) => (error as i64 as u64, 0),
    };
}

/// The guest has stopped its only virtual CPU. As in the other modes nothing will start it again, and the machine finds out.
fn stop(hypervisor: &Hypervisor, cpu: &Cpu) -> ! {
    print_statistics(hypervisor, cpu);
    // SAFETY: visor takes no interrupts, and the guest runs no more.
    unsafe { visa_guest::registers::sie::write(0) };
    loop {
        cpu::wait();
    }
}

/// Ends the run: by the firmware's system reset, which then is the same call as the guest's, or else by the finisher.
fn end(hypervisor: &Hypervisor, cpu: &Cpu, value: u32) -> ! {
    const SHUTDOWN: u64 = 0;
    const COLD_REBOOT: u64 = 1;
    const NO_REASON: u64 = 0;
    print_statistics(hypervisor, cpu);
    match value {
        PASS => machine::firmware(extension::SRST, 0, SHUTDOWN, NO_REASON),
        RESET => machine::firmware(extension::SRST, 0, COLD_REBOOT, NO_REASON),
        _ => {}
    }
    finisher::finish(value)
}

struct Firmware<'a> {
    hypervisor: &'a mut Hypervisor,
    /// satp and sstatus as the caller has them.
    space: (u64, u64),
}

impl Environment for Firmware<'_> {
    fn hart(&self) -> usize {
        0
    }

    fn harts(&self) -> usize {
        1
    }

    fn memory(&self) -> &[Region] {
        self.hypervisor.spaces.shadow.memory()
    }

    fn set_timer(&mut self, time: u64) {
        Hart.set_timer(time);
    }

    fn interrupt(&mut self, harts: HartSet) {
        if harts.has(0) {
            Hart.set_software_pending(true);
        }
    }

    fn clear_interrupt(&mut self) -> bool {
        let was_pending = Hart.pending() & 1 << SUPERVISOR_SOFTWARE != 0;
        Hart.set_software_pending(false);
        was_pending
    }

    fn fence(&mut self, harts: HartSet, fence: Fence) {
        match fence {
            _ if !harts.has(0) => {}
            Fence::Instructions => cpu::fence_instructions(),
            Fence::Translations => self.hypervisor.spaces.fence(&mut Hart, None, None),
        }
    }

    fn state(&self, _hart: usize) -> HartState {
        HartState::Started
    }

    fn start(&mut self, _hart: usize, _start: Start) -> bool {
        false
    }

    fn write_console(&mut self, byte: u8) {
        console::write_byte(byte);
    }

    fn read_console(&mut self) -> Option<u8> {
        console::read_byte()
    }

    fn locate(&self, address: u64) -> Option<u64> {
        let (satp, status) = self.space;
        let space = Space { regions: self.memory(), satp, kernel: true };
        space.locate_data(&Hart, address, status & sstatus::SUM != 0, status & sstatus::MXR != 0)
    }

    fn load(&self, physical: u64) -> u8 {
        // SAFETY: the address is in the guest's memory, of which no Rust value is a part.
        unsafe { core::ptr::read_volatile((physical + PHYSICAL) as *const u8) }
    }

    fn store(&mut self, physical: u64, value: u8) {
        // SAFETY: as in `load`.
        unsafe { core::ptr::write_volatile((physical + PHYSICAL) as *mut u8, value) };
    }
}
