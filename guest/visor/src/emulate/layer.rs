//! The layer of the exit loop on a machine that lacks features.

use super::cache::Decoder;
use super::instruction::{bits, finish, first_source};
use super::pending::Pending;
use super::{msrs, ports};
use crate::cpu;
use crate::exits::{self, Plain};
use crate::guest::privileged::{after_return, written};
use crate::guest::space::FetchFault;
use crate::isolate::Translation;
use crate::vcpu::{Layer, Loaded, Next, access_fault, report};
use crate::vm::Vm;
use core::arch::asm;
use visa_guest::instructions as insn;
use visa_guest::registers as msr;
use visa_guest::{guest_float, guest_integer, qualification, set_guest_float, set_guest_integer};
use visa_isa::cause::{Exception, ExitCause};
use visa_isa::io::INTERRUPT_BITS;
use visa_isa::msr::{INSTRET, SATP, SIP, STIMECMP, sstatus};
use visa_isa::shape::{Direction, Extend, Load, Port, RegisterFile, Store};
use visa_isa::vmcs::Action;
use visa_isa::{Instruction, Op, Ring, Shape};

/// Bytes of every instruction that exits, but for loads and stores.
const LENGTH: u64 = 4;
/// Exceptions in a row, without an instruction in between, that end the guest (specification, 2.3).
const EXCEPTIONS_IN_A_ROW: u32 = 3;

/// The layer of a machine that lacks features: what it knows of a virtual CPU's guest.
pub struct Emulating {
    /// What does the rest.
    below: Plain,
    vm: &'static Vm,
    /// The exit record says what the instruction says.
    assist: bool,
    pending: Pending,
    decoder: Decoder,
    /// Exceptions delivered, ending with the last resume action; 0 if that was another.
    delivered: u32,
    /// The same at the exit, if the guest has done no instruction since.
    in_a_row: u32,
}

impl Layer for Emulating {
    /// Behind an exception that visor has delivered it looks whether the guest gets anywhere.
    #[inline(always)]
    fn enter(&mut self, vcpu: &mut Loaded) {
        if self.delivered == 0 {
            self.below.enter(vcpu);
            self.in_a_row = 0;
            return;
        }
        const ENTER: u32 = Op::Vmresume.row().bits.value;
        // What retires between the two reads beside the guest's: the first read and the entry.
        const OWN: u64 = 2;
        let (before, after): (u64, u64);
        // SAFETY: the guest reaches its own memory and devices alone.
        unsafe {
            asm!(
                "csrr {before}, {instret}",
                ".4byte {enter}",
                "csrr {after}, {instret}",
                before = out(reg) before,
                after = lateout(reg) after,
                instret = const INSTRET,
                enter = const ENTER,
                options(nostack)
            );
        }
        self.in_a_row = if after.wrapping_sub(before) == OWN { self.delivered } else { 0 };
        self.delivered = 0;
    }

    #[inline(always)]
    fn handle(&mut self, vcpu: &mut Loaded, cause: u64) -> Next {
        let next = self.dispatch(vcpu, cause);
        if self.pending.needs_care() {
            self.interrupt(vcpu);
        }
        next
    }
}

impl Emulating {
    /// For a virtual CPU that has started.
    pub fn new(vcpu: &Loaded) -> Emulating {
        let vm = vcpu.vm;
        let context = if vm.lacks.trap_filter { vm.plic } else { None };
        let context = context.map(|plic| plic.kernel(vm.home(vcpu.number)));
        Emulating {
            below: Plain,
            vm,
            assist: !vm.lacks.decode_assist,
            pending: Pending::new(context, !vm.lacks.trap_filter, vm.controls),
            decoder: Decoder::new(),
            delivered: 0,
            in_a_row: 0,
        }
    }

    #[inline(always)]
    fn dispatch(&mut self, vcpu: &mut Loaded, cause: u64) -> Next {
        use ExitCause::*;
        match ExitCause::from_number(cause) {
            Some(ControlRegister | MsrAccess) => self.msr_access(vcpu),
            Some(IllegalPrivileged) => self.privileged(vcpu),
            Some(PageFault) => match vcpu.translation {
                Translation::Shadow(_) => exits::page_fault(vcpu),
                Translation::Hardware(_) => self.deliver(vcpu, msr::vmcode::read(), msr::vmgva::read()),
            },
            Some(TlbFlush) => match vcpu.translation {
                Translation::Shadow(_) if self.assist => exits::fence(vcpu),
                _ => {
                    vcpu.translation.flush();
                    self.complete(vcpu);
                }
            },
            Some(Timer) => self.pending.timer_due(),
            Some(ExternalInterrupt) if self.vm.plic.is_some() => self.pending.external_up(),
            Some(Halt) => self.halt(vcpu),
            Some(Pause | VmexitInstruction) => self.complete(vcpu),
            Some(IoAccess | PciConfiguration) => self.port(vcpu),
            Some(DeviceAccess) => self.interrupt_controller(vcpu),
            Some(VisaInstruction) if self.vm.lacks.trap_filter => self.visa_instruction(vcpu),
            Some(Hypercall | VisaInstruction) => return self.call(vcpu, cause),
            // The plain layer, which names every cause, does the rest.
            _ => return self.below.handle(vcpu, cause),
        }
        Next::Resume
    }

    /// The guest goes on behind an instruction without a result, or with the one that VMRESULT has.
    #[inline(always)]
    fn complete(&self, vcpu: &mut Loaded) {
        if self.assist { vcpu.complete() } else { vcpu.step_over(LENGTH) }
    }

    /// An exit whose handler looks at the guest as if nothing were missing.
    fn call(&mut self, vcpu: &mut Loaded, cause: u64) -> Next {
        self.pending.release();
        let next = self.below.handle(vcpu, cause);
        if let Next::Leave(_) = next {
            return next;
        }
        if !self.assist && msr::vmaction::read() == Action::Complete as u64 {
            // SAFETY: the guest goes on where VMPC says.
            unsafe { msr::vmaction::write(Action::Retry as u64) };
            vcpu.step_over(LENGTH);
        }
        if self.vm.lacks.timer() {
            self.pending.catch();
        }
        next
    }

    /// WFI.
    fn halt(&mut self, vcpu: &mut Loaded) {
        self.pending.release();
        vcpu.wait_for_interrupt();
        self.pending.catch();
        self.complete(vcpu);
    }

    /// The guest takes an exception. A guest whose handler does nothing but raise the next one is at its end, as it
    /// would be without visor in between.
    fn deliver(&mut self, vcpu: &mut Loaded, exception: u64, value: u64) {
        self.delivered = self.in_a_row + 1;
        if self.delivered == EXCEPTIONS_IN_A_ROW {
            report::shutdown(vcpu.vcpu);
        }
        // SAFETY: the exceptions that come here are those of an instruction, which can all be injected.
        unsafe {
            msr::vminject::write(exception);
            msr::vmresult::write(value);
            msr::vmaction::write(Action::Inject as u64);
        }
    }

    fn deliver_illegal(&mut self, vcpu: &mut Loaded, bits: u32) {
        self.deliver(vcpu, Exception::IllegalInstruction as u64, u64::from(bits));
    }

    /// The instruction that exited. Without one the guest has got its fault.
    #[inline(always)]
    fn instruction(&mut self, vcpu: &mut Loaded) -> Option<(u32, Option<Instruction>)> {
        match bits(vcpu) {
            Ok(bits) => Some((bits, self.decoder.decode(bits))),
            Err(FetchFault(exception, value)) => {
                self.deliver(vcpu, exception as u64, value);
                None
            }
        }
    }

    /// The guest's tables or its code have changed under it: the hardware is to look again.
    fn look_again(&self, vcpu: &mut Loaded) {
        vcpu.translation.flush();
        cpu::fence_instructions();
    }

    /// An MSR instruction that its ring may execute.
    #[inline(always)]
    fn msr_access(&mut self, vcpu: &mut Loaded) {
        let number = msr::vmcode::read() as u16;
        if self.assist && !stands_elsewhere(vcpu, number) {
            // VMRESULT has the old value.
            if qualification().writes() {
                msrs::write(number, msr::vmvalue::read());
            }
            return vcpu.complete();
        }
        self.msr_instruction(vcpu);
    }

    #[inline(never)]
    fn msr_instruction(&mut self, vcpu: &mut Loaded) {
        let Some((_, instruction)) = self.instruction(vcpu) else { return };
        if !instruction.is_some_and(|instruction| self.change_msr(vcpu, &instruction)) {
            self.look_again(vcpu);
        }
    }

    /// Does an MSR instruction; false if it is none, or not for a guest's kernel.
    fn change_msr(&mut self, vcpu: &mut Loaded, instruction: &Instruction) -> bool {
        let number = instruction.imm as u16;
        if !matches!(instruction.op.shape(), Shape::Msr(_)) {
            return false;
        }
        let old = match number {
            SIP => Some(self.pending.sip()),
            STIMECMP => Some(self.pending.stimecmp()),
            SATP => Some(vcpu.translation.guest_cr3()),
            _ => msrs::read(number),
        };
        let Some(old) = old else { return false };
        let new = written(instruction, old, first_source(instruction));
        match (number, new) {
            (_, None) => {}
            (STIMECMP, Some(new)) => self.pending.set_stimecmp(new),
            (SATP, Some(new)) => vcpu.translation.set_guest_cr3(new),
            (_, Some(new)) => msrs::write(number, new),
        }
        finish(vcpu, instruction, old);
        true
    }

    /// SRET in Ring 0, or what a ring may not use.
    #[inline(always)]
    fn privileged(&mut self, vcpu: &mut Loaded) {
        // With every bit of the trap filter in force, what else Ring 0 may not use has an exit of its own.
        let is_return = vcpu.in_kernel() && (self.vm.lacks.trap_filter || at_return(vcpu));
        if !is_return {
            return self.not_in_this_ring(vcpu);
        }
        let (status, user) = after_return(msr::sstatus::read());
        // SAFETY: the state is the guest's; sepc is even, and the ring 0 or 3.
        unsafe {
            msr::sstatus::write(status);
            msr::vmring::write(if user { Ring::User } else { Ring::Kernel } as u64);
            msr::vmpc::write(msr::sepc::read());
        }
    }

    #[inline(never)]
    fn not_in_this_ring(&mut self, vcpu: &mut Loaded) {
        if let Some((bits, _)) = self.instruction(vcpu) {
            self.deliver_illegal(vcpu, bits);
        }
    }

    /// A V-ISA instruction in Ring 0, or an MSR of V-ISA's (specification, 3.2): some of them are a kernel's to use.
    #[inline(never)]
    fn visa_instruction(&mut self, vcpu: &mut Loaded) {
        let Some((bits, instruction)) = self.instruction(vcpu) else { return };
        let Some(instruction) = instruction else { return self.look_again(vcpu) };
        match instruction.op {
            Op::VintSend if self.send(first_source(&instruction)) => vcpu.step_over(LENGTH),
            Op::VintAck => finish(vcpu, &instruction, insn::vint_ack()),
            Op::VintStat => finish(vcpu, &instruction, insn::vint_stat()),
            op if matches!(op.shape(), Shape::Msr(_))
                && visa_isa::msr::ring(instruction.imm as u16) == Ring::Kernel
                && self.change_msr(vcpu, &instruction) => {}
            _ => self.deliver_illegal(vcpu, bits),
        }
    }

    /// VINT_SEND of a guest (specification, 6.1); false if it is illegal. Virtual CPU n is on hart n, and one that is
    /// not there is stopped.
    fn send(&self, operand: u64) -> bool {
        const VECTOR: u64 = 63;
        const TARGET_SHIFT: u32 = 16;
        if operand & !INTERRUPT_BITS != 0 || operand & VECTOR == 0 {
            return false;
        }
        if operand >> TARGET_SHIFT < self.vm.vcpus.len() as u64 {
            // SAFETY: the vector is for the guest's controller, and the hart exists.
            unsafe { insn::vint_send(operand) };
        }
        true
    }

    /// IN or OUT.
    #[inline(never)]
    fn port(&mut self, vcpu: &mut Loaded) {
        if self.assist {
            let decoded = qualification();
            let direction = if decoded.writes() { Direction::Write } else { Direction::Read };
            let access = Port { bytes: decoded.bytes() as u8, direction };
            let read = ports::access(self.vm, msr::vmcode::read() as u16, access, msr::vmvalue::read());
            return vcpu.complete_with(read);
        }
        self.port_instruction(vcpu);
    }

    #[inline(never)]
    fn port_instruction(&mut self, vcpu: &mut Loaded) {
        let Some((_, instruction)) = self.instruction(vcpu) else { return };
        let Some(instruction) = instruction else { return self.look_again(vcpu) };
        let Shape::Port(access) = instruction.op.shape() else { return self.look_again(vcpu) };
        let port = first_source(&instruction).wrapping_add(instruction.imm as u64) as u16;
        let read = ports::access(self.vm, port, access, guest_integer(instruction.rs2));
        // OUT's destination is R0.
        finish(vcpu, &instruction, read);
    }

    /// A load or store in the interrupt controller's contexts. As in the controller itself, all but aligned accesses of
    /// 32 bits are faults.
    #[inline(never)]
    fn interrupt_controller(&mut self, vcpu: &mut Loaded) {
        const BYTES: u8 = 4;
        let address = msr::vmgpa::read();
        let Some((_, instruction)) = self.instruction(vcpu) else { return };
        let (Some(i), Some(plic), true) = (instruction, self.vm.plic, address.is_multiple_of(BYTES.into()))
        else {
            return self.deliver(vcpu, access_fault() as u64, msr::vmgva::read());
        };
        match i.op.shape() {
            Shape::Store(Store { bytes: BYTES, file }) => {
                let value = match file {
                    RegisterFile::Integer => guest_integer(i.rs2),
                    RegisterFile::Float => guest_float(i.rs2),
                };
                plic.guest_writes(address, value);
            }
            Shape::Load(Load { bytes: BYTES, extend, .. }) => {
                let value = plic.guest_reads(address);
                match extend {
                    Extend::Sign => set_guest_integer(i.rd, value as i32 as u64),
                    Extend::Zero => set_guest_integer(i.rd, value),
                    Extend::NanBox => {
                        const BOX: u64 = 0xffff_ffff << 32;
                        set_guest_float(i.rd, value | BOX);
                        // SAFETY: the guest's floating-point registers have changed.
                        unsafe { msr::sstatus::set(sstatus::FS) };
                    }
                }
            }
            _ => return self.deliver(vcpu, access_fault() as u64, msr::vmgva::read()),
        }
        vcpu.step_over(u64::from(i.length));
    }

    /// Before the guest goes on: it may take an interrupt that visor has for it.
    #[inline(never)]
    fn interrupt(&mut self, vcpu: &mut Loaded) {
        let action = msr::vmaction::read();
        if action == Action::Inject as u64 {
            return self.pending.at_exception();
        }
        let Some(cause) = self.pending.before_entry(vcpu) else { return };
        if action == Action::Complete as u64 {
            complete_by_hand(vcpu);
        }
        // SAFETY: one of the supervisor's interrupts, which the guest takes now.
        unsafe {
            msr::vminject::write(cause);
            msr::vmaction::write(Action::Inject as u64);
        }
    }
}

/// Whether the guest's value is not, or not always, in the real MSR.
#[inline(always)]
fn stands_elsewhere(vcpu: &Loaded, number: u16) -> bool {
    number == SIP
        || number == STIMECMP
        || number == SATP && matches!(vcpu.translation, Translation::Shadow(_))
}

/// Whether the instruction is SRET.
fn at_return(vcpu: &Loaded) -> bool {
    bits(vcpu) == Ok(Op::Sret.row().bits.value)
}

/// What the resume action *complete* does, which leaves room for another. Where this is called, no exit is of an
/// instruction with a floating-point result.
fn complete_by_hand(vcpu: &mut Loaded) {
    let decoded = qualification();
    if decoded.reads() {
        set_guest_integer(decoded.register(), decoded.completed(msr::vmresult::read()));
    }
    vcpu.step_over(decoded.length());
}
