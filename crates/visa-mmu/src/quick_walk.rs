//! Translation where it takes little, as most do that the TLB's first level does not know: what generated code waits for.
//!
//! It finds what [`Mmu::translate`] finds, and counts as that does.

use visa_isa::paging::entry::{ENTRY_BYTES, index};
use visa_isa::paging::{Access, Accessor, Entry, PAGE_SHIFT, PAGE_SIZE, PTE_ACCESSED, PTE_GLOBAL};
use visa_isa::{GuestPhysical, GuestVirtual, Physical};
use visa_mem::Ram;
use visa_state::HartState;

use crate::context::{asid, permits};
use crate::entry::count_miss;
use crate::mmu::Mmu;
use crate::tlb::{Permissions, Translation};
use crate::walk_cache::LowestTable;

impl Mmu {
    /// [`Mmu::translate`] where it takes little: the second level or one entry of the tables tells, and no bit need be set.
    /// `None`: that must do it, and nothing has been done yet.
    #[inline(always)]
    pub fn translate_quickly(
        &mut self,
        state: &mut HartState,
        ram: &Ram,
        address: u64,
        access: Access,
    ) -> Option<(Physical, u32)> {
        if !self.translates {
            return None;
        }
        match self.tlb.find_here(address) {
            Some(found) if self.surely_allows(found.permissions, access) => {
                Some((found.address(address), found.page_shift))
            }
            Some(_) => None,
            None => {
                let translation = self.walk_lowest(state, ram, address, access)?;
                count_miss(state);
                self.tlb.insert_found(&translation, true);
                Some((translation.address(address), PAGE_SHIFT))
            }
        }
    }

    /// Whether the ring in use may make the access, and no bit must be set: most that may are found so. What is not,
    /// [`crate::context::allows`] decides.
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
    pub(crate) fn walk_lowest(
        &mut self,
        state: &mut HartState,
        ram: &Ram,
        address: u64,
        access: Access,
    ) -> Option<Translation> {
        let table = self.walk_cache.find(address, state.supervisor.satp, state.vm.hptbr)?;
        let entry = Entry(ram.load_u64(table.offset + index(address, 0) * ENTRY_BYTES)?);
        let (first, sure) = (Permissions::of_first_stage(entry), self.sure(access));
        const FIRST: u16 = !Permissions::ALL_NESTED;
        if !entry.is_well_formed() || !entry.has(PTE_ACCESSED) || first.0 & sure.among != sure.all & FIRST {
            return None;
        }
        let guest_physical = GuestPhysical(entry.target());
        let (physical, leaf) = self.nested.find(guest_physical, state.vm.hptbr, access)?;
        state.statistics.walk_references += table.references + 1 + leaf.references as u64;
        Some(Translation {
            virtual_page: GuestVirtual(address).page(PAGE_SHIFT),
            physical_page: physical,
            guest_physical_page: guest_physical,
            page_shift: PAGE_SHIFT,
            first_stage_shift: PAGE_SHIFT,
            permissions: first.with_second_stage(leaf.entry),
            global: entry.has(PTE_GLOBAL),
            asid: asid(state),
            vmid: state.vm.vmid(),
        })
    }

    /// Remembers the table of the lowest level that has an address's entry at a physical one.
    pub(crate) fn remember_lowest(
        &mut self,
        state: &mut HartState,
        ram: &Ram,
        address: GuestVirtual,
        location: Physical,
        references: u64,
    ) {
        if let Some(offset) = ram.offset_of(location.page(PAGE_SHIFT).0, PAGE_SIZE) {
            let (cr3, hptbr) = (state.supervisor.satp, state.vm.hptbr);
            self.walk_cache.remember(address.0, cr3, hptbr, LowestTable { offset, references });
        }
    }
}

/// What suffices for an access: of the permissions `among`, `all` and no others.
#[derive(Clone, Copy)]
struct Sure {
    among: u16,
    all: u16,
}

/// It, by what the context has of ring and SUM ([`crate::context::classes`]) and by access.
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

/// What suffices is enough by the rules, whatever else is permitted, and leaves no bit to be set.
const _: () = {
    const KINDS: usize = Access::ALL.len();
    let mut case = 0;
    while case < (SURE.len() * KINDS) << (PERMISSION_BITS + 1) {
        let permissions = Permissions((case & ((1 << PERMISSION_BITS) - 1)) as u16);
        let rest = case >> PERMISSION_BITS;
        let (mxr, access, class) = (rest & 1 != 0, Access::ALL[(rest >> 1) % KINDS], (rest >> 1) / KINDS);
        let sure = SURE[class][access as usize];
        if permissions.0 & sure.among == sure.all {
            let by = Accessor { kernel: class != 1, sum: class == 3, mxr };
            let is_dirty = !matches!(access, Access::Store) || permissions.has(Permissions::DIRTY);
            assert!(permits(Some(by), permissions, access) && is_dirty);
        }
        case += 1;
    }
};

/// How many bits there are in [`Permissions`].
const PERMISSION_BITS: u32 = u16::BITS - Permissions::NESTED_EXECUTE.leading_zeros();
