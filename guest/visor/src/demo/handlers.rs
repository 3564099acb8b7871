//! What visor does about each exit in `visa demo`, and a word on what it was.

use super::scenes::Progress;
use super::{DEVICE, LATE_MEMORY};
use crate::exits::{self, Leave, Next, complete, complete_with, inject};
use crate::guest::memory::{PAGE, Region};
use crate::hart::Hart;
use crate::sbi::{self, SbiError, extension};
use core::cell::UnsafeCell;
use visa_guest::instructions as insn;
use visa_guest::registers as msr;
use visa_guest::{guest_integer, qualification, set_guest_integer};
use visa_isa::cause::interrupt::SUPERVISOR_TIMER;
use visa_isa::cause::{Exception, ExitCause, INTERRUPT};
use visa_isa::vmcs::Action;

/// The extension of the demo's calls, among those for firmware's own use (SBI 2.0, chapter 15).
const DEMO: u64 = 0x0a56_4953;
/// Function: begin the scene in R10.
const SCENE: u64 = 0;
/// Function: send a virtual interrupt.
const INTERRUPT_ME: u64 = 1;
/// The vector that visor sends.
const VECTOR: u8 = 5;

const A0: u8 = 10;
const A6: u8 = 16;
const A7: u8 = 17;

/// What was done about an exit.
pub enum Done {
    /// The guest goes on.
    Resume(How),
    /// The guest goes on with the next scene.
    Scene(u64),
    /// The virtual CPU stops.
    Leave(Leave),
    /// The demo ends, with this value for the test finisher.
    End(u32),
}

/// How the guest goes on.
pub struct How {
    /// What the handler did.
    pub handler: &'static str,
    /// A number that belongs to it.
    pub value: u64,
}

/// The page behind the late memory.
#[repr(C, align(4096))]
struct Page(UnsafeCell<[u8; PAGE as usize]>);

// SAFETY: visor gives the page to the guest and never looks at it again.
unsafe impl Sync for Page {}

static LATE_PAGE: Page = Page(UnsafeCell::new([0; PAGE as usize]));

/// Whether the current hypercall begins a scene.
pub fn is_scene_call() -> bool {
    guest_integer(A7) == DEMO && guest_integer(A6) == SCENE
}

fn resume(handler: &'static str, value: u64) -> Done {
    Done::Resume(How { handler, value })
}

/// Handles an exit.
pub fn handle(progress: &mut Progress, hart: &Hart, cause: u64) -> Done {
    match ExitCause::from_number(cause) {
        Some(ExitCause::Hypercall) => hypercall(progress, hart),
        Some(ExitCause::ControlRegister) => control_register(),
        Some(ExitCause::IoAccess) => port(),
        Some(ExitCause::NestedPageFault) => nested_page_fault(progress),
        Some(ExitCause::DeviceAccess) => device(progress),
        Some(ExitCause::IllegalPrivileged) => illegal(),
        Some(ExitCause::PageFault) => page_fault(),
        Some(ExitCause::Timer) => timer(),
        Some(ExitCause::Halt) => {
            complete();
            resume("halt", 0)
        }
        Some(ExitCause::VmexitInstruction) => {
            complete();
            resume("vmexit", 0)
        }
        // The plain loop, which names every cause, does the rest.
        _ => match exits::handle(&mut progress.firmware, hart, cause) {
            Next::Resume => resume("visor", 0),
            Next::Leave(leave) => Done::Leave(leave),
        },
    }
}

fn hypercall(progress: &mut Progress, hart: &Hart) -> Done {
    let (extension, function) = (guest_integer(A7), guest_integer(A6));
    if extension == extension::SRST {
        let call =
            sbi::Call { extension, function, arguments: [guest_integer(A0), guest_integer(A0 + 1), 0, 0, 0] };
        if let sbi::Outcome::End(value) = sbi::call(&mut progress.firmware, &call) {
            return Done::End(value);
        }
    }
    if extension != DEMO {
        return match exits::handle(&mut progress.firmware, hart, ExitCause::Hypercall as u64) {
            Next::Resume => resume("sbi", extension),
            Next::Leave(leave) => Done::Leave(leave),
        };
    }
    complete();
    match function {
        SCENE => Done::Scene(guest_integer(A0)),
        INTERRUPT_ME => {
            let target = progress.firmware.hart as u16;
            // SAFETY: the guest asked for it.
            unsafe { insn::vint_send(visa_isa::io::interrupt(VECTOR, target)) };
            resume("vint-send", VECTOR.into())
        }
        _ => {
            set_guest_integer(A0, SbiError::NotSupported as i64 as u64);
            resume("sbi", extension)
        }
    }
}

/// The guest writes CR3: visor does it in its place. Here a hypervisor without nested paging would switch its shadow
/// tables.
fn control_register() -> Done {
    let value = msr::vmvalue::read();
    // SAFETY: GPTBR is the guest's own CR3.
    unsafe { insn::ldgptbr(value) };
    // VMRESULT is preset to the old value, which is what the instruction returns.
    complete();
    resume("ldgptbr", value)
}

/// The console of the demo is visor's: bytes that the guest writes become lines of their own.
fn port() -> Done {
    const TRANSMITTER_EMPTY: u64 = 0x60;
    if qualification().writes() {
        complete();
        resume("console-byte", msr::vmvalue::read())
    } else {
        complete_with(TRANSMITTER_EMPTY);
        resume("line-status", TRANSMITTER_EMPTY)
    }
}

/// The late memory gets a page, upon which the access is tried again. Anywhere else the guest has nothing to seek.
fn nested_page_fault(progress: &Progress) -> Done {
    let address = msr::vmgpa::read() & !(PAGE - 1);
    let page = LATE_PAGE.0.get() as u64;
    if address == LATE_MEMORY {
        let region = Region { guest: address, physical: page, length: PAGE };
        if progress.firmware.vm.map(region).is_ok() {
            return resume("map-page", page);
        }
    }
    exits::memory::deny();
    resume("deny", exits::access_fault() as u64)
}

/// An adder: what is written at offset 0 is added up, and read at offset 8.
fn device(progress: &mut Progress) -> Done {
    const ADD: u64 = 0;
    const SUM: u64 = 8;
    let offset = msr::vmgpa::read().wrapping_sub(DEVICE);
    match (offset, qualification().writes()) {
        (ADD, true) => {
            progress.sum = progress.sum.wrapping_add(msr::vmvalue::read());
            complete();
            resume("device-write", progress.sum)
        }
        (SUM, false) => {
            complete_with(progress.sum);
            resume("device-read", progress.sum)
        }
        _ => {
            complete_with(0);
            resume("device-ignore", offset)
        }
    }
}

/// The guest gets what a machine without Ring -1 would give it.
fn illegal() -> Done {
    inject(Exception::IllegalInstruction, msr::vminst::read());
    resume("inject", Exception::IllegalInstruction as u64)
}

/// A fault of the guest's own tables is the guest's to handle.
fn page_fault() -> Done {
    let exception = Exception::from_number(msr::vmcode::read()).unwrap_or(Exception::LoadPageFault);
    inject(exception, msr::vmgva::read());
    resume("inject", exception as u64)
}

/// The guest's timer: disarmed, so that it does not exit again at once, and injected.
fn timer() -> Done {
    let cause = INTERRUPT | u64::from(SUPERVISOR_TIMER);
    // SAFETY: the timer is the guest's, and the cause one that can be injected.
    unsafe {
        msr::stimecmp::write(u64::MAX);
        msr::vminject::write(cause);
        msr::vmaction::write(Action::Inject as u64);
    }
    resume("inject", cause)
}
