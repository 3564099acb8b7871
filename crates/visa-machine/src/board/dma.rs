//! What stands between devices and RAM: who asks is in a domain, and the domain is that of nobody, all of physical memory, or the
//! second-stage page table that HPTBR names.
//!
//! The format is Sv39 or Sv48 (RISC-V privileged architecture, "Sv39" and "Sv48"), applied to guest-physical
//! addresses: these are not sign-extended, and the U and G bits mean nothing. Accessed and dirty bits are kept as for
//! the processor's own accesses, so that dirty tracking sees what devices write.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use visa_devices::{DmaAccess, DmaExtent, DmaTranslation, Requester};
use visa_isa::paging::entry::ENTRY_BYTES;
use visa_isa::paging::{Access, Mode, Second, TableBase, walk};
use visa_isa::{GuestPhysical, Physical};
use visa_mem::Ram;

/// The domains that requesters are in, as values of HPTBR. Who is in none belongs to no VM, and reaches nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Domains(BTreeMap<Requester, u64>);

impl Domains {
    /// Puts a requester into a domain; `None`: takes it out of the one that it is in.
    pub fn assign(&mut self, requester: Requester, hptbr: Option<u64>) {
        match hptbr {
            Some(hptbr) => self.0.insert(requester, hptbr),
            None => self.0.remove(&requester),
        };
    }
}

/// The domains over some RAM.
pub struct DomainsOver<'m> {
    pub domains: &'m Domains,
    pub ram: &'m Ram,
}

impl DmaTranslation for DomainsOver<'_> {
    fn translate(
        &self,
        requester: Requester,
        address: GuestPhysical,
        access: DmaAccess,
    ) -> Option<DmaExtent> {
        let hptbr = *self.domains.0.get(&requester)?;
        // A value that names no table maps nothing.
        let base = TableBase::from_hptbr(hptbr)?;
        if base.mode == Mode::Bare {
            return Some(DmaExtent { physical: Physical(address.0), bytes: u64::MAX });
        }
        second_stage(self.ram, base, address, access).map(DmaExtent::in_page)
    }
}

/// Where a table leads.
fn second_stage(
    ram: &Ram,
    base: TableBase,
    guest_physical: GuestPhysical,
    access: DmaAccess,
) -> Option<Physical> {
    let offset_of = |slot: Physical| ram.offset_of(slot.0, ENTRY_BYTES);
    let read = |slot, _| offset_of(slot).and_then(|offset| ram.load_u64(offset)).ok_or(());
    let leaf = walk::<Second, _>(base, guest_physical, read).ok()?;
    let access = match access {
        DmaAccess::Read => Access::Load,
        DmaAccess::Write => Access::Store,
    };
    if !leaf.entry.has(access.flag()) {
        return None;
    }
    if !leaf.entry.has(access.marks()) {
        ram.store_u64(offset_of(leaf.slot)?, leaf.entry.0 | access.marks())?;
    }
    Some(leaf.translate(guest_physical))
}
