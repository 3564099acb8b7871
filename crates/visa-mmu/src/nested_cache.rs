//! What walks remember of the second stage: guest-physical to physical, so that reading an entry of the first stage's
//! tables does not walk the second stage each time (specification, 4.2).
//!
//! It is dropped by TLBFLUSHV, by the guest's SFENCE.VMA without an address, and by changes of the IOVMAP ranges; entries carry
//! the HPTBR that they were walked from. The references that a walk would have made are counted all the same, since reports
//! count walks without caches.
//!
//! A hypervisor that gives its guest memory in one piece maps it by many large pages with one distance between the two
//! addresses. Such pages, as far as their leaves are in one table, are a run, where the physical address is a sum: with a
//! lookup it would be one more load that the next one must wait for, four times in a walk.

use serde::{Deserialize, Serialize};
use visa_isa::paging::{Access, Entry, LEVEL_BITS, PAGE_SHIFT};
use visa_isa::{GuestPhysical, Physical};

/// Entries for pages of 4 KiB, and as many for larger ones.
const ENTRIES: usize = 256;
/// Large pages are remembered in parts of 2 MiB.
const LARGE_SHIFT: u32 = 21;
/// After so many lookups of large pages outside of the run, another one is begun.
const PATIENCE: u32 = 256;

/// What is remembered of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NestedLeaf {
    /// The leaf.
    pub entry: Entry,
    /// The size of the page, as a power of two.
    pub page_shift: u32,
    /// Entries that the walk read.
    pub references: u32,
}

impl NestedLeaf {
    /// Whether there are such pages, and such walks.
    fn is_well_formed(&self) -> bool {
        let levels =
            self.page_shift.checked_sub(PAGE_SHIFT).map(|above| (above / LEVEL_BITS, above % LEVEL_BITS));
        matches!(levels, Some((0..=3, 0))) && self.references <= 4
    }

    /// Whether it permits an access, and has its marks.
    #[inline(always)]
    fn allows(&self, access: Access) -> bool {
        self.entry.has(access.flag() | access.marks())
    }
}

/// A remembered translation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Remembered {
    /// Its first address.
    page: GuestPhysical,
    /// HPTBR.
    hptbr: u64,
    /// What [`NestedCache::generation`] was then.
    generation: u64,
    /// Added to guest-physical addresses, makes physical ones.
    addend: u64,
    leaf: NestedLeaf,
}

const NOTHING: Remembered = Remembered {
    page: GuestPhysical(0),
    hptbr: 0,
    generation: 0,
    addend: 0,
    leaf: NestedLeaf { entry: Entry(0), page_shift: PAGE_SHIFT, references: 0 },
};

/// Large pages side by side that one addend serves, with the same bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PageRun {
    /// First address.
    pub start: GuestPhysical,
    /// Bytes; 0: there is no run.
    pub length: u64,
    /// HPTBR.
    pub hptbr: u64,
    /// Added to guest-physical addresses, makes physical ones.
    pub addend: u64,
    /// What is remembered of each page.
    pub leaf: NestedLeaf,
}

impl PageRun {
    const NONE: PageRun =
        PageRun { start: GuestPhysical(0), length: 0, hptbr: 0, addend: 0, leaf: NOTHING.leaf };

    /// The physical address of a guest-physical one in the run.
    #[inline(always)]
    pub fn find(&self, guest_physical: GuestPhysical) -> Option<Physical> {
        self.contains(guest_physical).then(|| moved(guest_physical, self.addend))
    }

    #[inline(always)]
    fn contains(&self, guest_physical: GuestPhysical) -> bool {
        guest_physical.behind(self.start) < self.length
    }
}

/// What is saved of them, since tables that a hypervisor has changed without a flush are remembered as they were.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct SavedNestedCache {
    run: PageRun,
    outside: u32,
    small: Vec<Remembered>,
    large: Vec<Remembered>,
}

/// The remembered translations of a hart.
#[derive(Clone)]
pub struct NestedCache {
    run: PageRun,
    /// Lookups of large pages outside of the run.
    outside: u32,
    small: Box<[Remembered; ENTRIES]>,
    large: Box<[Remembered; ENTRIES]>,
    /// Counts from 1: only what is of this generation is still remembered.
    generation: u64,
}

impl Default for NestedCache {
    fn default() -> Self {
        NestedCache {
            run: PageRun::NONE,
            outside: 0,
            small: Box::new([NOTHING; ENTRIES]),
            large: Box::new([NOTHING; ENTRIES]),
            generation: 1,
        }
    }
}

impl NestedCache {
    /// What is remembered for an access that needs no bit of the leaf to be set: the physical address, and the leaf.
    #[inline(always)]
    pub fn find(
        &mut self,
        guest_physical: GuestPhysical,
        hptbr: u64,
        access: Access,
    ) -> Option<(Physical, NestedLeaf)> {
        let run = &self.run;
        if run.contains(guest_physical) && run.hptbr == hptbr && run.leaf.allows(access) {
            return Some((moved(guest_physical, run.addend), run.leaf));
        }
        self.find_remembered(guest_physical, hptbr, access)
    }

    /// The run, for loads: it is empty if there is none that serves them.
    #[inline(always)]
    pub fn run_for_loads(&self, hptbr: u64) -> PageRun {
        let serves = self.run.hptbr == hptbr && self.run.leaf.allows(Access::Load);
        PageRun { length: if serves { self.run.length } else { 0 }, ..self.run }
    }

    #[inline(never)]
    fn find_remembered(
        &mut self,
        guest_physical: GuestPhysical,
        hptbr: u64,
        access: Access,
    ) -> Option<(Physical, NestedLeaf)> {
        let found = |remembered: Remembered| (moved(guest_physical, remembered.addend), remembered.leaf);
        let serves = |remembered: &Remembered| remembered.hptbr == hptbr && remembered.leaf.allows(access);
        if let Some(large) = self.remembered(guest_physical, LARGE_SHIFT).filter(serves) {
            self.outside += 1;
            if self.outside > PATIENCE {
                return None;
            }
            return Some(found(large));
        }
        self.remembered(guest_physical, PAGE_SHIFT).filter(serves).map(found)
    }

    /// What is remembered of an address, whosever it is.
    fn remembered(&self, guest_physical: GuestPhysical, shift: u32) -> Option<Remembered> {
        let array = if shift == LARGE_SHIFT { &self.large } else { &self.small };
        let remembered = array[index(guest_physical, shift)];
        let same = remembered.generation == self.generation && remembered.page == guest_physical.page(shift);
        same.then_some(remembered)
    }

    /// Remembers that an address is at a physical one, in a page of a size, with a leaf. True: the page should become part of
    /// a run.
    pub fn remember(
        &mut self,
        guest_physical: GuestPhysical,
        hptbr: u64,
        physical: Physical,
        leaf: NestedLeaf,
    ) -> bool {
        let is_large = leaf.page_shift >= LARGE_SHIFT;
        let (array, shift) =
            if is_large { (&mut self.large, LARGE_SHIFT) } else { (&mut self.small, PAGE_SHIFT) };
        array[index(guest_physical, shift)] = Remembered {
            page: guest_physical.page(shift),
            hptbr,
            generation: self.generation,
            addend: physical.0.wrapping_sub(guest_physical.0),
            leaf,
        };
        let run = &self.run;
        // What is walked although it is in the run has changed.
        let useless = run.length == 0 || run.hptbr != hptbr || run.contains(guest_physical);
        is_large && (useless || self.outside > PATIENCE)
    }

    /// Remembers a run, in place of the one before.
    pub fn remember_run(&mut self, run: PageRun) {
        self.run = run;
        self.outside = 0;
    }

    /// What is remembered.
    pub fn save(&self) -> SavedNestedCache {
        let valid = |array: &[Remembered; ENTRIES]| {
            let valid = array.iter().filter(|remembered| remembered.generation == self.generation);
            valid.map(|remembered| Remembered { generation: 1, ..*remembered }).collect()
        };
        SavedNestedCache {
            run: self.run,
            outside: self.outside,
            small: valid(&self.small),
            large: valid(&self.large),
        }
    }

    /// What [`NestedCache::save`] gave. `None`: it did not give that.
    pub fn load(saved: &SavedNestedCache) -> Option<NestedCache> {
        saved.run.leaf.is_well_formed().then_some(())?;
        let mut cache = NestedCache { run: saved.run, outside: saved.outside, ..NestedCache::default() };
        for (array, saved, shift) in
            [(&mut cache.small, &saved.small, PAGE_SHIFT), (&mut cache.large, &saved.large, LARGE_SHIFT)]
        {
            for remembered in saved {
                remembered.leaf.is_well_formed().then_some(())?;
                array[index(remembered.page, shift)] = Remembered { generation: 1, ..*remembered };
            }
        }
        Some(cache)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.generation += 1;
        self.run = PageRun::NONE;
    }
}

fn index(guest_physical: GuestPhysical, shift: u32) -> usize {
    (guest_physical.0 >> shift) as usize % ENTRIES
}

#[inline(always)]
fn moved(guest_physical: GuestPhysical, addend: u64) -> Physical {
    Physical(guest_physical.0.wrapping_add(addend))
}

#[cfg(test)]
mod tests {
    use super::*;
    use visa_isa::paging::{PTE_ACCESSED, PTE_EXECUTE, PTE_READ};

    #[test]
    fn what_a_run_gives_for_a_load_is_the_same_either_way() {
        let leaf =
            NestedLeaf { entry: Entry(PTE_READ | PTE_ACCESSED), page_shift: LARGE_SHIFT, references: 3 };
        let run = PageRun {
            start: GuestPhysical(0x4000_0000),
            length: 2 << LARGE_SHIFT,
            hptbr: 7,
            addend: 0x1000_0000,
            leaf,
        };
        let mut cache = NestedCache::default();
        assert_eq!(cache.run_for_loads(0).find(GuestPhysical(0x4000_0000)), None);
        cache.remember_run(run);
        for (address, hptbr) in
            [(0x4000_0008, 7), (0x403f_fff8, 7), (0x3fff_fff8, 7), (0x4040_0000, 7), (0x4000_0008, 8)]
        {
            let address = GuestPhysical(address);
            let found = cache.find(address, hptbr, Access::Load).map(|(at, leaf)| (at, leaf.references));
            let run = cache.run_for_loads(hptbr);
            assert_eq!(run.find(address).map(|at| (at, run.leaf.references)), found, "{address:#x}");
        }
        assert_eq!(cache.run_for_loads(7).find(GuestPhysical(0x4000_0008)), Some(Physical(0x5000_0008)));
        cache.remember_run(PageRun {
            leaf: NestedLeaf { entry: Entry(PTE_EXECUTE | PTE_ACCESSED), ..leaf },
            ..run
        });
        assert_eq!(cache.run_for_loads(7).find(GuestPhysical(0x4000_0008)), None);
    }
}
