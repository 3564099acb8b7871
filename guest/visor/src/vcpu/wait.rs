//! Waiting on behalf of the guest, where the machine does not let Ring -1 see what the guest waits for
//! (specification, 2.7): Ring -1's own timer and interrupt-controller context stand in.

use super::Loaded;
use crate::cpu;
use crate::interrupts::plic::Context;
use crate::sbi::HartState;
use visa_guest::registers as msr;
use visa_isa::cause::interrupt::{
    HYPERVISOR_EXTERNAL, HYPERVISOR_SOFTWARE, HYPERVISOR_TIMER, SUPERVISOR_EXTERNAL, SUPERVISOR_TIMER,
};

/// A wait for an interrupt that the guest's sie enables. Nothing of the guest's is masked meanwhile.
struct Wait {
    sees_timer: bool,
    external: Option<Context>,
    armed: bool,
}

impl Wait {
    /// Before the wait of a virtual CPU's guest.
    fn of(vcpu: &Loaded) -> Wait {
        let vm = vcpu.vm;
        let external = if vm.lacks.trap_filter { vm.plic } else { None };
        let external = external.map(|plic| plic.kernel(vm.home(vcpu.number)));
        Wait { sees_timer: !vm.lacks.timer(), external, armed: false }
    }

    /// Whether it is over; if not, visor halts next.
    fn over(&mut self) -> bool {
        let enabled = msr::sie::read();
        let mut pending = msr::sip::read();
        if !self.sees_timer && timer_is_due() {
            pending |= 1 << SUPERVISOR_TIMER;
        }
        if self.external.is_some_and(Context::line) {
            pending |= 1 << SUPERVISOR_EXTERNAL;
        }
        let over = pending & enabled != 0;
        if !over && !self.armed {
            self.arm(enabled);
        }
        over
    }

    fn arm(&mut self, enabled: u64) {
        self.armed = true;
        let mut own = 1 << HYPERVISOR_SOFTWARE;
        if !self.sees_timer && enabled & 1 << SUPERVISOR_TIMER != 0 {
            // SAFETY: HVSTATUS.HIE is clear, so that the timer ends a WFI and does nothing else. The guest's time is
            // the machine's.
            unsafe { msr::hvtimecmp::write(msr::stimecmp::read()) };
            own |= 1 << HYPERVISOR_TIMER;
        }
        if let Some(context) = self.external
            && enabled & 1 << SUPERVISOR_EXTERNAL != 0
        {
            context.lend_to_hypervisor(true);
            own |= 1 << HYPERVISOR_EXTERNAL;
        }
        // SAFETY: as above.
        unsafe { msr::hvie::write(own) };
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if self.armed {
            if let Some(context) = self.external {
                context.lend_to_hypervisor(false);
            }
            // SAFETY: as before the wait.
            unsafe {
                msr::hvtimecmp::write(u64::MAX);
                msr::hvie::write(1 << HYPERVISOR_SOFTWARE);
            }
        }
    }
}

impl Loaded {
    /// Waits until the guest has an interrupt to take, doing meanwhile what the others ask for.
    pub fn wait_for_interrupt(&mut self) {
        let mut guest = Wait::of(self);
        loop {
            self.serve();
            if guest.over() {
                break;
            }
            cpu::wait();
        }
    }

    /// Suspends it until then.
    #[inline(never)]
    pub fn suspend(&mut self) {
        self.vcpu.set_state(HartState::Suspended);
        self.wait_for_interrupt();
        self.vcpu.set_state(HartState::Started);
    }
}

/// Whether the guest's timer is due (specification, 6.2). Its time is the machine's.
#[inline(always)]
pub fn timer_is_due() -> bool {
    msr::time::read() >= msr::stimecmp::read()
}
