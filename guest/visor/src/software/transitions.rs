//! Where the guest goes on: in which ring, by which tables.

use super::cpu::Cpu;
use super::csr;
use super::hypervisor::{self, Hypervisor, print_statistics};
use super::interrupts;
use super::machine::Hart;
use crate::devices::console::line;
use crate::devices::finisher;
use crate::ending::Ending;
use crate::isolate::shadow::layout::View;
use crate::sbi::{COUNTERS, Start};
use crate::vcpu::report::LastTrap;
use visa_guest::registers as msr;
use visa_isa::cause::INTERRUPT;
use visa_isa::msr::sstatus;

/// Has the guest's kernel take an exception or interrupt that happened at the guest's PC; unless its trap vector is what
/// faults, again, so that it would never get to an instruction: that is a shutdown, as it would be in a VM (specification, 2.3).
pub fn inject(cpu: &mut Cpu, cause: u64, value: u64) {
    let was_user = cpu.user != 0;
    let at_vector = !was_user && cpu.pc == cpu.stvec & !3;
    if cause & INTERRUPT == 0 && at_vector && cpu.pc == cpu.sepc {
        print_statistics(hypervisor::get(), cpu);
        shutdown(cpu);
    }
    csr::trap(cpu, cause, value);
    if was_user {
        choose_view(cpu);
    }
}

/// Has the machine run the guest in the view that its ring and SUM ask for.
pub fn choose_view(cpu: &mut Cpu) {
    let kernel = if cpu.status & sstatus::SUM != 0 { View::KernelSum } else { View::Kernel };
    cpu.kernel_satp = cpu.views[kernel as usize];
    cpu.user_satp = cpu.views[View::User as usize];
    let (satp, vector) = match cpu.user {
        0 => (cpu.kernel_satp, cpu.kernel_vector),
        _ => (cpu.user_satp, cpu.user_vector),
    };
    // SAFETY: every view has visor's own memory where it is, and both vectors are the trap code's.
    unsafe {
        msr::satp::write(satp);
        msr::stvec::write(vector);
    }
}

/// Has the machine run the guest in the space that its satp names.
pub fn switch_space(hypervisor: &mut Hypervisor, cpu: &mut Cpu) {
    hypervisor.spaces.switch(&mut Hart, cpu.satp);
    cpu.views = hypervisor.spaces.satps();
    choose_view(cpu);
    hypervisor.sites.switch(cpu, &mut hypervisor.spaces);
}

/// The virtual CPU as a start leaves it (SBI 2.0, 9.1): untranslated, interrupts off.
pub fn reset(hypervisor: &mut Hypervisor, cpu: &mut Cpu, start: Start) {
    const A1: usize = 11;
    cpu.registers = [0; 32];
    cpu.registers[A1] = start.opaque;
    cpu.pc = start.entry;
    (cpu.status, cpu.sie, cpu.satp, cpu.user) = (0, 0, 0, 0);
    cpu.scounteren = COUNTERS;
    // SAFETY: the counters are the guest's to read.
    unsafe { msr::scounteren::write(cpu.scounteren) };
    switch_space(hypervisor, cpu);
    interrupts::update(cpu);
}

/// The guest took three exceptions without an instruction in between. There is no exit record, and not all of its registers are in
/// memory.
fn shutdown(cpu: &Cpu) -> ! {
    let last = LastTrap { cause: cpu.scause, pc: cpu.sepc, value: cpu.stval, vector: cpu.stvec };
    last.tell(0);
    line!("visor: pc {:#018x}  ring {}  satp {:#018x}", cpu.pc, 3 * cpu.user, cpu.satp);
    finisher::end(Ending::GuestShutdown)
}
