//! One entry of a page table.

use super::{
    LEVEL_BITS, PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_PPN, PTE_PPN_SHIFT, PTE_READ,
    PTE_RESERVED, PTE_USER, PTE_VALID, PTE_WRITE,
};

/// Bytes of an entry.
pub const ENTRY_BYTES: u64 = 8;

/// An entry.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(transparent)]
pub struct Entry(pub u64);

impl Entry {
    /// Whether all of some flags are set.
    #[inline(always)]
    pub const fn has(self, flags: u64) -> bool {
        self.0 & flags == flags
    }

    /// Valid, no reserved bit, and not the reserved combination of W without R.
    #[inline(always)]
    pub const fn is_well_formed(self) -> bool {
        self.0 & (PTE_VALID | PTE_RESERVED) == PTE_VALID && self.0 & (PTE_READ | PTE_WRITE) != PTE_WRITE
    }

    /// Of an entry that is well formed: whether it maps a page, rather than points to a table.
    #[inline(always)]
    pub const fn is_leaf(self) -> bool {
        self.0 & (PTE_READ | PTE_EXECUTE) != 0
    }

    /// Valid, and with no other bit that an entry which points to a table may not have: in the first stage A, D and U are reserved
    /// there.
    #[inline(always)]
    pub const fn is_pointer(self) -> bool {
        const CLEAR: u64 =
            PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_USER | PTE_ACCESSED | PTE_DIRTY | PTE_RESERVED;
        self.0 & (PTE_VALID | CLEAR) == PTE_VALID
    }

    /// What it points to: the address of a table or of a page.
    #[inline(always)]
    pub const fn target(self) -> u64 {
        (self.0 & PTE_PPN) >> PTE_PPN_SHIFT << PAGE_SHIFT
    }
}

/// Bytes that an entry of a level maps, as a power of two; level 0 is the lowest.
#[inline(always)]
pub const fn page_shift(level: u32) -> u32 {
    LEVEL_BITS.wrapping_mul(level).wrapping_add(PAGE_SHIFT)
}

/// The index of an address's entry in its table of a level.
#[inline(always)]
pub const fn index(address: u64, level: u32) -> u64 {
    address.wrapping_shr(page_shift(level)) & ((1 << LEVEL_BITS) - 1)
}
