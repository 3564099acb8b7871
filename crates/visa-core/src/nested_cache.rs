//! What walks remember of the second stage: guest-physical to physical, so that reading an entry of the first stage's
//! tables does not walk the second stage each time (specification, 4.2).
//!
//! It is dropped by TLBFLUSHV, by the guest's SFENCE.VMA without an address, and by changes of the IOVMAP ranges; entries carry
//! the HPTBR that they were walked from. The references that a walk would have made are counted all the same, since reports
//! count walks without caches.
//!
//! A hypervisor that gives its guest memory in one piece maps it by many pages with one distance between the two addresses.
//! Such pages are joined to a run, where the physical address is a sum: with a table it would be one more load that the next
//! one must wait for, four times in a walk.

use visa_isa::paging::{PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_PPN, PTE_READ, PTE_WRITE};

use crate::tlb::Access;

/// Entries for pages of 4 KiB, and as many for larger ones.
const ENTRIES: usize = 256;
/// Large pages are remembered in pieces of 2 MiB.
const LARGE_SHIFT: u32 = 21;
const LARGE_SIZE: u64 = 1 << LARGE_SHIFT;
/// A run is given up for another after so many lookups of large pages outside of it.
const PATIENCE: u32 = 64;

/// What is remembered of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leaf {
    /// The leaf's bits.
    pub entry: u64,
    /// The size of the page, as a power of two.
    pub page_shift: u32,
    /// Entries that the walk read.
    pub references: u32,
}

impl Leaf {
    #[inline(always)]
    fn allows(&self, access: Access) -> bool {
        let needed = match access {
            Access::Load => PTE_READ | PTE_ACCESSED,
            Access::Store => PTE_WRITE | PTE_ACCESSED | PTE_DIRTY,
            Access::Fetch => PTE_EXECUTE | PTE_ACCESSED,
        };
        self.entry & needed == needed
    }

    /// Whether two pages differ in nothing but where they are.
    fn is_like(&self, other: &Leaf) -> bool {
        let bits = |leaf: &Leaf| Leaf { entry: leaf.entry & !PTE_PPN, ..*leaf };
        bits(self) == bits(other)
    }
}

/// A remembered translation.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Guest-physical address of the piece.
    page: u64,
    /// HPTBR.
    hptbr: u64,
    /// What [`NestedCache::generation`] was then.
    generation: u64,
    /// Added to guest-physical addresses, makes physical ones.
    addend: u64,
    leaf: Leaf,
}

const NOTHING: Piece = Piece {
    page: 0,
    hptbr: 0,
    generation: 0,
    addend: 0,
    leaf: Leaf { entry: 0, page_shift: PAGE_SHIFT, references: 0 },
};

/// Large pages side by side that one addend serves, with the same bits.
#[derive(Clone, Copy)]
struct Run {
    start: u64,
    /// 0: there is no run.
    length: u64,
    hptbr: u64,
    addend: u64,
    leaf: Leaf,
}

impl Run {
    const NONE: Run = Run { start: 0, length: 0, hptbr: 0, addend: 0, leaf: NOTHING.leaf };

    fn of(piece: &Piece) -> Run {
        let Piece { page, hptbr, addend, leaf, .. } = *piece;
        Run { start: page, length: LARGE_SIZE, hptbr, addend, leaf }
    }

    fn may_hold(&self, piece: &Piece) -> bool {
        piece.hptbr == self.hptbr && piece.addend == self.addend && piece.leaf.is_like(&self.leaf)
    }
}

/// The remembered translations of a hart.
pub struct NestedCache {
    run: Run,
    /// Lookups of large pages outside of the run.
    outside: u32,
    small: Box<[Piece; ENTRIES]>,
    large: Box<[Piece; ENTRIES]>,
    /// Counts from 1: only what is of this generation is still remembered.
    generation: u64,
}

impl Default for NestedCache {
    fn default() -> Self {
        NestedCache {
            run: Run::NONE,
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
    pub fn find(&mut self, guest_physical: u64, hptbr: u64, access: Access) -> Option<(u64, Leaf)> {
        let run = &self.run;
        let inside = guest_physical.wrapping_sub(run.start) < run.length;
        if inside && run.hptbr == hptbr && run.leaf.allows(access) {
            return Some((guest_physical.wrapping_add(run.addend), run.leaf));
        }
        self.find_piece(guest_physical, hptbr, access)
    }

    #[inline(never)]
    fn find_piece(&mut self, guest_physical: u64, hptbr: u64, access: Access) -> Option<(u64, Leaf)> {
        let found = |piece: Piece| (guest_physical.wrapping_add(piece.addend), piece.leaf);
        let serves = |piece: &Piece| piece.hptbr == hptbr && piece.leaf.allows(access);
        if let Some(large) = self.piece(guest_physical, LARGE_SHIFT).filter(serves) {
            self.outside += 1;
            if self.outside >= PATIENCE {
                self.begin_run(Run::of(&large));
            }
            return Some(found(large));
        }
        self.piece(guest_physical, PAGE_SHIFT).filter(serves).map(found)
    }

    /// The piece with an address, whosever it is.
    fn piece(&self, guest_physical: u64, shift: u32) -> Option<Piece> {
        let array = if shift == LARGE_SHIFT { &self.large } else { &self.small };
        let piece = array[index(guest_physical, shift)];
        let same = piece.generation == self.generation && piece.page == guest_physical >> shift << shift;
        same.then_some(piece)
    }

    /// Remembers that an address is at a physical one, in a page of a size, with a leaf.
    pub fn remember(&mut self, guest_physical: u64, hptbr: u64, physical: u64, leaf: Leaf) {
        let is_large = leaf.page_shift >= LARGE_SHIFT;
        let (array, shift) =
            if is_large { (&mut self.large, LARGE_SHIFT) } else { (&mut self.small, PAGE_SHIFT) };
        let piece = Piece {
            page: guest_physical >> shift << shift,
            hptbr,
            generation: self.generation,
            addend: physical.wrapping_sub(guest_physical),
            leaf,
        };
        array[index(guest_physical, shift)] = piece;
        if !is_large {
            return;
        }
        let run = &self.run;
        let outdated = piece.page.wrapping_sub(run.start) < run.length && !run.may_hold(&piece);
        if run.length == 0 || run.hptbr != hptbr || outdated {
            self.begin_run(Run::of(&piece));
        } else {
            self.grow();
        }
    }

    /// Remembers that a second stage with this HPTBR is not there: every address is itself.
    pub fn remember_bare(&mut self, hptbr: u64, leaf: Leaf) {
        self.run = Run { start: 0, length: u64::MAX, hptbr, addend: 0, leaf };
        self.outside = 0;
    }

    fn begin_run(&mut self, run: Run) {
        self.run = run;
        self.outside = 0;
        self.grow();
    }

    /// Joins what is remembered on both sides of the run to it.
    fn grow(&mut self) {
        for _ in 0..ENTRIES {
            let Run { start, length, .. } = self.run;
            let (after, before) = (start.checked_add(length), start.checked_sub(LARGE_SIZE));
            let at = |address: Option<u64>| {
                let piece = self.piece(address?, LARGE_SHIFT)?;
                self.run.may_hold(&piece).then_some(piece.page)
            };
            match (at(after), at(before)) {
                (None, None) => return,
                (_, Some(page)) => self.run.start = page,
                _ => {}
            }
            self.run.length = length + LARGE_SIZE;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.generation += 1;
        self.run = Run::NONE;
    }
}

fn index(guest_physical: u64, shift: u32) -> usize {
    (guest_physical >> shift) as usize % ENTRIES
}
