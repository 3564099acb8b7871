//! The exit loop on a machine that lacks features.

use super::cache::Decoder;
use super::machine::{drop_translations, finish, first_source, in_kernel, step_over};
use super::pending::Pending;
use super::{Wait, decoded, msrs, ports};
use crate::cpu;
use crate::exits::{self, Leave, Next};
use crate::firmware::Firmware;
use crate::guest::privileged::{after_return, written};
use crate::guest::space::FetchFault;
use crate::hart::{self, Hart};
use crate::isolate::pager;
use crate::report;
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

/// Runs this hart's current guest until it stops.
#[inline(never)]
pub fn run(vm: &'static Vm, number: usize) -> Leave {
    let context = if vm.lacks.trap_filter { vm.plic } else { None };
    let mut emulator = Emulator {
        vm,
        hart: hart::hart(number),
        firmware: Firmware { vm, hart: number },
        assist: !vm.lacks.decode_assist,
        pending: Pending::new(context.map(|plic| plic.kernel(number)), !vm.lacks.trap_filter, vm.controls),
        decoder: Decoder::new(),
        delivered: 0,
        in_a_row: 0,
    };
    loop {
        emulator.enter();
        let cause = insn::vmcause();
        emulator.hart.count_exit(cause);
        if let Next::Leave(leave) = emulator.handle(cause) {
            emulator.pending.release();
            return leave;
        }
        if emulator.pending.needs_care() {
            emulator.interrupt();
        }
    }
}

/// What the loop knows of a hart's guest.
struct Emulator {
    vm: &'static Vm,
    hart: &'static Hart,
    firmware: Firmware,
    /// The exit record says what the instruction says.
    assist: bool,
    pending: Pending,
    decoder: Decoder,
    /// Exceptions delivered, ending with the last resume action; 0 if that was another.
    delivered: u32,
    /// The same at the exit, if the guest has done no instruction since.
    in_a_row: u32,
}

impl Emulator {
    /// Enters the guest. Behind an exception that visor has delivered it looks whether the guest gets anywhere.
    #[inline(always)]
    fn enter(&mut self) {
        if self.delivered == 0 {
            // SAFETY: the guest reaches its own memory and devices alone.
            unsafe { insn::vmresume() };
            self.in_a_row = 0;
            return;
        }
        const ENTER: u32 = Op::Vmresume.row().bits.value;
        // What retires between the two reads beside the guest's: the first read and the entry.
        const OWN: u64 = 2;
        let (before, after): (u64, u64);
        // SAFETY: as above.
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

    fn handle(&mut self, cause: u64) -> Next {
        use ExitCause::*;
        match ExitCause::from_number(cause) {
            Some(ControlRegister | MsrAccess) => self.msr_access(),
            Some(IllegalPrivileged) => self.privileged(),
            Some(PageFault) if pager::is_active() => pager::page_fault(self.firmware.hart),
            Some(PageFault) => self.deliver(msr::vmcode::read(), msr::vmgva::read()),
            Some(TlbFlush) if self.assist && pager::is_active() => pager::fence(self.firmware.hart),
            Some(TlbFlush) => {
                drop_translations();
                self.complete();
            }
            Some(Timer) => self.pending.timer_due(),
            Some(ExternalInterrupt) if self.vm.plic.is_some() => self.pending.external_up(),
            Some(Halt) => self.halt(),
            Some(Pause | VmexitInstruction) => self.complete(),
            Some(IoAccess | PciConfiguration) => self.port(),
            Some(DeviceAccess) => self.interrupt_controller(),
            Some(VisaInstruction) if self.vm.lacks.trap_filter => self.visa_instruction(),
            Some(Hypercall | VisaInstruction) => return self.call(cause),
            // The plain loop, which names every cause, does the rest.
            _ => return exits::handle(&mut self.firmware, self.hart, cause),
        }
        Next::Resume
    }

    /// The guest goes on behind an instruction without a result, or with the one that VMRESULT has.
    #[inline(always)]
    fn complete(&self) {
        if self.assist { exits::complete() } else { step_over(LENGTH) }
    }

    /// An exit whose handler looks at the guest as if nothing were missing.
    fn call(&mut self, cause: u64) -> Next {
        self.pending.release();
        let next = exits::handle(&mut self.firmware, self.hart, cause);
        if !self.assist && msr::vmaction::read() == Action::Complete as u64 {
            // SAFETY: the guest goes on where VMPC says.
            unsafe { msr::vmaction::write(Action::Retry as u64) };
            step_over(LENGTH);
        }
        if self.vm.lacks.timer() {
            self.pending.catch();
        }
        next
    }

    /// WFI.
    fn halt(&mut self) {
        self.pending.release();
        self.hart.wait_for_guest(Wait::of(self.vm, self.firmware.hart));
        self.pending.catch();
        self.complete();
    }

    /// The guest takes an exception. A guest whose handler does nothing but raise the next one is at its end, as it
    /// would be without visor in between.
    fn deliver(&mut self, exception: u64, value: u64) {
        self.delivered = self.in_a_row + 1;
        if self.delivered == EXCEPTIONS_IN_A_ROW {
            report::shutdown();
        }
        // SAFETY: the exceptions that come here are those of an instruction, which can all be injected.
        unsafe {
            msr::vminject::write(exception);
            msr::vmresult::write(value);
            msr::vmaction::write(Action::Inject as u64);
        }
    }

    fn deliver_illegal(&mut self, bits: u32) {
        self.deliver(Exception::IllegalInstruction as u64, u64::from(bits));
    }

    /// The instruction that exited. Without one the guest has got its fault.
    fn instruction(&mut self) -> Option<(u32, Option<Instruction>)> {
        match decoded::bits(self.vm, self.firmware.hart) {
            Ok(bits) => Some((bits, self.decoder.decode(bits))),
            Err(FetchFault(exception, value)) => {
                self.deliver(exception as u64, value);
                None
            }
        }
    }

    /// The guest's tables or its code have changed under it: the hardware is to look again.
    fn look_again(&self) {
        drop_translations();
        cpu::fence_instructions();
    }

    /// An MSR instruction that its ring may execute.
    #[inline(always)]
    fn msr_access(&mut self) {
        let number = msr::vmcode::read() as u16;
        if self.assist && !self.stands_elsewhere(number) {
            // VMRESULT has the old value.
            if qualification().writes() {
                msrs::write(number, msr::vmvalue::read());
            }
            return exits::complete();
        }
        self.msr_instruction();
    }

    /// Whether the guest's value is not, or not always, in the real MSR.
    #[inline(always)]
    fn stands_elsewhere(&self, number: u16) -> bool {
        number == SIP || number == STIMECMP || number == SATP && pager::is_active()
    }

    #[inline(never)]
    fn msr_instruction(&mut self) {
        let Some((_, instruction)) = self.instruction() else { return };
        if !instruction.is_some_and(|instruction| self.change_msr(&instruction)) {
            self.look_again();
        }
    }

    /// Does an MSR instruction; false if it is none, or not for a guest's kernel.
    fn change_msr(&mut self, instruction: &Instruction) -> bool {
        let number = instruction.imm as u16;
        if !matches!(instruction.op.shape(), Shape::Msr(_)) {
            return false;
        }
        let old = match number {
            SIP => Some(self.pending.sip()),
            STIMECMP => Some(self.pending.stimecmp()),
            SATP => Some(msrs::guest_satp(self.firmware.hart)),
            _ => msrs::read(number),
        };
        let Some(old) = old else { return false };
        let new = written(instruction, old, first_source(instruction));
        match (number, new) {
            (_, None) => {}
            (STIMECMP, Some(new)) => self.pending.set_stimecmp(new),
            (SATP, Some(new)) => msrs::set_guest_satp(self.firmware.hart, new),
            (_, Some(new)) => msrs::write(number, new),
        }
        finish(instruction, old);
        true
    }

    /// SRET in Ring 0, or what a ring may not use.
    #[inline(always)]
    fn privileged(&mut self) {
        // With every bit of the trap filter in force, what else Ring 0 may not use has an exit of its own.
        let is_return = in_kernel() && (self.vm.lacks.trap_filter || self.at_return());
        if !is_return {
            return self.not_in_this_ring();
        }
        let (status, user) = after_return(msr::sstatus::read());
        // SAFETY: the state is the guest's; sepc is even, and the ring 0 or 3.
        unsafe {
            msr::sstatus::write(status);
            msr::vmring::write(if user { Ring::User } else { Ring::Kernel } as u64);
            msr::vmpc::write(msr::sepc::read());
        }
    }

    /// Whether the instruction is SRET.
    fn at_return(&self) -> bool {
        let bits = decoded::bits(self.vm, self.firmware.hart);
        bits == Ok(Op::Sret.row().bits.value)
    }

    #[inline(never)]
    fn not_in_this_ring(&mut self) {
        if let Some((bits, _)) = self.instruction() {
            self.deliver_illegal(bits);
        }
    }

    /// A V-ISA instruction in Ring 0, or an MSR of V-ISA's (specification, 3.2): some of them are a kernel's to use.
    #[inline(never)]
    fn visa_instruction(&mut self) {
        let Some((bits, instruction)) = self.instruction() else { return };
        let Some(instruction) = instruction else { return self.look_again() };
        match instruction.op {
            Op::VintSend if self.send(first_source(&instruction)) => step_over(LENGTH),
            Op::VintAck => finish(&instruction, insn::vint_ack()),
            Op::VintStat => finish(&instruction, insn::vint_stat()),
            op if matches!(op.shape(), Shape::Msr(_))
                && visa_isa::msr::ring(instruction.imm as u16) == Ring::Kernel
                && self.change_msr(&instruction) => {}
            _ => self.deliver_illegal(bits),
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
        if operand >> TARGET_SHIFT < self.vm.harts as u64 {
            // SAFETY: the vector is for the guest's controller, and the hart exists.
            unsafe { insn::vint_send(operand) };
        }
        true
    }

    /// IN or OUT.
    #[inline(never)]
    fn port(&mut self) {
        if self.assist {
            let decoded = qualification();
            let direction = if decoded.writes() { Direction::Write } else { Direction::Read };
            let access = Port { bytes: decoded.bytes() as u8, direction };
            let read = ports::access(self.vm, msr::vmcode::read() as u16, access, msr::vmvalue::read());
            return exits::complete_with(read);
        }
        self.port_instruction();
    }

    #[inline(never)]
    fn port_instruction(&mut self) {
        let Some((_, instruction)) = self.instruction() else { return };
        let Some(instruction) = instruction else { return self.look_again() };
        let Shape::Port(access) = instruction.op.shape() else { return self.look_again() };
        let port = first_source(&instruction).wrapping_add(instruction.imm as u64) as u16;
        let read = ports::access(self.vm, port, access, guest_integer(instruction.rs2));
        // OUT's destination is R0.
        finish(&instruction, read);
    }

    /// A load or store in the interrupt controller's contexts. As in the controller itself, all but aligned accesses of
    /// 32 bits are faults.
    #[inline(never)]
    fn interrupt_controller(&mut self) {
        const BYTES: u8 = 4;
        let address = msr::vmgpa::read();
        let Some((_, instruction)) = self.instruction() else { return };
        let (Some(i), Some(plic), true) = (instruction, self.vm.plic, address.is_multiple_of(BYTES.into()))
        else {
            return self.deliver(exits::access_fault() as u64, msr::vmgva::read());
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
            _ => return self.deliver(exits::access_fault() as u64, msr::vmgva::read()),
        }
        step_over(u64::from(i.length));
    }

    /// Before the guest goes on: it may take an interrupt that visor has for it.
    #[inline(never)]
    fn interrupt(&mut self) {
        let action = msr::vmaction::read();
        if action == Action::Inject as u64 {
            return self.pending.at_exception();
        }
        let Some(cause) = self.pending.before_entry() else { return };
        if action == Action::Complete as u64 {
            complete_by_hand();
        }
        // SAFETY: one of the supervisor's interrupts, which the guest takes now.
        unsafe {
            msr::vminject::write(cause);
            msr::vmaction::write(Action::Inject as u64);
        }
    }
}

/// What the resume action *complete* does, which leaves room for another. Where this is called, no exit is of an
/// instruction with a floating-point result.
fn complete_by_hand() {
    let decoded = qualification();
    if decoded.reads() {
        set_guest_integer(decoded.register(), decoded.completed(msr::vmresult::read()));
    }
    step_over(decoded.length());
}
