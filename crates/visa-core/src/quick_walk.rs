//! Translation where it takes little, as most do that the TLB's first level does not know: what generated code waits for.
//!
//! It finds what [`Hart::translate`] finds, and counts as that does.

use visa_isa::paging::{PAGE_SHIFT, PAGE_SIZE, PTE_ACCESSED, PTE_GLOBAL, PTE_PPN, PTE_PPN_SHIFT};
use visa_mem::Ram;

use crate::hart::Hart;
use crate::tlb::{Access, Permissions, Translation};
use crate::translate::{both_permissions, entry_index, first_stage_permissions, is_well_formed};
use crate::walk_cache::Table;

impl Hart {
    /// [`Hart::translate`] where it takes little: the second level or one entry of the tables tells, and no bit need be set.
    /// `None`: that must do it, and nothing has been done yet.
    #[inline(always)]
    pub(crate) fn translate_quickly(
        &mut self,
        ram: &Ram,
        address: u64,
        access: Access,
    ) -> Option<(u64, u32)> {
        if !self.translates {
            return None;
        }
        match self.tlb.find_here(address) {
            Some(found) if self.surely_allows(found.permissions, access) => {
                Some((found.address(address), found.page_shift))
            }
            Some(_) => None,
            None => {
                let translation = self.walk_lowest(ram, address, access)?;
                self.count_miss();
                self.tlb.insert_found(&translation, true);
                Some((translation.address(address), PAGE_SHIFT))
            }
        }
    }

    /// Whether the ring in use may make the access, and no bit must be set: most that may are found so. What is not,
    /// [`Hart::allows`] decides.
    #[inline(always)]
    fn surely_allows(&self, permissions: Permissions, access: Access) -> bool {
        let sure = self.sure(access);
        permissions.0 & sure.among == sure.all
    }

    #[inline(always)]
    fn sure(&self, access: Access) -> Sure {
        SURE[self.tlb.class() as usize & 3][access as usize]
    }

    /// Walks both stages where the last entry of the first is all that must be read, and no bit need be set. `None`: it takes
    /// a whole walk.
    #[inline(always)]
    pub(crate) fn walk_lowest(&mut self, ram: &Ram, address: u64, access: Access) -> Option<Translation> {
        let table = self.walk_cache.find(address, self.supervisor.satp, self.vm.hptbr)?;
        let entry = ram.load_u64(table.offset + entry_index(address, 0) * 8)?;
        let (first, sure) = (first_stage_permissions(entry), self.sure(access));
        const FIRST: u16 = !Permissions::ALL_NESTED;
        if !is_well_formed(entry) || entry & PTE_ACCESSED == 0 || first & sure.among != sure.all & FIRST {
            return None;
        }
        let guest_physical = (entry & PTE_PPN) >> PTE_PPN_SHIFT << PAGE_SHIFT;
        let (physical, leaf) = self.nested.find(guest_physical, self.vm.hptbr, access)?;
        self.statistics.walk_references += table.references + 1 + leaf.references as u64;
        Some(Translation {
            virtual_page: address & !(PAGE_SIZE - 1),
            physical_page: physical,
            guest_physical_page: guest_physical,
            page_shift: PAGE_SHIFT,
            first_stage_shift: PAGE_SHIFT,
            permissions: both_permissions(first, leaf.entry),
            global: entry & PTE_GLOBAL != 0,
            asid: self.asid(),
            vmid: self.vm.vmid(),
        })
    }

    /// Remembers the table of the lowest level that has an address's entry at a physical one.
    pub(crate) fn remember_lowest(&mut self, ram: &Ram, address: u64, location: u64, references: u64) {
        if let Some(offset) = ram.offset_of(location & !(PAGE_SIZE - 1), PAGE_SIZE) {
            let (cr3, hptbr) = (self.supervisor.satp, self.vm.hptbr);
            self.walk_cache.remember(address, cr3, hptbr, Table { offset, references });
        }
    }
}

/// What suffices for an access: of the permissions `among`, `all` and no others.
#[derive(Clone, Copy)]
struct Sure {
    among: u16,
    all: u16,
}

/// It, by what the context has of ring and SUM ([`Hart::translation_classes`]) and by access.
const SURE: [[Sure; 3]; 4] = {
    use Permissions as P;
    const LOAD: u16 = P::READ | P::NESTED_READ;
    const STORE: u16 = P::READ | P::WRITE | P::DIRTY | P::NESTED_WRITE;
    const FETCH: u16 = P::EXECUTE | P::NESTED_EXECUTE;
    const fn any(all: u16) -> Sure {
        Sure { among: all, all }
    }
    const fn users(all: u16) -> Sure {
        any(all | P::USER)
    }
    const fn kernels(all: u16) -> Sure {
        Sure { among: all | P::USER, all }
    }
    const NEVER: Sure = Sure { among: 0, all: 1 };
    [
        [NEVER; 3],
        [users(LOAD), users(STORE), users(FETCH)],
        [kernels(LOAD), kernels(STORE), kernels(FETCH)],
        [any(LOAD), any(STORE), kernels(FETCH)],
    ]
};
