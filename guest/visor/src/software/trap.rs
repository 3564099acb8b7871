//! Traps that the short paths leave to Rust.

use super::cpu::Cpu;
use super::csr;
use super::hypervisor::{self, Hypervisor, print_statistics};
use super::machine::Hart;
use super::statistics::Kind;
use super::transitions::{inject, switch_space};
use super::{compile, emulate, firmware, interrupts};
use crate::isolate::shadow::layout::View;
use crate::isolate::shadow::walk::Fault;
use visa_guest::registers as msr;
use visa_isa::cause::{Exception, INTERRUPT};
use visa_isa::msr::sstatus;
use visa_isa::paging::{Access, Accessor};

/// From the trap code, which has saved the guest's registers.
pub extern "C" fn trap(cpu: &mut Cpu) {
    let (cause, value) = (msr::scause::read(), msr::stval::read());
    cpu.pc = msr::sepc::read();
    if msr::sstatus::read() & sstatus::SPP != 0 {
        panic!("trap {cause:#x} in Ring 0 at {:#x}, value {value:#x}", cpu.pc);
    }
    let hypervisor = hypervisor::get();
    hypervisor.statistics.trap(cause);
    if cause & INTERRUPT != 0 {
        interrupt(cpu, cause);
    } else if let Some(access) = Access::of_page_fault(cause) {
        page_fault(hypervisor, cpu, access, value);
    } else {
        exception(hypervisor, cpu, cause, value);
    }
    hypervisor.sites.follow(cpu, &mut hypervisor.spaces);
    // SAFETY: the guest goes on in Ring 3, wherever that is.
    unsafe { msr::sepc::write(cpu.pc) };
}

/// SFENCE.VMA, from its site.
pub extern "C" fn fence(cpu: &mut Cpu) {
    let hypervisor = hypervisor::get();
    let given = |bit: u64, value: u64| (cpu.fence_given & bit != 0).then_some(value);
    let (address, asid) = (given(1, cpu.operands[0]), given(2, cpu.operands[1]));
    hypervisor.statistics.count(Kind::Fence);
    hypervisor.spaces.fence(&mut Hart, address, asid.map(|asid| asid as u16));
    hypervisor.sites.follow(cpu, &mut hypervisor.spaces);
}

/// A write of satp, from its site.
pub extern "C" fn space(cpu: &mut Cpu) {
    let hypervisor = hypervisor::get();
    hypervisor.statistics.count(Kind::Space);
    if csr::write(cpu, &mut Hart, visa_isa::msr::SATP, cpu.operands[0]).space {
        switch_space(hypervisor, cpu);
        hypervisor.sites.follow(cpu, &mut hypervisor.spaces);
    }
}

/// WFI, from its site.
pub extern "C" fn wait(cpu: &mut Cpu) {
    hypervisor::get().statistics.count(Kind::Wait);
    interrupts::wait(cpu);
}

fn exception(hypervisor: &mut Hypervisor, cpu: &mut Cpu, cause: u64, value: u64) {
    const CALL: u64 = Exception::EcallUser as u64;
    const ILLEGAL: u64 = Exception::IllegalInstruction as u64;
    match cause {
        CALL if cpu.user == 0 => firmware::serve(hypervisor, cpu),
        ILLEGAL if cpu.user == 0 => {
            if compile::may_be_site(value as u32) {
                hypervisor.sites.trapped(cpu, &mut hypervisor.spaces, cpu.pc);
            }
            emulate::emulate(hypervisor, cpu, value);
        }
        _ => {
            hypervisor.statistics.injected += 1;
            inject(cpu, cause, value);
        }
    }
}

/// The hardware takes interrupts in Ring 3 whatever the guest's SIE is.
fn interrupt(cpu: &mut Cpu, cause: u64) {
    if csr::takes_interrupts(cpu) {
        inject(cpu, cause, 0);
    }
    interrupts::mask(cpu);
}

/// A missing shadow entry, or a fault of the guest's own.
fn page_fault(hypervisor: &mut Hypervisor, cpu: &mut Cpu, access: Access, address: u64) {
    let sum = cpu.status & sstatus::SUM != 0;
    let by = Accessor { kernel: cpu.user == 0, sum, mxr: msr::sstatus::read() & sstatus::MXR != 0 };
    let view = match (by.kernel, sum) {
        (false, _) => View::User,
        (true, false) => View::Kernel,
        (true, true) => View::KernelSum,
    };
    let exception = match hypervisor.spaces.fill(&mut Hart, view, address, access, by) {
        Ok(()) | Err(Fault::Changed) => return,
        Err(Fault::Page) => access.page_fault(),
        Err(Fault::Access) if hypervisor.spaces.shadow.give_back() => {
            return print_statistics(hypervisor, cpu);
        }
        Err(Fault::Access) => access.access_fault(),
    };
    hypervisor.statistics.injected += 1;
    inject(cpu, exception as u64, address);
}
