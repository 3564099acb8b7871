//! Privileged instructions of the guest's kernel, decoded and done in software.
//!
//! The hardware gives the instruction's bits in stval, so that nothing is fetched.

use super::cpu::Cpu;
use super::csr::{self, Effects};
use super::hypervisor::Hypervisor;
use super::interrupts;
use super::machine::Hart;
use super::statistics::Kind;
use super::transitions::{choose_view, inject, switch_space};
use crate::guest::privileged::written;
use visa_guest::registers as real;
use visa_isa::cause::Exception;
use visa_isa::msr::{self, is_read_only};
use visa_isa::{Instruction, Op, decode};

/// Does the instruction at the guest's PC, or has the guest take the exception that it raises.
pub fn emulate(hypervisor: &mut Hypervisor, cpu: &mut Cpu, bits: u64) {
    let Some(instruction) = decode(bits as u32) else { return illegal(cpu, bits) };
    let i = &instruction;
    let kind = match i.op {
        Op::Csrrw | Op::Csrrwi | Op::Csrrs | Op::Csrrsi | Op::Csrrc | Op::Csrrci => {
            match access(hypervisor, cpu, i) {
                Some(kind) => kind,
                None => return illegal(cpu, bits),
            }
        }
        Op::Sret => {
            csr::trap_return(cpu);
            choose_view(cpu);
            interrupts::update(cpu);
            return hypervisor.statistics.count(Kind::Return);
        }
        Op::SfenceVma => {
            fence(hypervisor, cpu, i);
            Kind::Fence
        }
        Op::Wfi => {
            interrupts::wait(cpu);
            Kind::Wait
        }
        _ => return illegal(cpu, bits),
    };
    hypervisor.statistics.count(kind);
    cpu.pc = cpu.pc.wrapping_add(i.length as u64);
}

fn illegal(cpu: &mut Cpu, bits: u64) {
    inject(cpu, Exception::IllegalInstruction as u64, bits);
}

fn fence(hypervisor: &mut Hypervisor, cpu: &Cpu, i: &Instruction) {
    let address = (i.rs1 != 0).then(|| cpu.registers[i.rs1 as usize]);
    let asid = (i.rs2 != 0).then(|| cpu.registers[i.rs2 as usize] as u16);
    hypervisor.spaces.fence(&mut Hart, address, asid);
}

/// A CSR instruction. `None`: it is illegal.
fn access(hypervisor: &mut Hypervisor, cpu: &mut Cpu, i: &Instruction) -> Option<Kind> {
    let number = i.imm as u16;
    let old = csr::read(cpu, &Hart, number)?;
    let new = written(i, old, cpu.registers[i.rs1 as usize]);
    if let Some(new) = new {
        if is_read_only(number) {
            return None;
        }
        let effects = csr::write(cpu, &mut Hart, number, new);
        apply(hypervisor, cpu, effects);
    }
    if i.rd != 0 {
        cpu.registers[i.rd as usize] = old;
    }
    Some(Kind::of_csr(number, new.is_some()))
}

/// Has the machine follow a change of a virtual register.
fn apply(hypervisor: &mut Hypervisor, cpu: &mut Cpu, effects: Effects) {
    if effects.space {
        switch_space(hypervisor, cpu);
    } else if effects.view {
        choose_view(cpu);
    }
    if effects.mxr_cleared && hypervisor.spaces.shadow.depends_on_mxr {
        hypervisor.spaces.drop_all(&mut Hart);
    }
    if effects.interrupts {
        interrupts::update(cpu);
    }
    if effects.vector {
        hypervisor.sites.vector(cpu, &mut hypervisor.spaces);
    }
    if effects.environment {
        // SAFETY: the counters that user programs read, and what their fences order, are the guest's to say.
        unsafe {
            real::scounteren::write(cpu.scounteren);
            real::senvcfg::write(cpu.senvcfg);
        }
    }
}

/// The kind of access to a CSR, for counting.
impl Kind {
    fn of_csr(number: u16, writes: bool) -> Kind {
        match number {
            msr::SSTATUS => Kind::Status,
            msr::SATP if writes => Kind::Space,
            msr::SIE | msr::SIP => Kind::InterruptMask,
            msr::STIMECMP | msr::TIME => Kind::Time,
            _ => Kind::OtherCsr,
        }
    }
}
