//! What walks remember of the second stage: guest-physical to physical, so that reading an entry of the first stage's
//! tables does not walk the second stage each time (specification, 4.2).
//!
//! It is dropped by TLBFLUSHV, by the guest's SFENCE.VMA without an address, and by changes of the IOVMAP ranges; entries carry the HPTBR that they were walked from.
//! The references that a walk would have made are counted all the same, since reports count walks without caches.

use visa_isa::paging::{PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_READ, PTE_WRITE};

use crate::tlb::Access;

/// Entries for pages of 4 KiB, and as many for larger ones.
const ENTRIES: usize = 256;
/// Large pages are remembered in pieces of 2 MiB.
const LARGE_SHIFT: u32 = 21;

/// A remembered translation.
#[derive(Clone, Copy, Debug)]
pub struct Remembered {
    /// Guest-physical address of the piece.
    page: u64,
    /// HPTBR.
    hptbr: u64,
    /// What [`NestedCache::generation`] was then.
    generation: u64,
    /// Physical address of the piece.
    physical: u64,
    /// The leaf's bits.
    pub entry: u64,
    /// The size of the page, as a power of two.
    pub page_shift: u32,
    /// Entries that the walk read.
    pub references: u32,
}

const NOTHING: Remembered = Remembered {
    page: 0,
    hptbr: 0,
    generation: 0,
    physical: 0,
    entry: 0,
    page_shift: PAGE_SHIFT,
    references: 0,
};

impl Remembered {
    /// The physical address of a guest-physical one in the piece.
    pub fn address(&self, guest_physical: u64) -> u64 {
        self.physical + (guest_physical - self.page)
    }

    fn serves(&self, guest_physical: u64, shift: u32, hptbr: u64, access: Access) -> bool {
        let needed = match access {
            Access::Load => PTE_READ | PTE_ACCESSED,
            Access::Store => PTE_WRITE | PTE_ACCESSED | PTE_DIRTY,
            Access::Fetch => PTE_EXECUTE | PTE_ACCESSED,
        };
        self.page == guest_physical >> shift << shift && self.hptbr == hptbr && self.entry & needed == needed
    }
}

/// The remembered translations of a hart.
pub struct NestedCache {
    small: Box<[Remembered; ENTRIES]>,
    large: Box<[Remembered; ENTRIES]>,
    /// Counts from 1: only what is of this generation is still remembered.
    generation: u64,
}

impl Default for NestedCache {
    fn default() -> Self {
        NestedCache {
            small: Box::new([NOTHING; ENTRIES]),
            large: Box::new([NOTHING; ENTRIES]),
            generation: 1,
        }
    }
}

impl NestedCache {
    /// What is remembered for an access that needs no bit of the leaf to be set.
    pub fn find(&self, guest_physical: u64, hptbr: u64, access: Access) -> Option<&Remembered> {
        let large = &self.large[index(guest_physical, LARGE_SHIFT)];
        if large.generation == self.generation && large.serves(guest_physical, LARGE_SHIFT, hptbr, access) {
            return Some(large);
        }
        let small = &self.small[index(guest_physical, PAGE_SHIFT)];
        let serves =
            small.generation == self.generation && small.serves(guest_physical, PAGE_SHIFT, hptbr, access);
        serves.then_some(small)
    }

    /// Remembers that an address is at a physical one, in a page of a size, with a leaf.
    pub fn remember(
        &mut self,
        guest_physical: u64,
        hptbr: u64,
        physical: u64,
        entry: u64,
        page_shift: u32,
        references: u32,
    ) {
        let (array, shift) = match page_shift >= LARGE_SHIFT {
            true => (&mut self.large, LARGE_SHIFT),
            false => (&mut self.small, PAGE_SHIFT),
        };
        let page = guest_physical >> shift << shift;
        let physical = physical - (guest_physical - page);
        array[index(guest_physical, shift)] =
            Remembered { page, hptbr, generation: self.generation, physical, entry, page_shift, references };
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.generation += 1;
    }
}

fn index(guest_physical: u64, shift: u32) -> usize {
    (guest_physical >> shift) as usize % ENTRIES
}
