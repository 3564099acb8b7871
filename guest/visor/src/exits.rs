//! The exit loop (specification, 2.2 to 2.5): entering a guest is a call that returns with an exit.

mod hypercall;
mod io;
pub mod memory;

use crate::ending::Ending;
use crate::firmware::Firmware;
use crate::hart::{self, Hart};
use crate::isolate::pager;
use crate::report;
use crate::sbi::Start;
use crate::vm::Vm;
use visa_guest::instructions as insn;
use visa_guest::qualification;
use visa_guest::registers as msr;
use visa_isa::cause::{Exception, ExitCause};
use visa_isa::vmcs::Action;

/// Why a virtual CPU no longer runs.
pub enum Leave {
    /// Its hart stops.
    Stop,
    /// Its hart waits for an interrupt and starts afresh.
    SuspendAndStart(Start),
}

/// What comes after an exit.
pub enum Next {
    /// The guest goes on, as the resume action says.
    Resume,
    /// It does not.
    Leave(Leave),
}

/// Runs this hart's current guest until it stops. What handles common exits is inlined here, so that none of them saves
/// registers; what is rare or long is kept out of line, with its operands in registers.
#[inline(never)]
pub fn run(vm: &'static Vm, number: usize) -> Leave {
    let hart = hart::hart(number);
    let mut firmware = Firmware { vm, hart: number };
    loop {
        // SAFETY: the guest reaches its own memory and devices alone.
        unsafe { insn::vmresume() };
        let cause = insn::vmcause();
        hart.count_exit(cause);
        if let Next::Leave(leave) = handle(&mut firmware, hart, cause) {
            return leave;
        }
    }
}

/// Handles the exit of the current guest.
#[inline(always)]
pub fn handle(firmware: &mut Firmware, hart: &Hart, cause: u64) -> Next {
    use ExitCause::*;
    match ExitCause::from_number(cause) {
        Some(Hypercall) => return hypercall::handle(firmware, hart),
        Some(SoftwareInterrupt) => hart.serve(),
        Some(IoAccess) => io::port(),
        Some(NestedPageFault) => memory::nested_page_fault(firmware.vm),
        Some(PageFault) if pager::is_active() => pager::page_fault(firmware.hart),
        Some(TlbFlush) if pager::is_active() => pager::fence(firmware.hart),
        Some(ControlRegister) if pager::is_active() => pager::control_register(firmware.hart),
        Some(VmexitInstruction) => complete(),
        Some(VisaInstruction) => not_resident(),
        Some(Shutdown) => report::shutdown(),
        Some(EntryFailure) => report::entry_failure(),
        // Nothing in the trap filter asks for these.
        Some(
            IllegalPrivileged | ControlRegister | PageFault | Timer | ExternalInterrupt | MsrAccess | Halt
            | DeviceAccess | SingleStep | DirtyLogFull | Exception | TlbFlush | Pause | PciConfiguration,
        )
        | None => report::unexpected(cause, Ending::UnexpectedExit),
    }
    Next::Resume
}

/// VINT_SEND to a virtual CPU that no hart has (specification, 6.1): it is stopped, and whoever is stopped has no
/// interrupt controller to hold the vector. The instruction is done.
fn not_resident() {
    complete();
}

/// The guest goes on behind the instruction.
pub fn complete() {
    // SAFETY: a valid action, after the exit of an instruction.
    unsafe { msr::vmaction::write(Action::Complete as u64) };
}

/// The guest goes on behind the instruction, which read `result`.
pub fn complete_with(result: u64) {
    // SAFETY: VMRESULT is for the instruction's register alone.
    unsafe { msr::vmresult::write(result) };
    complete();
}

/// The guest takes an exception instead of executing the instruction.
pub fn inject(exception: Exception, value: u64) {
    // SAFETY: the callers' exceptions are among those that can be injected (specification, 2.5).
    unsafe {
        msr::vminject::write(exception as u64);
        msr::vmresult::write(value);
        msr::vmaction::write(Action::Inject as u64);
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
