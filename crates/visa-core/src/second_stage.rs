//! The second stage of the walk (specification, 4.1): guest-physical to physical.

use visa_isa::paging::{
    LEVEL_BITS, Mode, PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_PPN, PTE_PPN_SHIFT, PTE_READ,
    PTE_RESERVED, PTE_WRITE, TableBase,
};
use visa_mem::Ram;

use crate::hart::Hart;
use crate::nested_cache::{Leaf, Run};
use crate::tlb::Access;
use crate::translate::{
    Fault, StageResult, entry_index, is_leaf, is_well_formed, leaf_page, needed_bits, write_entry,
};

impl Hart {
    /// Guest-physical to physical; `walk` says that the access is to a page-table entry.
    #[inline(always)]
    pub(crate) fn second_stage(
        &mut self,
        ram: &Ram,
        guest_physical: u64,
        access: Access,
        walk: bool,
    ) -> Result<StageResult, Fault> {
        let hptbr = self.vm.hptbr;
        if let Some((address, leaf)) = self.nested.find(guest_physical, hptbr, access) {
            self.statistics.walk_references += leaf.references as u64;
            return Ok(StageResult { address, page_shift: leaf.page_shift, entry: leaf.entry });
        }
        self.walk_second_stage(ram, guest_physical, access, walk)
    }

    /// The same, of what is not remembered.
    #[cold]
    fn walk_second_stage(
        &mut self,
        ram: &Ram,
        guest_physical: u64,
        access: Access,
        walk: bool,
    ) -> Result<StageResult, Fault> {
        const EVERYTHING: u64 = PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_DIRTY | PTE_ACCESSED;
        if let Some(result) = self.through_range(guest_physical, access) {
            return match result {
                Ok((address, page_shift)) => Ok(StageResult { address, page_shift, entry: EVERYTHING }),
                Err(_) if walk => Err(Fault::Access),
                Err(fault) => Err(fault),
            };
        }
        let base = TableBase::from_hptbr(self.vm.hptbr).ok_or(Fault::Access)?;
        if base.mode == Mode::Bare {
            let page_shift = self.vm.shift_between_ranges(guest_physical);
            if !self.vm.has_ranges {
                let leaf = Leaf { entry: EVERYTHING, page_shift, references: 0 };
                let hptbr = self.vm.hptbr;
                self.nested.remember_run(Run { start: 0, length: u64::MAX, hptbr, addend: 0, leaf });
            }
            return Ok(StageResult { address: guest_physical, page_shift, entry: EVERYTHING });
        }
        let fault = Fault::Nested { guest_physical, walk };
        if guest_physical >> base.mode.address_bits() != 0 {
            return Err(fault);
        }
        let mut table = base.root;
        for level in (0..base.mode.levels()).rev() {
            let slot = table + entry_index(guest_physical, level) * 8;
            let entry = self.read_entry(ram, slot)?;
            if !is_well_formed(entry) {
                return Err(fault);
            }
            if is_leaf(entry) {
                let found =
                    self.second_stage_leaf(ram, guest_physical, access, entry, level, slot).ok_or(fault)?;
                let (hptbr, references) = (self.vm.hptbr, base.mode.levels() - level);
                let leaf = Leaf { entry: found.entry, page_shift: found.page_shift, references };
                if self.nested.remember(guest_physical, hptbr, found.address, leaf) {
                    let (start, length) = self.pages_alike(ram, guest_physical, level, slot, leaf.entry);
                    let addend = found.address.wrapping_sub(guest_physical);
                    self.nested.remember_run(Run { start, length, hptbr, addend, leaf });
                }
                return Ok(found);
            }
            // Reserved in an entry that points to a table, as in the first stage; U is ignored.
            if entry & (PTE_ACCESSED | PTE_DIRTY) != 0 {
                return Err(fault);
            }
            table = (entry & PTE_PPN) >> PTE_PPN_SHIFT << PAGE_SHIFT;
        }
        Err(fault)
    }

    /// First address and length of the guest-physical memory around an address that leaves side by side in one table map
    /// alike: by `entry`, which is that of the address at `slot`, but for the pages' numbers, which follow one another.
    fn pages_alike(&self, ram: &Ram, guest_physical: u64, level: u32, slot: u64, entry: u64) -> (u64, u64) {
        let page_shift = PAGE_SHIFT + LEVEL_BITS * level;
        let page = guest_physical >> page_shift << page_shift;
        let is_alike = |distance: i64| {
            let next = entry.wrapping_add_signed(distance << (PTE_PPN_SHIFT + LEVEL_BITS * level));
            let location = ram.offset_of(slot.wrapping_add_signed(8 * distance), 8);
            let address = page.wrapping_add_signed(distance << page_shift);
            next & PTE_RESERVED == 0
                && location.and_then(|offset| ram.load_u64(offset)) == Some(next)
                && !self.vm.ranges_overlap(address, page_shift)
        };
        let index = entry_index(guest_physical, level) as i64;
        let before = (1..=index).take_while(|&distance| is_alike(-distance)).count() as u64;
        let after = (1..(1 << LEVEL_BITS) - index).take_while(|&distance| is_alike(distance)).count() as u64;
        (page - (before << page_shift), (before + 1 + after) << page_shift)
    }

    /// Checks a leaf of the second stage and sets its A and D.
    fn second_stage_leaf(
        &mut self,
        ram: &Ram,
        guest_physical: u64,
        access: Access,
        entry: u64,
        level: u32,
        slot: u64,
    ) -> Option<StageResult> {
        let needed = match access {
            Access::Load => PTE_READ,
            Access::Store => PTE_WRITE,
            Access::Fetch => PTE_EXECUTE,
        };
        let (page, mut page_shift) = leaf_page(entry, level)?;
        if entry & needed == 0 {
            return None;
        }
        let wanted = entry | needed_bits(access);
        if wanted != entry {
            write_entry(ram, slot, wanted).ok()?;
        }
        let address = page | guest_physical & ((1 << page_shift) - 1);
        if self.vm.ranges_overlap(guest_physical, page_shift) {
            page_shift = PAGE_SHIFT;
        }
        Some(StageResult { address, page_shift, entry: wanted })
    }
}

impl crate::state::VirtualMachine {
    /// The size of the largest page that holds the address and none of a range, as a power of two: what limits the
    /// first stage's pages where the second does not translate.
    pub(crate) fn shift_between_ranges(&self, guest_physical: u64) -> u32 {
        const SIZES: [u32; 3] =
            [PAGE_SHIFT + 3 * LEVEL_BITS, PAGE_SHIFT + 2 * LEVEL_BITS, PAGE_SHIFT + LEVEL_BITS];
        let free = SIZES.into_iter().find(|&page_shift| !self.ranges_overlap(guest_physical, page_shift));
        free.unwrap_or(PAGE_SHIFT)
    }

    /// Whether a range is bound inside the page of 2^`page_shift` bytes that holds the address.
    fn ranges_overlap(&self, guest_physical: u64, page_shift: u32) -> bool {
        let size = 1u64 << page_shift;
        let page = guest_physical & !(size - 1);
        self.has_ranges && self.ranges.iter().any(|range| range.overlaps(page, size))
    }
}
