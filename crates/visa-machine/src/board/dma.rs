//! The second stage that stands between an assigned device and RAM: a walk of the page table that HPTBR names.
//!
//! The format is Sv39 or Sv48 (RISC-V privileged architecture, "Sv39" and "Sv48"), applied to guest-physical
//! addresses: these are not sign-extended, and the U and G bits mean nothing. Accessed and dirty bits are kept as for
//! the processor's own accesses, so that dirty tracking sees what devices write.

use visa_devices::{DmaAccess, DmaTranslation};
use visa_isa::paging::entry::ENTRY_BYTES;
use visa_isa::paging::{Access, Mode, Second, TableBase, walk};
use visa_isa::{GuestPhysical, Physical};
use visa_mem::Ram;

/// A device's view through one second-stage table.
pub struct SecondStage<'m> {
    ram: &'m Ram,
    /// `None` for a register value that names no table; it maps nothing.
    base: Option<TableBase>,
}

impl<'m> SecondStage<'m> {
    /// The stage that `hptbr` names; `None` for mode 0, bare.
    pub fn new(ram: &'m Ram, hptbr: u64) -> Option<Self> {
        let base = TableBase::from_hptbr(hptbr);
        let bare = base.is_some_and(|base| base.mode == Mode::Bare);
        (!bare).then_some(Self { ram, base })
    }
}

/// The view of a device that nobody has given memory.
pub struct Closed;

impl DmaTranslation for Closed {
    fn translate(&self, _: GuestPhysical, _: DmaAccess) -> Option<Physical> {
        None
    }
}

impl DmaTranslation for SecondStage<'_> {
    fn translate(&self, guest_physical: GuestPhysical, access: DmaAccess) -> Option<Physical> {
        let base = self.base?;
        let offset_of = |slot: Physical| self.ram.offset_of(slot.0, ENTRY_BYTES);
        let read = |slot, _| offset_of(slot).and_then(|offset| self.ram.load_u64(offset)).ok_or(());
        let leaf = walk::<Second, _>(base, guest_physical, read).ok()?;
        let access = match access {
            DmaAccess::Read => Access::Load,
            DmaAccess::Write => Access::Store,
        };
        if !leaf.entry.has(access.flag()) {
            return None;
        }
        if !leaf.entry.has(access.marks()) {
            self.ram.store_u64(offset_of(leaf.slot)?, leaf.entry.0 | access.marks())?;
        }
        Some(leaf.translate(guest_physical))
    }
}
