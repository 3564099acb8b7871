//! ECALL in Ring 0: the SBI.

use crate::devices::finisher::finish;
use crate::sbi::{self, Call, Outcome, SbiResult};
use crate::vcpu::{Leave, Loaded, Next};
use core::arch::asm;
use visa_isa::msr::GUEST_R0;

/// Registers of a call (SBI 2.0, chapter 3).
const A0: u16 = 10;
const A1: u16 = 11;
const A2: u16 = 12;
const A3: u16 = 13;
const A4: u16 = 14;
const A6: u16 = 16;
const A7: u16 = 17;

/// Reads a register of the guest: one instruction, since its number is known here.
#[inline(always)]
fn guest<const NUMBER: u16>() -> u64 {
    let value: u64;
    // SAFETY: reading a window changes nothing but the result.
    unsafe { asm!("csrr {0}, {1}", lateout(reg) value, const GUEST_R0 + NUMBER, options(nomem, nostack)) };
    value
}

/// Writes a register of the guest, likewise.
#[inline(always)]
fn set_guest<const NUMBER: u16>(value: u64) {
    // SAFETY: the guest's registers are in a bank of their own: nothing here changes.
    unsafe { asm!("csrw {1}, {0}", in(reg) value, const GUEST_R0 + NUMBER, options(nomem, nostack)) };
}

/// Serves a call.
#[inline(always)]
pub fn handle(vcpu: &mut Loaded) -> Next {
    let call = Call {
        extension: guest::<A7>(),
        function: guest::<A6>(),
        arguments: [guest::<A0>(), guest::<A1>(), guest::<A2>(), guest::<A3>(), guest::<A4>()],
    };
    match sbi::call(vcpu, &call) {
        Outcome::Return(result) => give(result),
        Outcome::Legacy(value) => set_guest::<A0>(value as u64),
        Outcome::Stop => return Next::Leave(Leave::Stop),
        Outcome::Suspend => {
            vcpu.suspend();
            give(Ok(0));
        }
        Outcome::SuspendAndStart(start) => return Next::Leave(Leave::SuspendAndStart(start)),
        Outcome::End(value) => finish(value),
    }
    vcpu.complete();
    Next::Resume
}

/// The error code in R10, the value in R11.
#[inline(always)]
pub fn give(result: SbiResult) {
    let (error, value) = match result {
        Ok(value) => (0, value),
        Err(error) => (error as i64 as u64, 0),
    };
    set_guest::<A0>(error);
    set_guest::<A1>(value);
}
