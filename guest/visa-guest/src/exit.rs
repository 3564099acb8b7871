//! The last VM exit.

use crate::isa::cause::ExitCause;
use crate::isa::exit::{Exit, ExitRecord, Qualification, UnknownExit};
use crate::registers as msr;

/// Why the guest left, by VMCAUSE the instruction. `None` is a number that this version of the table does not have.
pub fn exit_cause() -> Option<ExitCause> {
    ExitCause::from_number(crate::instructions::vmcause())
}

/// The decoded access of the last exit: VMQUAL alone. A hypervisor needs no instruction bits to handle the exit.
pub fn qualification() -> Qualification {
    Qualification::from_bits(msr::vmqual::read())
}

/// The record of the last exit: all of its MSRs.
pub fn exit_record() -> ExitRecord {
    ExitRecord {
        cause: msr::vmcause::read(),
        qualification: qualification(),
        instruction: msr::vminst::read(),
        guest_virtual: msr::vmgva::read(),
        guest_physical: msr::vmgpa::read(),
        value: msr::vmvalue::read(),
        code: msr::vmcode::read(),
        cookie: msr::vmcookie::read(),
    }
}

/// The last exit. Reads each of its MSRs: where one would do, [`exit_cause`] and [`qualification`] are for that.
pub fn last_exit() -> Result<Exit, UnknownExit> {
    Exit::from_record(&exit_record())
}
