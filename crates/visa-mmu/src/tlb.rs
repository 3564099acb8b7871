//! The combined two-level TLB: guest-virtual to physical, both stages in one entry (specification, 4.2).
//!
//! The first level is what engines look at for every access: three direct-mapped arrays, one a kind of access, whose
//! entry says "this page, in this context, is at this offset of RAM, and the access is allowed". The second level is
//! set-associative, knows page sizes, permissions and tags, and decides what counts as a miss.

mod entry;
mod large_pages;
mod save;
mod second_level;
mod translation;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use visa_isa::GuestVirtual;
pub use visa_isa::paging::Access;
use visa_isa::paging::{PAGE_SHIFT, PAGE_SIZE};

use self::entry::SpaceTag;
use self::large_pages::LargePages;
pub use self::save::SavedTlb;
use self::second_level::SecondLevel;
pub use self::second_level::{SECOND_LEVEL_SETS, SECOND_LEVEL_WAYS};
pub use self::translation::{Found, NO_SPACE, Permissions, Translation};

/// Entries of each array of the first level.
pub const FIRST_LEVEL_ENTRIES: usize = 256;

/// A tag that no page has: contexts are below 4,095.
const INVALID: u64 = PAGE_SIZE - 1;

/// The first level for one kind of access. Generated code reads it ([`crate::layout`]).
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct FirstLevel {
    /// Virtual page addresses, with the context in the low bits; [`INVALID`] if unused.
    pub(crate) tags: [u64; FIRST_LEVEL_ENTRIES],
    /// What turns virtual addresses into offsets of RAM plus [`Tlb::bias`], by wrapping addition.
    pub(crate) addends: [u64; FIRST_LEVEL_ENTRIES],
    /// The sizes of the pages that these are part of, as powers of two.
    shifts: [u8; FIRST_LEVEL_ENTRIES],
}

const EMPTY: FirstLevel = FirstLevel {
    tags: [INVALID; FIRST_LEVEL_ENTRIES],
    addends: [0; FIRST_LEVEL_ENTRIES],
    shifts: [PAGE_SHIFT as u8; FIRST_LEVEL_ENTRIES],
};

/// Address space and virtual machine, with what else a first-level entry depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Space {
    /// ASID, or [`NO_SPACE`] if the first stage does not translate.
    pub asid: u32,
    /// VMID; 0 if the second stage is off.
    pub vmid: u16,
    /// The second stage translates, or IOVMAP ranges are in force.
    pub second_stage: bool,
    /// The guest's (rather than Ring -1's) accesses.
    pub guest: bool,
}

/// Number of low bits of a context for ring, SUM and MXR; see [`Tlb::set_context`].
const CLASS_BITS: u32 = 3;
/// Contexts are below 4,095, so that [`INVALID`] is none of them.
const SPACES: usize = (PAGE_SIZE as usize >> CLASS_BITS) - 1;

/// Bits of a generation below the context, and those that count.
const GENERATION_BITS: u32 = 48;
const HART_SHIFT: u32 = 40;

/// How much is remembered of where misses led to, and the regions that are told apart, as a power of two.
const EXPECTATIONS: usize = 64;
const EXPECTATION_SHIFT: u32 = 21;

/// Both levels.
#[derive(Clone)]
pub struct Tlb {
    /// The first level, by [`Access`].
    pub(crate) first: [FirstLevel; 3],
    /// Added to the offsets of RAM in the first level.
    bias: u64,
    /// Which large pages have had pieces in the first level since it was empty.
    large: LargePages,
    second: SecondLevel,
    /// See [`Tlb::generation`].
    pub(crate) generation: u64,
    /// What was added last in each region of addresses, in turn: see [`Tlb::expected_place`].
    expected: [u64; EXPECTATIONS],
    /// Pages of the first stage that may be here in pieces, because the second stage's pages are smaller.
    pieces: LargePages,
    spaces: HashMap<Space, u64>,
    /// What is in the low bits of the tags that match, by [`Access`].
    pub(crate) contexts: [u64; 3],
    /// Of the space in use.
    tag: SpaceTag,
}

impl Default for Tlb {
    fn default() -> Self {
        Self::new()
    }
}

impl Tlb {
    /// An empty TLB.
    pub fn new() -> Tlb {
        Tlb {
            first: [EMPTY; 3],
            bias: 0,
            large: LargePages::default(),
            second: SecondLevel::new(),
            generation: 0,
            expected: [0; EXPECTATIONS],
            pieces: LargePages::default(),
            spaces: HashMap::new(),
            contexts: [0; 3],
            tag: SpaceTag::of(NO_SPACE, 0),
        }
    }

    /// An empty TLB whose generations are not those of other harts.
    pub fn of_hart(hart: u64) -> Tlb {
        Tlb { generation: hart << HART_SHIFT, ..Tlb::new() }
    }

    /// Chooses the space and the class (ring, SUM, MXR: three bits) of the accesses to come, and that of the fetches, on
    /// which SUM and MXR have no bearing: pages of code stay known while a kernel copies from and to its programs.
    pub fn set_context(&mut self, space: Space, class: u64, fetch_class: u64) {
        self.tag = SpaceTag::of(space.asid, space.vmid);
        let number = match self.spaces.get(&space) {
            Some(&number) => number,
            None => {
                if self.spaces.len() == SPACES {
                    self.flush_first_level();
                    self.spaces.clear();
                }
                let number = self.spaces.len() as u64;
                self.spaces.insert(space, number);
                number
            }
        };
        self.enter(number << CLASS_BITS, class, fetch_class);
    }

    /// Changes the classes alone.
    pub fn set_class(&mut self, class: u64, fetch_class: u64) {
        self.enter(self.contexts[0] >> CLASS_BITS << CLASS_BITS, class, fetch_class);
    }

    /// The class of loads and stores.
    #[inline(always)]
    pub(crate) fn class(&self) -> u64 {
        self.contexts[Access::Load as usize] & ((1 << CLASS_BITS) - 1)
    }

    fn enter(&mut self, space: u64, class: u64, fetch_class: u64) {
        let context = space | class;
        self.contexts = [context, context, space | fetch_class];
        self.generation = context << GENERATION_BITS | self.generation & ((1 << GENERATION_BITS) - 1);
    }

    /// The offset of RAM of `bytes` bytes at a virtual address, if the first level knows that the access is allowed.
    /// An access across the end of a page is never known.
    #[inline(always)]
    pub fn lookup(&self, access: Access, address: u64, bytes: u64) -> Option<u64> {
        let (array, place) = (&self.first[access as usize], index(address));
        let page = address & !(PAGE_SIZE - 1);
        let fits = address & (PAGE_SIZE - 1) <= PAGE_SIZE - bytes;
        (array.tags[place] == page | self.contexts[access as usize] && fits)
            .then(|| address.wrapping_add(array.addends[place]).wrapping_sub(self.bias))
    }

    /// Enters a page into the first level: `offset` is the offset of RAM of the page's first byte.
    pub fn fill(&mut self, access: Access, address: u64, offset: u64, page_shift: u32) {
        let page = address & !(PAGE_SIZE - 1);
        let (array, place) = (&mut self.first[access as usize], index(address));
        self.generation += (array.tags[place] != INVALID && access != Access::Fetch) as u64;
        let addend = offset.wrapping_add(self.bias).wrapping_sub(page);
        array.tags[place] = page | self.contexts[access as usize];
        array.addends[place] = addend;
        self.expected[region(address)] = addend;
        array.shifts[place] = page_shift as u8;
        if page_shift != PAGE_SHIFT {
            self.large.insert(address, page_shift);
        }
    }

    /// The offset of RAM, plus the bias, that an address which the first level does not know is likely to be at, because pages
    /// side by side often are in RAM, too. It may be anything; it serves to have the host fetch what is there.
    #[inline(always)]
    pub fn expected_place(&self, address: u64) -> u64 {
        address.wrapping_add(self.expected[region(address)])
    }

    /// Changes whenever the context does, or an entry of the first level for loads or stores is dropped or replaced: as long as
    /// it is the same, what was there still is. No two harts have the same one.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The page that an access to an address would replace in the first level.
    pub fn resident(&self, access: Access, address: u64) -> Option<u64> {
        let tag = self.first[access as usize].tags[index(address)];
        (tag != INVALID).then_some(tag & !(PAGE_SIZE - 1))
    }

    /// What is added to the offsets of RAM in the first level.
    pub fn bias(&self) -> u64 {
        self.bias
    }

    /// Changes what is added: the address of RAM on the host, for generated code that goes by the first level. What the
    /// first level knows stays.
    pub fn set_bias(&mut self, bias: u64) {
        let change = bias.wrapping_sub(self.bias);
        self.bias = bias;
        for addend in self.first.iter_mut().flat_map(|array| &mut array.addends) {
            *addend = addend.wrapping_add(change);
        }
    }

    /// Drops stores to the page of RAM at `offset` from the first level, because somebody must see them.
    pub fn forget_stores_to(&mut self, offset: u64) {
        let biased = (offset & !(PAGE_SIZE - 1)).wrapping_add(self.bias);
        self.generation += 1;
        let array = &mut self.first[Access::Store as usize];
        for (tag, addend) in array.tags.iter_mut().zip(&array.addends) {
            let page = *tag & !(PAGE_SIZE - 1);
            if *tag != INVALID && page.wrapping_add(*addend) == biased {
                *tag = INVALID;
            }
        }
    }

    /// Drops the whole first level.
    pub fn flush_first_level(&mut self) {
        self.generation += 1;
        for array in &mut self.first {
            array.tags.fill(INVALID);
        }
        self.large = LargePages::default();
    }

    /// Looks a virtual address up in the second level.
    #[inline(always)]
    pub fn find(&mut self, address: u64, asid: u32, vmid: u16) -> Option<Found> {
        self.second.find(address, SpaceTag::of(asid, vmid))
    }

    /// The same in the space in use.
    #[inline(always)]
    pub(crate) fn find_here(&mut self, address: u64) -> Option<Found> {
        self.second.find(address, self.tag)
    }

    /// The same for observers: it does not count as a use.
    pub(crate) fn peek_here(&self, address: u64) -> Option<Found> {
        self.second.peek(address, self.tag)
    }

    /// Enters a translation into the second level, in place of the same page's or of the least recently used.
    pub fn insert(&mut self, translation: Translation) {
        self.insert_found(&translation, false);
    }

    /// The same after [`Tlb::find`]: `is_new` if that has found nothing for the address.
    #[inline(always)]
    pub(crate) fn insert_found(&mut self, translation: &Translation, is_new: bool) {
        if translation.first_stage_shift > translation.page_shift {
            self.pieces.insert(translation.virtual_page.0, translation.first_stage_shift);
        }
        self.second.insert(translation, is_new);
    }

    /// Every translation of the second level.
    pub fn translations(&self) -> impl Iterator<Item = Translation> {
        self.second.translations()
    }

    /// Drops what `condemn` says from the second level, and all of the first.
    pub fn flush(&mut self, condemn: impl Fn(&Translation) -> bool) {
        self.flush_first_level();
        self.second.remove_all(condemn);
    }

    /// Drops one virtual address of a VM, with all of the first stage's page that holds it: of one address space, or of
    /// all of them.
    pub fn flush_address(&mut self, address: u64, asid: Option<u32>, vmid: u16) {
        let condemned = |old: &Translation| {
            old.virtual_page.page(old.first_stage_shift) == GuestVirtual(address).page(old.first_stage_shift)
                && old.vmid == vmid
                && asid.is_none_or(|asid| !old.global && old.asid == asid)
        };
        if self.pieces.may_hold(address) {
            self.second.remove_all(condemned);
            let mut left = LargePages::default();
            for old in self.translations().filter(|old| old.first_stage_shift > old.page_shift) {
                left.insert(old.virtual_page.0, old.first_stage_shift);
            }
            self.pieces = left;
            // The first level does not know what its pages are pieces of.
            self.flush_first_level();
            return;
        }
        self.flush_first_level_address(address);
        self.second.remove_at(address, condemned);
    }

    /// Drops the pages of the first level that are part of a page with the address.
    fn flush_first_level_address(&mut self, address: u64) {
        let all = self.large.may_hold(address);
        let only = index(address);
        let places = if all { 0..FIRST_LEVEL_ENTRIES } else { only..only + 1 };
        self.generation += 1;
        for array in &mut self.first {
            for (tag, page_shift) in array.tags[places.clone()].iter_mut().zip(&array.shifts[places.clone()])
            {
                if *tag >> page_shift == address >> page_shift {
                    *tag = INVALID;
                }
            }
        }
    }
}

#[inline(always)]
fn index(address: u64) -> usize {
    (address >> PAGE_SHIFT) as usize % FIRST_LEVEL_ENTRIES
}

#[inline(always)]
fn region(address: u64) -> usize {
    (address >> EXPECTATION_SHIFT) as usize % EXPECTATIONS
}
