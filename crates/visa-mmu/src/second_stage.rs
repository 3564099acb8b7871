//! The second stage of the walk (specification, 4.1): guest-physical to physical.

use visa_isa::paging::entry::{ENTRY_BYTES, index};
use visa_isa::paging::{
    self, Access, Entry, LEVEL_BITS, Mode, PAGE_SHIFT, PTE_PPN_SHIFT, PTE_RESERVED, Second, TableBase,
};
use visa_isa::{GuestPhysical, Physical};
use visa_mem::Ram;
use visa_state::HartState;

use crate::entry::{StageResult, UNTRANSLATED, peek_entry, read_entry, write_entry};
use crate::fault::TranslationFault;
use crate::mmu::Mmu;
use crate::nested_cache::{NestedLeaf, PageRun};
use crate::ranges::{ranges_overlap, shift_between_ranges, through_range};

impl Mmu {
    /// Guest-physical to physical; `walk` says that the access is to a page-table entry.
    #[inline(always)]
    pub(crate) fn second_stage(
        &mut self,
        state: &mut HartState,
        ram: &Ram,
        guest_physical: GuestPhysical,
        access: Access,
        walk: bool,
    ) -> Result<StageResult<Physical>, TranslationFault> {
        let hptbr = state.vm.hptbr;
        if let Some((address, leaf)) = self.nested.find(guest_physical, hptbr, access) {
            state.statistics.walk_references += leaf.references as u64;
            return Ok(StageResult { address, page_shift: leaf.page_shift, entry: leaf.entry });
        }
        self.walk_second_stage(state, ram, guest_physical, access, walk)
    }

    /// The same, of what is not remembered.
    #[cold]
    fn walk_second_stage(
        &mut self,
        state: &mut HartState,
        ram: &Ram,
        guest_physical: GuestPhysical,
        access: Access,
        walk: bool,
    ) -> Result<StageResult<Physical>, TranslationFault> {
        if let Some(result) = through_range(&state.vm, guest_physical, access) {
            return match result {
                Ok((address, page_shift)) => Ok(StageResult { address, page_shift, entry: UNTRANSLATED }),
                Err(_) if walk => Err(TranslationFault::Access),
                Err(fault) => Err(fault),
            };
        }
        let base = TableBase::from_hptbr(state.vm.hptbr).ok_or(TranslationFault::Access)?;
        if base.mode == Mode::Bare {
            let page_shift = shift_between_ranges(&state.vm, guest_physical);
            if !state.vm.has_ranges {
                let leaf = NestedLeaf { entry: UNTRANSLATED, page_shift, references: 0 };
                let hptbr = state.vm.hptbr;
                self.nested.remember_run(PageRun {
                    start: GuestPhysical(0),
                    length: u64::MAX,
                    hptbr,
                    addend: 0,
                    leaf,
                });
            }
            return Ok(StageResult { address: Physical(guest_physical.0), page_shift, entry: UNTRANSLATED });
        }
        let fault = TranslationFault::Nested { guest_physical, walk };
        let leaf = paging::walk::<Second, _>(base, guest_physical, |slot, _| read_entry(state, ram, slot));
        let leaf = leaf.map_err(|why| why.or(fault))?;
        let found = self.second_stage_leaf(state, ram, guest_physical, access, &leaf).ok_or(fault)?;
        let (hptbr, references) = (state.vm.hptbr, base.mode.levels() - leaf.level);
        let known = NestedLeaf { entry: found.entry, page_shift: found.page_shift, references };
        if self.nested.remember(guest_physical, hptbr, found.address, known) {
            let (start, length) = self.pages_alike(state, ram, guest_physical, &leaf, found.entry);
            let addend = found.address.0.wrapping_sub(guest_physical.0);
            self.nested.remember_run(PageRun { start, length, hptbr, addend, leaf: known });
        }
        Ok(found)
    }

    /// First address and length of the guest-physical memory around an address that leaves side by side in one table map
    /// alike: by `entry`, which is that of the address's leaf as it is now, but for the pages' numbers, which follow one another.
    fn pages_alike(
        &self,
        state: &HartState,
        ram: &Ram,
        guest_physical: GuestPhysical,
        leaf: &paging::Leaf<Second>,
        entry: Entry,
    ) -> (GuestPhysical, u64) {
        let (level, page_shift) = (leaf.level, leaf.page_shift());
        let page = guest_physical.page(page_shift);
        let is_alike = |distance: i64| {
            let next = entry.0.wrapping_add_signed(distance << (PTE_PPN_SHIFT + LEVEL_BITS * level));
            let slot = leaf.slot.plus((ENTRY_BYTES as i64 * distance) as u64);
            next & PTE_RESERVED == 0
                && peek_entry(ram, slot) == Some(next)
                && !ranges_overlap(&state.vm, page.plus((distance << page_shift) as u64), page_shift)
        };
        let place = index(guest_physical.0, level) as i64;
        let before = (1..=place).take_while(|&distance| is_alike(-distance)).count() as u64;
        let after = (1..(1 << LEVEL_BITS) - place).take_while(|&distance| is_alike(distance)).count() as u64;
        (GuestPhysical(page.0 - (before << page_shift)), (before + 1 + after) << page_shift)
    }

    /// Checks a leaf of the second stage and sets its A and D.
    fn second_stage_leaf(
        &self,
        state: &HartState,
        ram: &Ram,
        guest_physical: GuestPhysical,
        access: Access,
        leaf: &paging::Leaf<Second>,
    ) -> Option<StageResult<Physical>> {
        if !leaf.entry.has(access.flag()) {
            return None;
        }
        let wanted = Entry(leaf.entry.0 | access.marks());
        if wanted != leaf.entry {
            write_entry(ram, leaf.slot, wanted).ok()?;
        }
        let split = ranges_overlap(&state.vm, guest_physical, leaf.page_shift());
        let page_shift = if split { PAGE_SHIFT } else { leaf.page_shift() };
        Some(StageResult { address: leaf.translate(guest_physical), page_shift, entry: wanted })
    }
}
