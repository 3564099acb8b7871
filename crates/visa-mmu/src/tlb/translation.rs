//! What the second level holds, as others see it.

use visa_isa::paging::{Entry, PAGE_SHIFT, PTE_DIRTY, PTE_EXECUTE, PTE_READ, PTE_USER, PTE_WRITE};
use visa_isa::{GuestPhysical, GuestVirtual, Physical};

/// Permissions of a combined translation: the first stage's in the low bits, the second's above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Permissions(pub u16);

#[allow(missing_docs)]
impl Permissions {
    pub const READ: u16 = 1 << 0;
    pub const WRITE: u16 = 1 << 1;
    pub const EXECUTE: u16 = 1 << 2;
    pub const USER: u16 = 1 << 3;
    /// D is set in both stages, so that a store need not walk.
    pub const DIRTY: u16 = 1 << 4;
    pub const NESTED_READ: u16 = 1 << 5;
    pub const NESTED_WRITE: u16 = 1 << 6;
    pub const NESTED_EXECUTE: u16 = 1 << 7;
    /// A stage that does not translate allows everything.
    pub const ALL_NESTED: u16 = Self::NESTED_READ | Self::NESTED_WRITE | Self::NESTED_EXECUTE;

    /// Whether all of `bits` are set.
    pub const fn has(self, bits: u16) -> bool {
        self.0 & bits == bits
    }

    /// Of a leaf of the first stage, without the second.
    #[inline(always)]
    pub const fn of_first_stage(leaf: Entry) -> Permissions {
        const SIDE_BY_SIDE: u64 = PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_USER;
        let dirty = if leaf.has(PTE_DIRTY) { Self::DIRTY } else { 0 };
        Permissions(((leaf.0 & SIDE_BY_SIDE) >> FIRST_SHIFT) as u16 | dirty)
    }

    /// What they become by a leaf of the second stage.
    #[inline(always)]
    pub const fn with_second_stage(self, leaf: Entry) -> Permissions {
        let nested = (leaf.0 & (PTE_READ | PTE_WRITE | PTE_EXECUTE)) << NESTED_SHIFT;
        let clean = if leaf.has(PTE_DIRTY) { 0 } else { Self::DIRTY };
        Permissions(self.0 & !clean | nested as u16)
    }

    /// The flags of the first stage's leaf.
    #[inline(always)]
    pub const fn first_stage(self) -> u64 {
        ((self.0 & (Self::READ | Self::WRITE | Self::EXECUTE | Self::USER)) as u64) << FIRST_SHIFT
    }

    /// The flags of the second's.
    #[inline(always)]
    pub const fn second_stage(self) -> u64 {
        (self.0 & Self::ALL_NESTED) as u64 >> NESTED_SHIFT
    }
}

/// Both have R, W, X and U side by side, in this order.
const FIRST_SHIFT: u32 = PTE_READ.trailing_zeros() - Permissions::READ.trailing_zeros();
const NESTED_SHIFT: u32 = Permissions::NESTED_READ.trailing_zeros() - PTE_READ.trailing_zeros();
const _: () = assert!(
    PTE_WRITE == PTE_READ << 1 && PTE_EXECUTE == PTE_READ << 2 && PTE_USER == PTE_READ << 3,
    "permissions are moved together"
);

/// The tag of translations made while CR3 is in mode bare: no ASID, so that they never serve an address space.
pub const NO_SPACE: u32 = 1 << 16;

/// A translation of the second level.
#[derive(Clone, Copy, Debug)]
pub struct Translation {
    /// Virtual address of the page.
    pub virtual_page: GuestVirtual,
    /// Physical address of the page.
    pub physical_page: Physical,
    /// Guest-physical address of the page, for flushes by it.
    pub guest_physical_page: GuestPhysical,
    /// Page size as a power of two: the lesser of the two stages'.
    pub page_shift: u32,
    /// Size of the first stage's page alone; the same where that does not translate. A fence of any address in it
    /// drops the translation.
    pub first_stage_shift: u32,
    /// What may be done.
    pub permissions: Permissions,
    /// Maps in every address space of the VM.
    pub global: bool,
    /// Address space, in the first stage ([`NO_SPACE`] if that does not translate).
    pub asid: u32,
    /// Virtual machine.
    pub vmid: u16,
}

impl Translation {
    /// The physical address of one in the page.
    #[inline(always)]
    pub fn address(&self, address: u64) -> Physical {
        within(self.physical_page, self.page_shift, address)
    }
}

/// What a lookup in the second level finds.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Physical address of the page.
    pub physical_page: Physical,
    /// Page size as a power of two.
    pub page_shift: u32,
    /// What may be done.
    pub permissions: Permissions,
}

impl Found {
    /// The physical address of one in the page.
    #[inline(always)]
    pub fn address(&self, address: u64) -> Physical {
        within(self.physical_page, self.page_shift, address)
    }
}

#[inline(always)]
fn within(physical_page: Physical, page_shift: u32, address: u64) -> Physical {
    physical_page.plus(address & ((1 << page_shift) - 1))
}

/// The page sizes that exist: 4 KiB, 2 MiB, 1 GiB, 512 GiB.
pub(super) const PAGE_SHIFTS: [u32; 4] = [12, 21, 30, 39];

/// The place of a page size among [`PAGE_SHIFTS`].
pub(super) fn size_of_page(page_shift: u32) -> usize {
    ((page_shift - PAGE_SHIFT) / 9) as usize % PAGE_SHIFTS.len()
}
