//! How a guest goes on: the resume actions (specification, 2.5).

use super::{Loaded, report};
use visa_guest::qualification;
use visa_guest::registers as msr;
use visa_isa::cause::Exception;
use visa_isa::vmcs::Action;

impl Loaded {
    /// The guest goes on behind the instruction.
    #[inline(always)]
    pub fn complete(&mut self) {
        // SAFETY: a valid action, after the exit of an instruction.
        unsafe { msr::vmaction::write(Action::Complete as u64) };
    }

    /// The guest goes on behind the instruction, which read `result`.
    #[inline(always)]
    pub fn complete_with(&mut self, result: u64) {
        // SAFETY: VMRESULT is for the instruction's register alone.
        unsafe { msr::vmresult::write(result) };
        self.complete();
    }

    /// The guest takes an exception instead of executing the instruction.
    #[inline(always)]
    pub fn inject(&mut self, exception: Exception, value: u64) {
        // SAFETY: the callers' exceptions are among those that can be injected (specification, 2.5).
        unsafe {
            msr::vminject::write(exception as u64);
            msr::vmresult::write(value);
            msr::vmaction::write(Action::Inject as u64);
        }
    }

    /// The same; unless its trap vector is what faults, again, so that it would never get to an instruction: that is a shutdown, as it
    /// would be without visor in between (specification, 2.3).
    pub fn give(&mut self, exception: Exception, value: u64) {
        let pc = msr::vmpc::read();
        if self.in_kernel() && pc == msr::stvec::read() & !3 && pc == msr::sepc::read() {
            report::shutdown(self.vcpu);
        }
        self.inject(exception, value);
    }
}

/// The access fault that an access at the last exit gets where nothing answers.
pub fn access_fault() -> Exception {
    let access = qualification();
    match (access.is_fetch(), access.writes()) {
        (true, _) => Exception::FetchAccessFault,
        (_, true) => Exception::StoreAccessFault,
        _ => Exception::LoadAccessFault,
    }
}
