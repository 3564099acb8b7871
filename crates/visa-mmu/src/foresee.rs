//! What a fetch would find, without any effect: nothing is set, counted or remembered. For observers.

use visa_isa::paging::{Access, First, PTE_ACCESSED, TableBase, walk};
use visa_isa::{GuestPhysical, GuestVirtual, Physical};
use visa_mem::Ram;
use visa_state::HartState;

use crate::context::{accessor, allows};
use crate::entry::peek_entry;
use crate::inspect::locate_for;
use crate::mmu::Mmu;

impl Mmu {
    /// The offset of RAM that the instruction at a virtual address of the ring in use would be fetched from; `None` if the
    /// fetch would stop, or go to a device.
    pub fn foresee_fetch(&self, state: &HartState, ram: &Ram, address: u64) -> Option<u64> {
        let known = self.tlb.lookup(Access::Fetch, address, 2);
        known.or_else(|| ram.offset_of(self.foresee_physical(state, ram, address)?.0, 1))
    }

    fn foresee_physical(&self, state: &HartState, ram: &Ram, address: u64) -> Option<Physical> {
        if !self.translates {
            return match state.in_guest() {
                true => locate_for(state, ram, GuestPhysical(address), Some(Access::Fetch)).ok(),
                false => Some(Physical(address)),
            };
        }
        let known =
            self.tlb.peek_here(address).filter(|found| allows(state, found.permissions, Access::Fetch));
        match known {
            Some(found) => Some(found.address(address)),
            None => self.foresee_walk(state, ram, GuestVirtual(address)),
        }
    }

    fn foresee_walk(&self, state: &HartState, ram: &Ram, address: GuestVirtual) -> Option<Physical> {
        let nested = |guest_physical, access| locate_for(state, ram, guest_physical, Some(access)).ok();
        let base = TableBase::from_cr3(state.supervisor.satp)?;
        let Some(by) = accessor(state) else {
            return nested(GuestPhysical(address.0), Access::Fetch);
        };
        let read = |slot, _| nested(slot, Access::Load).and_then(|slot| peek_entry(ram, slot)).ok_or(());
        let leaf = walk::<First, _>(base, address, read).ok()?;
        if !by.may(Access::Fetch, leaf.entry.0) {
            return None;
        }
        if !leaf.entry.has(PTE_ACCESSED) {
            nested(leaf.slot, Access::Store)?;
        }
        nested(leaf.translate(address), Access::Fetch)
    }
}
