//! Exceptions and interrupts: who takes them, and what the taking does.

use visa_isa::Ring;
use visa_isa::cause::{self, Exception, INTERRUPT, interrupt};
use visa_isa::exit::{Denied, Exit, PendingInterrupt, RaisedException};
use visa_isa::msr::{hvstatus, sstatus};
use visa_isa::trap_filter;

use crate::event::Event;
use visa_state::{Delivery, HypervisorException};

use crate::hart::Hart;

/// Why an instruction did not complete. It has had no effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// It is illegal: the exception's value is the instruction itself.
    Illegal,
    /// It raised another exception, with the trap value.
    Exception(Exception, u64),
    /// It causes a VM exit; the exit record has what only the place of the cause knows, and
    /// [`Hart::describe_exit`] adds what the instruction says.
    Exit,
}

/// Why a hart cannot go on by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// It halted and waits for an interrupt.
    Interrupt,
    /// Ring -1 raised three exceptions in a row (specification, 1.4): the last one's cause, value and PC.
    Dead {
        /// HVCAUSE.
        cause: u64,
        /// HVTVAL.
        value: u64,
        /// HVEPC.
        pc: u64,
    },
}

/// Exceptions in a row, without an instruction in between, that end it.
const EXCEPTIONS_IN_A_ROW: u32 = 3;

impl Hart {
    /// A VM exit. Its record is as far as the cause knows it: what the instruction says is added later.
    #[inline]
    pub(crate) fn exit(&mut self, exit: Exit) -> Stop {
        self.state.exit = exit.record();
        self.state.vm.result = 0;
        Stop::Exit
    }

    /// What a ring may not use stops with (specification, 3.2).
    pub(crate) fn not_in_this_ring(&mut self, is_visa: bool) -> Stop {
        if !self.state.in_guest() {
            return Stop::Illegal;
        }
        if is_visa && self.state.ring == Ring::Kernel && self.filter(trap_filter::VISA) {
            return self.exit(Exit::VisaInstruction(Denied::default()));
        }
        if self.filter(trap_filter::PRIV) {
            return self.exit(Exit::IllegalPrivileged(Denied::default()));
        }
        Stop::Illegal
    }

    /// Whether the guest runs with a bit of the trap filter set.
    #[inline(always)]
    pub fn filter(&self, bit: u64) -> bool {
        (self.state.vm.trap_filter | self.forced_filter) & bit != 0
    }

    /// Whether EXCMAP makes a guest's exception exit. The record is begun then, and what the instruction says can be
    /// added before [`Hart::leave_guest`].
    pub fn exits_by_exception(&mut self, exception: Exception, value: u64) -> bool {
        let named = cause::EXCEPTION_MAP_VALID & self.state.vm.exception_map & 1 << exception as u64 != 0;
        let exits = named && self.state.in_guest();
        if exits {
            self.exit(Exit::Exception(RaisedException { exception, trap_value: value, written: 0 }));
        }
        exits
    }

    /// Takes an exception at the current PC. The instruction that raised it must not have retired.
    pub fn take_exception(&mut self, exception: Exception, value: u64) -> Result<(), Wait> {
        if !self.state.in_guest() {
            return self.take_in_hypervisor(exception as u64, value);
        }
        if self.exits_by_exception(exception, value) {
            self.leave_guest();
            return Ok(());
        }
        if self.count_delivery() {
            self.exit(Exit::Shutdown(RaisedException { exception, trap_value: value, written: 0 }));
            self.leave_guest();
            return Ok(());
        }
        self.take_in_kernel(exception as u64, value);
        Ok(())
    }

    /// Counts an exception; true if it is one too many without an instruction in between.
    fn count_delivery(&mut self) -> bool {
        let in_a_row =
            self.state.delivery.count > 0 && self.state.delivery.instructions == self.state.instructions;
        let count = if in_a_row { self.state.delivery.count + 1 } else { 1 };
        self.state.delivery =
            Delivery { count, instructions: self.state.instructions, ..self.state.delivery };
        count >= EXCEPTIONS_IN_A_ROW
    }

    /// Ring 0 takes an exception or interrupt (RISC-V privileged, 12.1).
    pub(crate) fn take_in_kernel(&mut self, cause: u64, value: u64) {
        self.state.statistics.traps.count(cause);
        let from = self.state.ring;
        let status = &mut self.state.supervisor.sstatus;
        let enabled = *status & sstatus::SIE != 0;
        *status &= !(sstatus::SIE | sstatus::SPIE | sstatus::SPP);
        if enabled {
            *status |= sstatus::SPIE;
        }
        if from == Ring::Kernel {
            *status |= sstatus::SPP;
        }
        let pc = self.state.bank.pc;
        self.state.supervisor.sepc = pc;
        self.state.supervisor.scause = cause;
        self.state.supervisor.stval = value;
        let base = self.state.supervisor.stvec & !3;
        let vectored = self.state.supervisor.stvec & 1 != 0 && cause & INTERRUPT != 0;
        self.state.bank.pc = if vectored { base.wrapping_add(4 * (cause & !INTERRUPT)) } else { base };
        self.set_ring(Ring::Kernel);
        self.tell(|hart| Event::Trap {
            instructions: hart.instructions,
            from,
            to: Ring::Kernel,
            cause,
            value,
            pc,
        });
    }

    /// Ring -1 takes an exception or interrupt of its own (specification, 1.4).
    fn take_in_hypervisor(&mut self, cause: u64, value: u64) -> Result<(), Wait> {
        let pc = self.state.bank.pc;
        if cause & INTERRUPT == 0 {
            if self.count_delivery() {
                return Err(Wait::Dead { cause, value, pc });
            }
            if self.state.delivery.count == 1 {
                self.state.delivery.first = HypervisorException { cause, value, pc };
            }
        }
        let state = &mut self.state.hypervisor;
        state.hvepc = pc;
        state.hvcause = cause;
        state.hvtval = value;
        let enabled = state.interrupts_enabled();
        state.hvstatus = if enabled { hvstatus::HPIE } else { 0 };
        self.state.bank.pc = state.hvvec;
        self.pending_work = true;
        self.tell(|hart| Event::Trap {
            instructions: hart.instructions,
            from: Ring::Hypervisor,
            to: Ring::Hypervisor,
            cause,
            value,
            pc,
        });
        Ok(())
    }

    /// HVRET.
    pub fn return_in_hypervisor(&mut self) -> Result<u64, Stop> {
        if self.state.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        let state = &mut self.state.hypervisor;
        let enabled = state.hvstatus & hvstatus::HPIE != 0;
        state.hvstatus = hvstatus::HPIE | if enabled { hvstatus::HIE } else { 0 };
        self.pending_work = true;
        Ok(state.hvepc)
    }

    /// SRET (RISC-V privileged, 12.1.1): the address to go on at.
    pub fn return_from_kernel(&mut self) -> Result<u64, Stop> {
        match self.state.ring {
            Ring::Hypervisor => return Err(Stop::Illegal),
            Ring::User => return Err(self.not_in_this_ring(false)),
            Ring::Kernel if self.filter(trap_filter::PRIV) => {
                return Err(self.exit(Exit::IllegalPrivileged(Denied::default())));
            }
            Ring::Kernel => {}
        }
        let status = &mut self.state.supervisor.sstatus;
        let ring = if *status & sstatus::SPP != 0 { Ring::Kernel } else { Ring::User };
        let enabled = *status & sstatus::SPIE != 0;
        *status &= !(sstatus::SIE | sstatus::SPP);
        *status |= sstatus::SPIE | if enabled { sstatus::SIE } else { 0 };
        self.set_ring(ring);
        Ok(self.state.supervisor.sepc)
    }

    /// Goes to another ring of the guest.
    pub(crate) fn set_ring(&mut self, ring: Ring) {
        if ring != self.state.ring {
            self.observers.tell_ring(&self.state, ring);
        }
        self.state.ring = ring;
        self.mmu.update_class(&self.state);
        self.pending_work |= self.guest_interrupt_is_due();
    }

    /// Whether the guest takes an interrupt before its next instruction, as far as that depends on its ring and its SIE.
    pub(crate) fn guest_interrupt_is_due(&self) -> bool {
        let enabled = self.state.ring == Ring::User || self.state.supervisor.sstatus & sstatus::SIE != 0;
        enabled && self.guest_interrupt_waits()
    }

    /// Whether the guest has an interrupt to take once its ring and its SIE let it.
    pub fn guest_interrupt_waits(&self) -> bool {
        self.supervisor_pending() & self.state.supervisor.sie != 0
    }

    /// ECALL.
    pub fn environment_call(&mut self) -> Stop {
        match self.state.ring {
            Ring::User => Stop::Exception(Exception::EcallUser, 0),
            Ring::Kernel => self.exit(Exit::Hypercall),
            Ring::Hypervisor => Stop::Exception(Exception::EcallHypervisor, 0),
        }
    }

    /// PAUSE.
    pub fn pause(&mut self) -> Result<(), Stop> {
        match self.state.in_guest() && self.filter(trap_filter::PAUSE) {
            true => Err(self.exit(Exit::Pause)),
            false => Ok(()),
        }
    }

    /// WFI: whether the hart halts. It has retired then, and waits with the next instruction.
    pub fn halt(&mut self) -> Result<(), Stop> {
        match self.state.ring {
            Ring::User => return Err(self.not_in_this_ring(false)),
            Ring::Kernel if self.filter(trap_filter::HALT) => return Err(self.exit(Exit::Halt)),
            _ => {}
        }
        self.state.waiting = true;
        self.pending_work = true;
        Ok(())
    }

    /// sip as it reads (specification, 3.1 and 6).
    pub fn supervisor_pending(&self) -> u64 {
        self.pending(!self.filter(trap_filter::TIMER), !self.filter(trap_filter::EXT))
    }

    /// The same whatever the trap filter keeps from the guest: what a hypervisor waits for on its behalf (specification, 2.7).
    fn guest_pending(&self) -> u64 {
        self.pending(true, true)
    }

    fn pending(&self, with_timer: bool, with_line: bool) -> u64 {
        let software = self.state.supervisor.software_pending;
        let timer = with_timer && self.guest_timer_due();
        let external = with_line && self.state.external_to_kernel || self.vic_deliverable() != 0;
        (software as u64) << interrupt::SUPERVISOR_SOFTWARE
            | (timer as u64) << interrupt::SUPERVISOR_TIMER
            | (external as u64) << interrupt::SUPERVISOR_EXTERNAL
    }

    /// HVIP as it reads.
    pub fn hypervisor_pending(&self) -> u64 {
        (self.state.hypervisor.software_pending as u64) << interrupt::HYPERVISOR_SOFTWARE
            | (self.hypervisor_timer_due() as u64) << interrupt::HYPERVISOR_TIMER
            | (self.state.external_to_hypervisor as u64) << interrupt::HYPERVISOR_EXTERNAL
    }

    /// Takes what is pending and enabled, in the order of the specification, 6.4. `Err`: the hart halts, or is dead.
    /// An engine calls this before an instruction whenever `attention` is set or a timer has become due.
    pub fn take_interrupts(&mut self) -> Result<(), Wait> {
        let host = self.hypervisor_pending() & self.state.hypervisor.hvie;
        if !self.state.in_guest() {
            // A hypervisor halts on behalf of its guest, too: what the guest waits for ends the wait (2.7).
            self.state.waiting &= host == 0 && self.guest_pending() & self.state.supervisor.sie == 0;
            if host != 0 && self.state.hypervisor.interrupts_enabled() {
                return self.take_in_hypervisor(INTERRUPT | most_urgent(host, &HYPERVISOR_ORDER) as u64, 0);
            }
            return if self.state.waiting { Err(Wait::Interrupt) } else { Ok(()) };
        }
        if host != 0 {
            self.exit_by_interrupt(most_urgent(host, &HYPERVISOR_ORDER), Ring::Hypervisor);
        } else if self.filter(trap_filter::TIMER) && self.guest_timer_due() {
            self.exit_by_interrupt(interrupt::SUPERVISOR_TIMER, Ring::Kernel);
        } else if self.filter(trap_filter::EXT) && self.state.external_to_kernel {
            self.exit_by_interrupt(interrupt::SUPERVISOR_EXTERNAL, Ring::Kernel);
        } else {
            return self.take_guest_interrupts();
        }
        Ok(())
    }

    fn take_guest_interrupts(&mut self) -> Result<(), Wait> {
        let pending = self.supervisor_pending() & self.state.supervisor.sie;
        self.state.waiting &= pending == 0;
        let enabled = self.state.ring == Ring::User || self.state.supervisor.sstatus & sstatus::SIE != 0;
        if pending != 0 && enabled {
            self.take_in_kernel(INTERRUPT | most_urgent(pending, &SUPERVISOR_ORDER) as u64, 0);
        }
        if self.state.waiting { Err(Wait::Interrupt) } else { Ok(()) }
    }

    fn exit_by_interrupt(&mut self, number: u32, owner: Ring) {
        let pending = PendingInterrupt { number, owner };
        self.exit(match number {
            interrupt::SUPERVISOR_TIMER | interrupt::HYPERVISOR_TIMER => Exit::Timer(pending),
            interrupt::HYPERVISOR_SOFTWARE => Exit::SoftwareInterrupt(pending),
            _ => Exit::ExternalInterrupt(pending),
        });
        self.leave_guest();
    }
}

const SUPERVISOR_ORDER: [u32; 3] =
    [interrupt::SUPERVISOR_EXTERNAL, interrupt::SUPERVISOR_SOFTWARE, interrupt::SUPERVISOR_TIMER];
const HYPERVISOR_ORDER: [u32; 3] =
    [interrupt::HYPERVISOR_EXTERNAL, interrupt::HYPERVISOR_SOFTWARE, interrupt::HYPERVISOR_TIMER];

/// The first of `order` that is set in `pending`, which has no other bits and is not zero.
fn most_urgent(pending: u64, order: &[u32; 3]) -> u32 {
    order.iter().copied().find(|&number| pending & 1 << number != 0).unwrap_or(order[2])
}
