//! A translation as the second level stores it: 32 bytes, two to a line of the host's caches.

use serde::{Deserialize, Serialize};
use visa_isa::{GuestPhysical, GuestVirtual, Physical};

use super::translation::{NO_SPACE, PAGE_SHIFTS, Permissions, Translation, size_of_page};

/// What `page` is without a translation: no page has it.
const NO_PAGE: u64 = u64::MAX;
/// The low bits of `page` that hold the page's size, as its place among [`PAGE_SHIFTS`].
const SIZE: u64 = 3;
const _: () = assert!(PAGE_SHIFTS.len() as u64 == SIZE + 1);

// Where `tags` has what. The ASID is in the low 17 bits, with room for [`NO_SPACE`].
const VMID_SHIFT: u32 = NO_SPACE.ilog2() + 1;
const SPACE: u64 = (1 << GLOBAL_SHIFT) - 1;
const GLOBAL_SHIFT: u32 = VMID_SHIFT + u16::BITS;
const FIRST_STAGE_SHIFT: u32 = GLOBAL_SHIFT + 1;
const PERMISSIONS_SHIFT: u32 = u64::BITS - u16::BITS;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Virtual address of the page, and its size.
    page: u64,
    /// The space, whether the translation is global, the size of the first stage's page, and the permissions.
    tags: u64,
    /// Physical address of the page.
    pub(super) physical_page: Physical,
    guest_physical_page: GuestPhysical,
}
const _: () = assert!(size_of::<Entry>() == 32);

/// A space, as in `tags`.
#[derive(Clone, Copy)]
pub(super) struct SpaceTag(u64);

impl SpaceTag {
    #[inline(always)]
    pub fn of(asid: u32, vmid: u16) -> SpaceTag {
        SpaceTag((vmid as u64) << VMID_SHIFT | asid as u64)
    }
}

/// Upper and lower half of the address space, which a kernel and its programs share between them.
pub(super) fn half_of(address: u64) -> usize {
    (address >> 63) as usize
}

impl Entry {
    /// No translation.
    pub(super) const NONE: Entry =
        Entry { page: NO_PAGE, tags: 0, physical_page: Physical(0), guest_physical_page: GuestPhysical(0) };

    #[inline(always)]
    pub(super) fn of(translation: &Translation) -> Entry {
        let first_stage_size = size_of_page(translation.first_stage_shift) as u64;
        Entry {
            page: translation.virtual_page.0 | size_of_page(translation.page_shift) as u64,
            tags: SpaceTag::of(translation.asid, translation.vmid).0
                | (translation.global as u64) << GLOBAL_SHIFT
                | first_stage_size << FIRST_STAGE_SHIFT
                | (translation.permissions.0 as u64) << PERMISSIONS_SHIFT,
            physical_page: translation.physical_page,
            guest_physical_page: translation.guest_physical_page,
        }
    }

    /// The reverse of [`Entry::of`].
    #[inline(always)]
    pub(super) fn translation(&self) -> Translation {
        let shift = |size: u64| PAGE_SHIFTS[(size & SIZE) as usize];
        Translation {
            virtual_page: GuestVirtual(self.page & !SIZE),
            physical_page: self.physical_page,
            guest_physical_page: self.guest_physical_page,
            page_shift: shift(self.page),
            first_stage_shift: shift(self.tags >> FIRST_STAGE_SHIFT),
            permissions: self.permissions(),
            global: self.tags >> GLOBAL_SHIFT & 1 != 0,
            asid: self.tags as u32 & (2 * NO_SPACE - 1),
            vmid: (self.tags >> VMID_SHIFT) as u16,
        }
    }

    #[inline(always)]
    pub(super) fn permissions(&self) -> Permissions {
        Permissions((self.tags >> PERMISSIONS_SHIFT) as u16)
    }

    /// Whether it is of the page of that size that holds the address.
    #[inline(always)]
    pub(super) fn is_page(&self, address: u64, page_shift: u32) -> bool {
        self.page == (address >> page_shift << page_shift | size_of_page(page_shift) as u64)
    }

    /// Whether accesses of a space may use it.
    #[inline(always)]
    pub(super) fn serves(&self, space: SpaceTag) -> bool {
        let differs = (self.tags ^ space.0) & SPACE;
        let is_global = self.tags >> GLOBAL_SHIFT & 1 != 0;
        differs == 0 || differs >> VMID_SHIFT == 0 && is_global && space.0 & NO_SPACE as u64 == 0
    }

    /// Whether both are of one page of one space.
    pub(super) fn is_same(&self, other: &Entry) -> bool {
        self.page == other.page && (self.tags ^ other.tags) & SPACE == 0
    }

    /// The half of the address space that it counts in, and the place of its size among [`PAGE_SHIFTS`]; `None` if it is no
    /// translation.
    #[inline(always)]
    pub(super) fn counted(&self) -> Option<(usize, usize)> {
        (self.page != NO_PAGE).then_some((half_of(self.page), (self.page & SIZE) as usize))
    }

    /// Whether it counts where the other does.
    #[inline(always)]
    pub(super) fn counts_as(&self, other: &Entry) -> bool {
        let same = half_of(self.page ^ other.page) == 0 && (self.page ^ other.page) & SIZE == 0;
        same && self.page != NO_PAGE
    }

    /// Whether it is no translation, or one that is aligned to its size.
    pub(super) fn is_well_formed(&self) -> bool {
        let size = (1 << PAGE_SHIFTS[(self.page & SIZE) as usize]) - 1;
        self.page == NO_PAGE || (self.page & !SIZE) & size == 0 && self.physical_page.0 & size == 0
    }

    /// Its page, with the size as a power of two.
    pub(super) fn page(&self) -> Option<(u64, u32)> {
        (self.page != NO_PAGE).then(|| (self.page & !SIZE, PAGE_SHIFTS[(self.page & SIZE) as usize]))
    }
}
