//! Where generated code finds what it needs of a hart: offsets in bytes from the start of [`Hart`].
//!
//! An engine that generates code keeps the hart's address in a register. Everything else about a hart it leaves to the
//! functions of this crate.

use std::mem::offset_of;

use visa_isa::paging::Access;
use visa_mmu::layout;

use crate::hart::Hart;

/// R0 to R31 of the bank in use, 8 bytes each.
pub const INTEGER: usize = offset_of!(Hart, state.bank.r);
/// F0 to F31 of the bank in use, 8 bytes each.
pub const FLOAT: usize = offset_of!(Hart, state.bank.f);
/// The PC of the bank in use, 8 bytes.
pub const PC: usize = offset_of!(Hart, state.bank.pc);
/// The FCSR of the bank in use, 4 bytes.
pub const FCSR: usize = offset_of!(Hart, state.bank.fcsr);
/// [`visa_mmu::tlb::Tlb::generation`], 8 bytes.
pub const GENERATION: usize = offset_of!(Hart, mmu) + layout::GENERATION;
/// The guest's sstatus, 8 bytes.
pub const SSTATUS: usize = offset_of!(Hart, state.supervisor.sstatus);
/// The ring, 1 byte.
pub const RING: usize = offset_of!(Hart, state.ring);
/// The guest's scounteren, 8 bytes.
pub const SCOUNTEREN: usize = offset_of!(Hart, state.supervisor.scounteren);
/// The trap filter, 8 bytes; those bits are in force, and
pub const TRAP_FILTER: usize = offset_of!(Hart, state.vm.trap_filter);
/// those that are for want of a feature, 8 bytes.
pub const FORCED_FILTER: usize = offset_of!(Hart, forced_filter);
/// Whether a cycle model counts ([`visa_state::HartState::cycle_is_modelled`]), 1 byte.
pub const CYCLE_IS_MODELLED: usize = offset_of!(Hart, state.cycle_is_modelled);
/// The physical address of the MSR map, 8 bytes, or 0.
pub const MSR_MAP: usize = offset_of!(Hart, state.vm.msr_map);

/// The field, 8 bytes, that a read of an MSR gives, if it gives a field and no more.
pub use crate::register::place as msr;

/// Whether the engine must look around before the next instruction, 1 byte.
pub const PENDING_WORK: usize = offset_of!(Hart, pending_work);

/// What LR reserved, 8 bytes: offset of RAM and size, or 0 ([`visa_state::Reservation`]).
pub const RESERVATION: usize = offset_of!(Hart, state.reservation);

/// [`Hart::engine_memory`].
pub const ENGINE_MEMORY: usize = offset_of!(Hart, engine_memory);

/// The context of a kind of access ([`visa_mmu::tlb::Tlb::set_context`]), 8 bytes: what is in the low bits of the tags that match.
pub const fn context(access: Access) -> usize {
    offset_of!(Hart, mmu) + layout::context(access)
}

/// The tags of the TLB's first level for a kind of access, 8 bytes each, by the low bits of the page's number.
pub const fn tags(access: Access) -> usize {
    offset_of!(Hart, mmu) + layout::tags(access)
}

/// What it adds to virtual addresses, likewise: the sum is an offset of RAM plus [`visa_mmu::tlb::Tlb::bias`].
pub const fn addends(access: Access) -> usize {
    offset_of!(Hart, mmu) + layout::addends(access)
}
