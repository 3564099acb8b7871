//! What visor does about each exit in `visa demo`, and a word on what it was.

use super::counts::How;
use super::layout::{DEVICE, LATE_MEMORY};
use super::scenes::{A6, A7, DEMO, Progress, SCENE};
use crate::exits::{self, Plain};
use crate::guest::memory::{PAGE, Region};
use crate::sbi::{self, SbiError, extension};
use crate::vcpu::{Layer, Leave, Loaded, Next, access_fault};
use core::cell::UnsafeCell;
use visa_guest::instructions as insn;
use visa_guest::registers as msr;
use visa_guest::{guest_integer, qualification, set_guest_integer};
use visa_isa::cause::interrupt::SUPERVISOR_TIMER;
use visa_isa::cause::{Exception, ExitCause, INTERRUPT};
use visa_isa::vmcs::Action;

/// Function: send a virtual interrupt.
const INTERRUPT_ME: u64 = 1;
/// The vector that visor sends.
const VECTOR: u8 = 5;

/// Registers of a call.
const A0: u8 = 10;

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

/// The page behind the late memory.
#[repr(C, align(4096))]
struct Page(UnsafeCell<[u8; PAGE as usize]>);

// SAFETY: visor gives the page to the guest and never looks at it again.
unsafe impl Sync for Page {}

static LATE_PAGE: Page = Page(UnsafeCell::new([0; PAGE as usize]));

fn resume(handler: &'static str, value: u64) -> Done {
    Done::Resume(How { handler, value })
}

/// Handles an exit.
pub fn handle(progress: &mut Progress, below: &mut Plain, vcpu: &mut Loaded, cause: u64) -> Done {
    match ExitCause::from_number(cause) {
        Some(ExitCause::Hypercall) => hypercall(below, vcpu),
        Some(ExitCause::ControlRegister) => control_register(vcpu),
        Some(ExitCause::IoAccess) => port(vcpu),
        Some(ExitCause::NestedPageFault) => nested_page_fault(vcpu),
        Some(ExitCause::DeviceAccess) => device(progress, vcpu),
        Some(ExitCause::IllegalPrivileged) => illegal(vcpu),
        Some(ExitCause::PageFault) => page_fault(vcpu),
        Some(ExitCause::Timer) => timer(),
        Some(ExitCause::Halt) => {
            vcpu.complete();
            resume("halt", 0)
        }
        Some(ExitCause::VmexitInstruction) => {
            vcpu.complete();
            resume("vmexit", 0)
        }
        // The plain layer, which names every cause, does the rest.
        _ => match below.handle(vcpu, cause) {
            Next::Resume => resume("visor", 0),
            Next::Leave(leave) => Done::Leave(leave),
        },
    }
}

fn hypercall(below: &mut Plain, vcpu: &mut Loaded) -> Done {
    let (extension, function) = (guest_integer(A7), guest_integer(A6));
    if extension == extension::SRST {
        let call =
            sbi::Call { extension, function, arguments: [guest_integer(A0), guest_integer(A0 + 1), 0, 0, 0] };
        if let sbi::Outcome::End(value) = sbi::call(vcpu, &call) {
            return Done::End(value);
        }
    }
    if extension != DEMO {
        return match below.handle(vcpu, ExitCause::Hypercall as u64) {
            Next::Resume => resume("sbi", extension),
            Next::Leave(leave) => Done::Leave(leave),
        };
    }
    vcpu.complete();
    match function {
        SCENE => Done::Scene(guest_integer(A0)),
        INTERRUPT_ME => {
            let target = vcpu.number as u16;
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
fn control_register(vcpu: &mut Loaded) -> Done {
    let value = msr::vmvalue::read();
    // SAFETY: GPTBR is the guest's own CR3.
    unsafe { insn::ldgptbr(value) };
    // VMRESULT is preset to the old value, which is what the instruction returns.
    vcpu.complete();
    resume("ldgptbr", value)
}

/// The console of the demo is visor's: bytes that the guest writes become lines of their own.
fn port(vcpu: &mut Loaded) -> Done {
    const TRANSMITTER_EMPTY: u64 = 0x60;
    if qualification().writes() {
        vcpu.complete();
        resume("console-byte", msr::vmvalue::read())
    } else {
        vcpu.complete_with(TRANSMITTER_EMPTY);
        resume("line-status", TRANSMITTER_EMPTY)
    }
}

/// The late memory gets a page, upon which the access is tried again. Anywhere else the guest has nothing to seek.
fn nested_page_fault(vcpu: &mut Loaded) -> Done {
    let address = msr::vmgpa::read() & !(PAGE - 1);
    let page = LATE_PAGE.0.get() as u64;
    if address == LATE_MEMORY {
        let region = Region { guest: address, physical: page, length: PAGE };
        if vcpu.vm.map(region).is_ok() {
            return resume("map-page", page);
        }
    }
    exits::deny(vcpu);
    resume("deny", access_fault() as u64)
}

/// An adder: what is written at offset 0 is added up, and read at offset 8.
fn device(progress: &mut Progress, vcpu: &mut Loaded) -> Done {
    const ADD: u64 = 0;
    const SUM: u64 = 8;
    let offset = msr::vmgpa::read().wrapping_sub(DEVICE);
    match (offset, qualification().writes()) {
        (ADD, true) => {
            progress.sum = progress.sum.wrapping_add(msr::vmvalue::read());
            vcpu.complete();
            resume("device-write", progress.sum)
        }
        (SUM, false) => {
            vcpu.complete_with(progress.sum);
            resume("device-read", progress.sum)
        }
        _ => {
            vcpu.complete_with(0);
            resume("device-ignore", offset)
        }
    }
}

/// The guest gets what a machine without Ring -1 would give it.
fn illegal(vcpu: &mut Loaded) -> Done {
    vcpu.inject(Exception::IllegalInstruction, msr::vminst::read());
    resume("inject", Exception::IllegalInstruction as u64)
}

/// A fault of the guest's own tables is the guest's to handle.
fn page_fault(vcpu: &mut Loaded) -> Done {
    let exception = Exception::from_number(msr::vmcode::read()).unwrap_or(Exception::LoadPageFault);
    vcpu.inject(exception, msr::vmgva::read());
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
