//! What is saved of the TLB: everything on which it depends what will be a miss, so that a hart that goes on from it counts as the one did
//! whose it was (specification, 4.2).

use serde::{Deserialize, Serialize};
use visa_isa::paging::{PAGE_SHIFT, PAGE_SIZE};

use super::large_pages::LargePages;
use super::second_level::{SavedSet, SecondLevel};
use super::translation::PAGE_SHIFTS;
use super::{CLASS_BITS, FIRST_LEVEL_ENTRIES, FirstLevel, INVALID, SPACES, Space, Tlb, index};

/// A TLB as a value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SavedTlb {
    /// The first level, by kind of access: what is used of it.
    first: [Vec<SavedPage>; 3],
    large: LargePages,
    second: Vec<SavedSet>,
    pieces: LargePages,
    /// By the number that stands for them in the first level.
    spaces: Vec<Space>,
}

/// A page that the first level knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct SavedPage {
    /// Its address, with the context.
    tag: u64,
    /// Where it is in RAM.
    offset: u64,
    /// The size of the page that it is part of, as a power of two.
    shift: u8,
}

impl Tlb {
    /// What the TLB holds.
    pub fn save(&self) -> SavedTlb {
        let mut spaces: Vec<_> = self.spaces.iter().map(|(space, number)| (*number, *space)).collect();
        spaces.sort_by_key(|(number, _)| *number);
        SavedTlb {
            first: std::array::from_fn(|access| self.save_first_level(&self.first[access])),
            large: self.large,
            second: self.second.save(),
            pieces: self.pieces,
            spaces: spaces.into_iter().map(|(_, space)| space).collect(),
        }
    }

    fn save_first_level(&self, array: &FirstLevel) -> Vec<SavedPage> {
        let used = (0..FIRST_LEVEL_ENTRIES).filter(|&place| array.tags[place] != INVALID);
        let page = |place: usize| {
            let tag = array.tags[place];
            let address = tag & !(PAGE_SIZE - 1);
            let offset = address.wrapping_add(array.addends[place]).wrapping_sub(self.bias);
            SavedPage { tag, offset, shift: array.shifts[place] }
        };
        used.map(page).collect()
    }

    /// The TLB of a hart, with what [`Tlb::save`] gave. `None`: it did not give that, on a machine with so many bytes of RAM. The context is
    /// to be chosen anew.
    pub fn load(saved: &SavedTlb, hart: u64, ram_bytes: u64) -> Option<Tlb> {
        let mut tlb = Tlb::of_hart(hart);
        if saved.spaces.len() > SPACES {
            return None;
        }
        for (number, space) in saved.spaces.iter().enumerate() {
            let is_new = tlb.spaces.insert(*space, number as u64).is_none();
            is_new.then_some(())?;
        }
        for (array, pages) in tlb.first.iter_mut().zip(&saved.first) {
            for page in pages {
                load_page(array, page, saved.spaces.len(), ram_bytes)?;
            }
        }
        tlb.large = saved.large;
        tlb.second = SecondLevel::load(&saved.second)?;
        tlb.pieces = saved.pieces;
        Some(tlb)
    }
}

/// Enters a page, if it is one that accesses may go to without being looked at any more: in RAM, and of a space that there is.
fn load_page(array: &mut FirstLevel, page: &SavedPage, spaces: usize, ram_bytes: u64) -> Option<()> {
    let &SavedPage { tag, offset, shift } = page;
    let (address, context) = (tag & !(PAGE_SIZE - 1), tag & (PAGE_SIZE - 1));
    let in_ram = offset.is_multiple_of(PAGE_SIZE) && offset.checked_add(PAGE_SIZE)? <= ram_bytes;
    let is_known = context >> CLASS_BITS < spaces as u64 && PAGE_SHIFTS.contains(&(shift as u32));
    let place = index(address);
    if !in_ram || !is_known || array.tags[place] != INVALID {
        return None;
    }
    array.tags[place] = tag;
    array.addends[place] = offset.wrapping_sub(address);
    array.shifts[place] = shift;
    Some(())
}

const _: () = assert!(PAGE_SHIFTS[0] == PAGE_SHIFT);
