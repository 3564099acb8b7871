//! ECALL in Ring 0: the SBI.

use super::{Leave, Next, complete};
use crate::console::finish;
use crate::firmware::Firmware;
use crate::hart::Hart;
use crate::sbi::{self, Call, Outcome, SbiResult};
use visa_guest::{guest_integer, set_guest_integer};

/// Registers of a call (SBI 2.0, chapter 3).
const A0: u8 = 10;
const A1: u8 = 11;
const A6: u8 = 16;
const A7: u8 = 17;

/// Serves a call.
pub fn handle(firmware: &mut Firmware, hart: &Hart) -> Next {
    let call = Call {
        extension: guest_integer(A7),
        function: guest_integer(A6),
        arguments: [
            guest_integer(A0),
            guest_integer(A1),
            guest_integer(A0 + 2),
            guest_integer(A0 + 3),
            guest_integer(A0 + 4),
        ],
    };
    match sbi::call(firmware, &call) {
        Outcome::Return(result) => give(result),
        Outcome::Legacy(value) => set_guest_integer(A0, value as u64),
        Outcome::Stop => return Next::Leave(Leave::Stop),
        Outcome::Suspend => {
            hart.wait_for_guest_interrupt();
            give(Ok(0));
        }
        Outcome::SuspendAndStart(start) => return Next::Leave(Leave::SuspendAndStart(start)),
        Outcome::End(value) => finish(value),
    }
    complete();
    Next::Resume
}

/// The error code in R10, the value in R11.
pub fn give(result: SbiResult) {
    let (error, value) = match result {
        Ok(value) => (0, value),
        Err(error) => (error as i64 as u64, 0),
    };
    set_guest_integer(A0, error);
    set_guest_integer(A1, value);
}
