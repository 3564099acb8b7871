//! VMQUAL: what an exit says of its access and its instruction (specification, 2.4).

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

use crate::Ring;

/// Bytes accessed, bits 7:0; 0 if the exit is not of an access.
pub const SIZE: u64 = 0xff;
/// The access writes. An atomic both reads and writes: see [`READ`].
pub const WRITE: u64 = 1 << 8;
/// The result is sign-extended from the size.
pub const SIGNED: u64 = 1 << 9;
/// The access is an instruction fetch.
pub const EXECUTE: u64 = 1 << 10;
/// The register is a floating-point one.
pub const FLOAT: u64 = 1 << 11;
/// The access is one of a walk of the guest's page tables.
pub const WALK: u64 = 1 << 12;
/// The access reads, or the instruction has a destination register.
pub const READ: u64 = 1 << 13;
/// The timer or interrupt is Ring -1's own, not the guest's.
pub const HOST: u64 = 1 << 14;
/// First bit of the destination register's number (bits 20:16).
pub const REGISTER_SHIFT: u32 = 16;
/// First bit of the instruction's length in bytes (bits 27:24); 0 if no instruction exited.
pub const LENGTH_SHIFT: u32 = 24;
/// First bit of the guest's ring (bits 31:28): 0 or 3.
pub const RING_SHIFT: u32 = 28;
/// First bit of the VMCS offset that an entry failure names (bits 63:48).
pub const FIELD_SHIFT: u32 = 48;

/// A value of VMQUAL. Where an exit does not define a part of it, the part is zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(transparent)]
pub struct Qualification(u64);

/// The flags, and values with one of the fields; `|` puts them together.
impl Qualification {
    /// The access reads, or the instruction has a destination register.
    pub const READ: Qualification = Qualification(READ);
    /// The access writes.
    pub const WRITE: Qualification = Qualification(WRITE);
    /// The result is sign-extended from the size.
    pub const SIGNED: Qualification = Qualification(SIGNED);
    /// The access is an instruction fetch.
    pub const FETCH: Qualification = Qualification(EXECUTE);
    /// The register is a floating-point one.
    pub const FLOAT: Qualification = Qualification(FLOAT);
    /// The access is one of a walk of the guest's page tables.
    pub const WALK: Qualification = Qualification(WALK);
    /// The timer or interrupt is Ring -1's own.
    pub const OF_HYPERVISOR: Qualification = Qualification(HOST);

    /// An access of so many bytes.
    pub const fn of_bytes(bytes: u64) -> Qualification {
        Qualification(bytes & SIZE)
    }

    /// A destination register, by its number.
    pub const fn of_register(number: u8) -> Qualification {
        Qualification((number as u64 & 31) << REGISTER_SHIFT)
    }

    /// An instruction of so many bytes.
    pub const fn of_length(bytes: u64) -> Qualification {
        Qualification((bytes & 15) << LENGTH_SHIFT)
    }

    /// The ring that the guest left.
    pub const fn of_ring(ring: Ring) -> Qualification {
        Qualification((ring as u64 & 15) << RING_SHIFT)
    }

    /// A field of the VMCS, by its byte offset.
    pub const fn of_field(offset: u16) -> Qualification {
        Qualification((offset as u64) << FIELD_SHIFT)
    }
}

/// What it says.
impl Qualification {
    /// Bytes accessed; 0 if the exit is not of an access.
    #[inline]
    pub const fn bytes(self) -> u64 {
        self.0 & SIZE
    }

    /// The access writes (an atomic both reads and writes).
    #[inline]
    pub const fn writes(self) -> bool {
        self.0 & WRITE != 0
    }

    /// The access reads, or the instruction has a destination register.
    #[inline]
    pub const fn reads(self) -> bool {
        self.0 & READ != 0
    }

    /// The result is sign-extended from the size.
    #[inline]
    pub const fn is_signed(self) -> bool {
        self.0 & SIGNED != 0
    }

    /// The access is an instruction fetch.
    #[inline]
    pub const fn is_fetch(self) -> bool {
        self.0 & EXECUTE != 0
    }

    /// The register is a floating-point one.
    #[inline]
    pub const fn is_float(self) -> bool {
        self.0 & FLOAT != 0
    }

    /// The access is one of a walk of the guest's page tables.
    #[inline]
    pub const fn is_walk(self) -> bool {
        self.0 & WALK != 0
    }

    /// The timer or interrupt is Ring -1's own.
    #[inline]
    pub const fn is_of_hypervisor(self) -> bool {
        self.0 & HOST != 0
    }

    /// Number of the destination register.
    #[inline]
    pub const fn register(self) -> u8 {
        (self.0 >> REGISTER_SHIFT & 31) as u8
    }

    /// Length of the instruction in bytes; 0 if no instruction exited.
    #[inline]
    pub const fn length(self) -> u64 {
        self.0 >> LENGTH_SHIFT & 15
    }

    /// The ring that the guest left: Ring 0 or Ring 3.
    #[inline]
    pub const fn ring(self) -> Ring {
        if self.0 >> RING_SHIFT & 15 == Ring::User as u64 { Ring::User } else { Ring::Kernel }
    }

    /// Byte offset of the VMCS field that an entry failure names.
    #[inline]
    pub const fn field(self) -> u16 {
        (self.0 >> FIELD_SHIFT) as u16
    }

    /// What the resume action *complete* writes to an integer register (specification, 2.5): the result, cut to the
    /// size and extended.
    pub const fn completed(self, result: u64) -> u64 {
        match (self.bytes(), self.is_signed()) {
            (1, false) => result as u8 as u64,
            (1, true) => result as i8 as u64,
            (2, false) => result as u16 as u64,
            (2, true) => result as i16 as u64,
            (4, false) => result as u32 as u64,
            (4, true) => result as i32 as u64,
            _ => result,
        }
    }
}

/// As the register holds it.
impl Qualification {
    /// Of the register's value.
    #[inline]
    pub const fn from_bits(bits: u64) -> Qualification {
        Qualification(bits)
    }

    /// The register's value.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl From<u64> for Qualification {
    #[inline]
    fn from(bits: u64) -> Qualification {
        Qualification(bits)
    }
}

impl From<Qualification> for u64 {
    #[inline]
    fn from(qualification: Qualification) -> u64 {
        qualification.0
    }
}

impl BitOr for Qualification {
    type Output = Qualification;

    fn bitor(self, other: Qualification) -> Qualification {
        Qualification(self.0 | other.0)
    }
}

impl BitOrAssign for Qualification {
    fn bitor_assign(&mut self, other: Qualification) {
        self.0 |= other.0;
    }
}

impl fmt::LowerHex for Qualification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.0, f)
    }
}

/// A flag or field of VMQUAL, for documents and headers.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its lowest bit.
    pub low: u32,
    /// Number of bits.
    pub width: u32,
    /// What it says.
    pub summary: &'static str,
}

const fn field(name: &'static str, low: u32, width: u32, summary: &'static str) -> Field {
    Field { name, low, width, summary }
}

const fn flag(name: &'static str, mask: u64, summary: &'static str) -> Field {
    field(name, mask.trailing_zeros(), 1, summary)
}

/// Every flag and field, from bit 0 up.
pub const FIELDS: &[Field] = &[
    field("SIZE", 0, SIZE.count_ones(), "bytes accessed; 0 if the exit is not of an access"),
    flag("WRITE", WRITE, "the access writes; an atomic both reads and writes"),
    flag("SIGNED", SIGNED, "the result is sign-extended from the size"),
    flag("EXECUTE", EXECUTE, "the access is an instruction fetch"),
    flag("FLOAT", FLOAT, "the register is a floating-point one"),
    flag("WALK", WALK, "the access is one of a walk of the guest's page tables"),
    flag("READ", READ, "the access reads, or the instruction has a destination register"),
    flag("HOST", HOST, "the timer or interrupt is Ring -1's own, not the guest's"),
    field("REGISTER", REGISTER_SHIFT, 5, "number of the destination register"),
    field("LENGTH", LENGTH_SHIFT, 4, "the instruction's length in bytes; 0 if no instruction exited"),
    field("RING", RING_SHIFT, 4, "the guest's ring: 0 or 3"),
    field("FIELD", FIELD_SHIFT, 16, "byte offset of the VMCS field that an entry failure names"),
];
