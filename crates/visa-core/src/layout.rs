//! Where generated code finds what it needs of a hart: offsets in bytes from the start of [`Hart`].
//!
//! An engine that generates code keeps the hart's address in a register. Everything else about a hart it leaves to the
//! functions of this crate.

use std::mem::{offset_of, size_of};

use crate::hart::{Bank, Hart};
use crate::state::{Supervisor, VirtualMachine};
use crate::tlb::{Access, FirstLevel, Tlb};

/// R0 to R31 of the bank in use, 8 bytes each.
pub const INTEGER: usize = offset_of!(Hart, bank) + offset_of!(Bank, r);
/// F0 to F31 of the bank in use, 8 bytes each.
pub const FLOAT: usize = offset_of!(Hart, bank) + offset_of!(Bank, f);
/// The PC of the bank in use, 8 bytes.
pub const PC: usize = offset_of!(Hart, bank) + offset_of!(Bank, pc);
/// The FCSR of the bank in use, 4 bytes.
pub const FCSR: usize = offset_of!(Hart, bank) + offset_of!(Bank, fcsr);
/// [`Tlb::generation`], 8 bytes.
pub const GENERATION: usize = offset_of!(Hart, tlb) + offset_of!(Tlb, generation);
/// The guest's sstatus, 8 bytes.
pub const SSTATUS: usize = offset_of!(Hart, supervisor) + offset_of!(Supervisor, sstatus);
/// The ring, 1 byte.
pub const RING: usize = offset_of!(Hart, ring);
/// The guest's scounteren, 8 bytes.
pub const SCOUNTEREN: usize = offset_of!(Hart, supervisor) + offset_of!(Supervisor, scounteren);
/// The trap filter, 8 bytes; those bits are in force, and
pub const TRAP_FILTER: usize = offset_of!(Hart, vm) + offset_of!(VirtualMachine, trap_filter);
/// those that are for want of a feature, 8 bytes.
pub const FORCED_FILTER: usize = offset_of!(Hart, forced_filter);
/// Whether a cycle model counts ([`Hart::cycle_is_modelled`]), 1 byte.
pub const CYCLE_IS_MODELLED: usize = offset_of!(Hart, cycle_is_modelled);
/// The physical address of the MSR map, 8 bytes, or 0.
pub const MSR_MAP: usize = offset_of!(Hart, vm) + offset_of!(VirtualMachine, msr_map);

/// The field, 8 bytes, that a read of an MSR gives, if it gives a field and no more.
pub use crate::register::place as msr;

/// Whether the engine must look around before the next instruction, 1 byte.
pub const ATTENTION: usize = offset_of!(Hart, attention);

/// What LR reserved, 8 bytes: offset of RAM and size, or 0 ([`crate::Reservation`]).
pub const RESERVATION: usize = offset_of!(Hart, reservation);

/// A field of a guess ([`crate::guess::Guess`]): `field` is its offset there.
pub const fn guess(number: usize, field: usize) -> usize {
    offset_of!(Hart, guesses) + number * size_of::<crate::guess::Guess>() + field
}

/// The context of a kind of access ([`Tlb::set_context`]), 8 bytes: what is in the low bits of the tags that match.
pub const fn context(access: Access) -> usize {
    offset_of!(Hart, tlb) + offset_of!(Tlb, contexts) + access as usize * size_of::<u64>()
}

/// The tags of the TLB's first level for a kind of access, 8 bytes each, by the low bits of the page's number.
pub const fn tags(access: Access) -> usize {
    first_level(access) + offset_of!(FirstLevel, tags)
}

/// What it adds to virtual addresses, likewise: the sum is an offset of RAM plus [`Tlb::bias`].
pub const fn addends(access: Access) -> usize {
    first_level(access) + offset_of!(FirstLevel, addends)
}

const fn first_level(access: Access) -> usize {
    offset_of!(Hart, tlb) + offset_of!(Tlb, first) + access as usize * size_of::<FirstLevel>()
}
