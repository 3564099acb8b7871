//! What virtual CPUs ask of each other: interrupts and fences. Its hart does it for each, whether it is loaded or at rest.

use super::{Loaded, Resting};
use crate::cpu;
use crate::guest::VCPUS_MAX;
use crate::sbi::{Fence, HartSet, Start};
use crate::vm::request::{FENCE_INSTRUCTIONS, FENCE_TRANSLATIONS, INTERRUPT};
use visa_guest::registers as msr;
use visa_isa::cause::interrupt::{HYPERVISOR_SOFTWARE, SUPERVISOR_SOFTWARE};

/// Before its hart looks what a virtual CPU was asked for.
fn clear_notice() {
    // SAFETY: clears the software interrupt before looking, so that a later request raises it again.
    unsafe { msr::hvip::clear(1 << HYPERVISOR_SOFTWARE) };
}

impl Resting {
    /// Waits until it is started, doing meanwhile what the others ask for.
    pub fn wait_for_start(&mut self) -> Start {
        loop {
            self.serve();
            if let Some(start) = self.vcpu.started() {
                return start;
            }
            cpu::wait();
        }
    }

    /// Does what was asked for. An interrupt is lost on one that has not started.
    #[inline(never)]
    fn serve(&mut self) {
        clear_notice();
        let asked = self.vcpu.asked();
        if asked.requests & FENCE_INSTRUCTIONS != 0 {
            cpu::fence_instructions();
        }
        if asked.requests & FENCE_TRANSLATIONS != 0 {
            self.translation.flush();
        }
        self.vcpu.done(&asked);
    }
}

impl Loaded {
    /// Does what was asked for.
    #[inline(never)]
    pub fn serve(&mut self) {
        clear_notice();
        let asked = self.vcpu.asked();
        if asked.requests & INTERRUPT != 0 {
            make_interrupt_pending();
        }
        if asked.requests & FENCE_INSTRUCTIONS != 0 {
            cpu::fence_instructions();
        }
        if asked.requests & FENCE_TRANSLATIONS != 0 {
            self.translation.flush();
        }
        self.vcpu.done(&asked);
    }

    /// Makes the supervisor software interrupt pending in virtual CPUs of the VM.
    #[inline(always)]
    pub fn interrupt(&mut self, vcpus: HartSet) {
        if vcpus.has(self.number) {
            make_interrupt_pending();
        }
        let others = vcpus.without(self.number);
        if !others.is_empty() {
            self.interrupt_others(others);
        }
    }

    #[inline(never)]
    fn interrupt_others(&self, vcpus: HartSet) {
        for number in vcpus.iter() {
            self.vm.vcpus[number].ask(self.vm.home(number), INTERRUPT);
        }
    }

    /// Makes the own one no longer pending; whether it was.
    pub fn clear_interrupt(&mut self) -> bool {
        const BIT: u64 = 1 << SUPERVISOR_SOFTWARE;
        let was_pending = msr::sip::read() & BIT != 0;
        // SAFETY: the guest asked for it.
        unsafe { msr::sip::clear(BIT) };
        was_pending
    }

    /// Has virtual CPUs of the VM execute a fence, and waits until they have.
    #[inline(always)]
    pub fn fence(&mut self, vcpus: HartSet, fence: Fence) {
        if vcpus.has(self.number) {
            match fence {
                Fence::Instructions => cpu::fence_instructions(),
                Fence::Translations => self.translation.flush(),
            }
        }
        let others = vcpus.without(self.number);
        if !others.is_empty() {
            self.fence_others(others, fence);
        }
    }

    /// The part of [`Loaded::fence`] that needs other harts. One that waits serves the others, so that two that fence each other
    /// do not wait for ever.
    #[inline(never)]
    fn fence_others(&mut self, vcpus: HartSet, fence: Fence) {
        let request = match fence {
            Fence::Instructions => FENCE_INSTRUCTIONS,
            Fence::Translations => FENCE_TRANSLATIONS,
        };
        let mut tickets = [0; VCPUS_MAX];
        for number in vcpus.iter() {
            tickets[number] = self.vm.vcpus[number].ask_for_fence(self.vm.home(number), request);
        }
        for number in vcpus.iter() {
            while !self.vm.vcpus[number].has_fenced(tickets[number]) {
                self.serve();
                core::hint::spin_loop();
            }
        }
    }
}

/// Makes the supervisor software interrupt pending in the guest of this hart.
fn make_interrupt_pending() {
    // SAFETY: the guest asked for the interrupt.
    unsafe { msr::sip::set(1 << SUPERVISOR_SOFTWARE) };
}
