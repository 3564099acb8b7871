//! The exit loop (specification, 2.2 to 2.5): entering a guest is a call that returns with an exit.

use super::Loaded;
use crate::sbi::Start;
use visa_guest::instructions as insn;

/// Why a virtual CPU no longer runs.
pub enum Leave {
    /// It stops.
    Stop,
    /// It waits for an interrupt and starts afresh.
    SuspendAndStart(Start),
}

/// What comes after an exit.
pub enum Next {
    /// The guest goes on, as the resume action says.
    Resume,
    /// It does not.
    Leave(Leave),
}

/// What is done about exits. A layer hands what it has nothing to say about to the one below.
pub trait Layer {
    /// Enters the guest, and comes back with its exit.
    #[inline(always)]
    fn enter(&mut self, _vcpu: &mut Loaded) {
        // SAFETY: the guest reaches its own memory and devices alone.
        unsafe { insn::vmresume() };
    }

    /// Handles an exit, of the cause with a number.
    fn handle(&mut self, vcpu: &mut Loaded, cause: u64) -> Next;
}

/// Runs a guest until it stops.
#[inline(never)]
pub fn run(vcpu: &mut Loaded, mut layer: impl Layer) -> Leave {
    let seen_by_all = vcpu.vcpu;
    // What a handler reads of the virtual CPU it reads then: registers are for what most exits need.
    let vcpu = core::hint::black_box(vcpu);
    loop {
        layer.enter(vcpu);
        let cause = insn::vmcause();
        seen_by_all.count_exit(cause);
        if let Next::Leave(leave) = layer.handle(vcpu, cause) {
            return leave;
        }
    }
}
