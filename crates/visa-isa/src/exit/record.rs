//! The record that a VM exit leaves.

use core::fmt;

use super::qualification::Qualification;
use crate::cause::ExitCause;

/// What a VM exit leaves for Ring -1: the values of the exit's MSRs. What the exit does not define is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ExitRecord {
    /// VMCAUSE: the cause's number.
    pub cause: u64,
    /// VMQUAL: the decoded access.
    pub qualification: Qualification,
    /// VMINST: the instruction's bits.
    pub instruction: u64,
    /// VMGVA: guest-virtual address.
    pub guest_virtual: u64,
    /// VMGPA: guest-physical address.
    pub guest_physical: u64,
    /// VMVALUE: what the instruction writes.
    pub value: u64,
    /// VMCODE: port, MSR, exception or interrupt number.
    pub code: u64,
    /// VMCOOKIE: cookie of the virtual device.
    pub cookie: u64,
}

/// Why a record is that of no exit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnknownExit {
    /// No cause has this number.
    Cause(u64),
    /// The cause is one of exceptions, but none has the number in VMCODE.
    Exception(ExitCause, u64),
}

impl fmt::Display for UnknownExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnknownExit::Cause(number) => write!(f, "VMCAUSE {number:#x} is no cause of a VM exit"),
            UnknownExit::Exception(cause, number) => {
                write!(f, "VMCODE {number:#x} of a VM exit by {} is no exception", cause.name())
            }
        }
    }
}

impl core::error::Error for UnknownExit {}
