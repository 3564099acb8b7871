//! What a fetch would find, without any effect: nothing is set, counted or remembered. For observers.

use visa_isa::io::RangeKind;
use visa_isa::paging::{
    Mode, PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_PPN, PTE_PPN_SHIFT, PTE_READ, PTE_WRITE,
    TableBase,
};
use visa_mem::Ram;

use crate::hart::Hart;
use crate::tlb::{Access, Permissions};
use crate::translate::{
    entry_index, first_stage_permissions, is_leaf, is_pointer, is_well_formed, leaf_page,
};

impl Hart {
    /// The offset of RAM that the instruction at a virtual address of the ring in use would be fetched from; `None` if the
    /// fetch would stop, or go to a device.
    pub fn foresee_fetch(&self, ram: &Ram, address: u64) -> Option<u64> {
        let known = self.tlb.lookup(Access::Fetch, address, 2);
        known.or_else(|| ram.offset_of(self.foresee_physical(ram, address)?, 1))
    }

    fn foresee_physical(&self, ram: &Ram, address: u64) -> Option<u64> {
        if !self.translates {
            return if self.in_guest() {
                self.foresee_range(address).unwrap_or(Some(address))
            } else {
                Some(address)
            };
        }
        let known = self.tlb.peek_here(address).filter(|found| self.allows(found.permissions, Access::Fetch));
        match known {
            Some(found) => Some(found.address(address)),
            None => self.foresee_walk(ram, address),
        }
    }

    /// Where an IOVMAP range leads; `None` if none holds the address.
    fn foresee_range(&self, guest_physical: u64) -> Option<Option<u64>> {
        let range = self.vm.range_of(guest_physical)?;
        let passes = range.kind == RangeKind::Passthrough as u64;
        Some(passes.then(|| range.target.wrapping_add(guest_physical - range.guest_address)))
    }

    fn foresee_walk(&self, ram: &Ram, address: u64) -> Option<u64> {
        let base = TableBase::from_cr3(self.supervisor.satp)?;
        if base.mode == Mode::Bare {
            return self.foresee_second_stage(ram, address, Access::Fetch);
        }
        let unused = 64 - base.mode.address_bits();
        if ((address << unused) as i64 >> unused) as u64 != address {
            return None;
        }
        let mut table = base.root;
        for level in (0..base.mode.levels()).rev() {
            let slot = table + entry_index(address, level) * 8;
            let entry = read_entry(ram, self.foresee_second_stage(ram, slot, Access::Load)?)?;
            if !is_pointer(entry) {
                return self.foresee_leaf(ram, address, (slot, entry, level));
            }
            table = next_table(entry);
        }
        None
    }

    /// From a leaf of the first stage on, which is at a guest-physical address.
    fn foresee_leaf(&self, ram: &Ram, address: u64, (slot, entry, level): (u64, u64, u32)) -> Option<u64> {
        let permissions = Permissions(first_stage_permissions(entry) | Permissions::ALL_NESTED);
        if !is_well_formed(entry) || !is_leaf(entry) || !self.allows(permissions, Access::Fetch) {
            return None;
        }
        let (page, page_shift) = leaf_page(entry, level)?;
        if entry & PTE_ACCESSED == 0 {
            self.foresee_second_stage(ram, slot, Access::Store)?;
        }
        self.foresee_second_stage(ram, page | address & ((1 << page_shift) - 1), Access::Fetch)
    }

    /// Where an access to a guest-physical address would go by the second stage.
    fn foresee_second_stage(&self, ram: &Ram, guest_physical: u64, access: Access) -> Option<u64> {
        if let Some(found) = self.foresee_range(guest_physical) {
            return found;
        }
        let base = TableBase::from_hptbr(self.vm.hptbr)?;
        if base.mode == Mode::Bare {
            return Some(guest_physical);
        }
        if guest_physical >> base.mode.address_bits() != 0 {
            return None;
        }
        let needed = match access {
            Access::Load => PTE_READ,
            Access::Store => PTE_WRITE,
            Access::Fetch => PTE_EXECUTE,
        };
        let mut table = base.root;
        for level in (0..base.mode.levels()).rev() {
            let entry = read_entry(ram, table + entry_index(guest_physical, level) * 8)?;
            if !is_well_formed(entry) {
                return None;
            }
            if is_leaf(entry) {
                let (page, page_shift) = leaf_page(entry, level)?;
                return (entry & needed != 0).then_some(page | guest_physical & ((1 << page_shift) - 1));
            }
            if entry & (PTE_ACCESSED | PTE_DIRTY) != 0 {
                return None;
            }
            table = next_table(entry);
        }
        None
    }
}

fn read_entry(ram: &Ram, address: u64) -> Option<u64> {
    ram.offset_of(address, 8).and_then(|offset| ram.load_u64(offset))
}

fn next_table(entry: u64) -> u64 {
    (entry & PTE_PPN) >> PTE_PPN_SHIFT << PAGE_SHIFT
}
