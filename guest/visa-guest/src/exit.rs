//! The record of the last VM exit.

use crate::isa::cause::ExitCause;
use crate::isa::vmcs::qualification as qual;
use crate::registers as msr;

/// Why the guest left, by VMCAUSE the instruction. `None` is a number that this version of the table does not have.
pub fn exit_cause() -> Option<ExitCause> {
    ExitCause::from_number(crate::instructions::vmcause())
}

/// The decoded access of an exit: what VMQUAL holds. A hypervisor needs no instruction bits to handle the exit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exit {
    /// VMQUAL itself.
    pub qualification: u64,
}

impl Exit {
    /// The record of the last exit.
    pub fn read() -> Exit {
        Exit { qualification: msr::vmqual::read() }
    }

    /// Bytes accessed; 0 if the exit is not of an access.
    pub const fn size(self) -> u64 {
        self.qualification & qual::SIZE
    }

    /// The access writes (an atomic both reads and writes).
    pub const fn is_write(self) -> bool {
        self.qualification & qual::WRITE != 0
    }

    /// The access reads, or the instruction has a destination register.
    pub const fn is_read(self) -> bool {
        self.qualification & qual::READ != 0
    }

    /// The result is sign-extended from the size.
    pub const fn is_signed(self) -> bool {
        self.qualification & qual::SIGNED != 0
    }

    /// The access is an instruction fetch.
    pub const fn is_fetch(self) -> bool {
        self.qualification & qual::EXECUTE != 0
    }

    /// The register is a floating-point one.
    pub const fn is_float(self) -> bool {
        self.qualification & qual::FLOAT != 0
    }

    /// The access is one of a walk of the guest's page tables.
    pub const fn is_walk(self) -> bool {
        self.qualification & qual::WALK != 0
    }

    /// The timer or interrupt is Ring -1's own.
    pub const fn is_host(self) -> bool {
        self.qualification & qual::HOST != 0
    }

    /// Number of the destination register.
    pub const fn register(self) -> u8 {
        (self.qualification >> qual::REGISTER_SHIFT & 31) as u8
    }

    /// Length of the instruction in bytes; 0 if no instruction exited.
    pub const fn instruction_length(self) -> u64 {
        self.qualification >> qual::LENGTH_SHIFT & 15
    }

    /// The guest's ring: 0 or 3.
    pub const fn ring(self) -> u8 {
        (self.qualification >> qual::RING_SHIFT & 15) as u8
    }

    /// Byte offset of the VMCS field that an entry failure names.
    pub const fn field(self) -> u16 {
        (self.qualification >> qual::FIELD_SHIFT) as u16
    }
}
