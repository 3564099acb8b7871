//! The second level: set-associative, with exact recency.
//!
//! A set's signatures are a word, and so is its order, so that a lookup touches little memory before it knows that there is
//! nothing, and finding the oldest way takes no comparison.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, SpaceTag, half_of};
use super::translation::{Found, PAGE_SHIFTS, Translation, size_of_page};

/// Sets of the second level.
pub const SECOND_LEVEL_SETS: usize = 128;
/// Ways of the second level.
pub const SECOND_LEVEL_WAYS: usize = 8;

/// One in each byte, of which there is one for a way.
const ONES: u64 = 0x0101_0101_0101_0101;
const _: () = assert!(SECOND_LEVEL_WAYS == size_of::<u64>());

/// The set of a page.
#[inline(always)]
fn set_of(address: u64, page_shift: u32) -> usize {
    (address >> page_shift) as usize % SECOND_LEVEL_SETS
}

/// The highest bit of each byte that is zero. Bytes above one that is may seem to be.
#[inline(always)]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & ONES << 7
}

/// What lookups compare first: a byte of each way's page, by way.
#[derive(Clone, Copy)]
struct Signatures(u64);

impl Signatures {
    /// What is above the bits that choose the set, with the size.
    #[inline(always)]
    fn of(address: u64, page_shift: u32) -> u8 {
        (address >> (page_shift + SECOND_LEVEL_SETS.ilog2())) as u8 ^ page_shift as u8
    }

    /// The ways that may have a signature, by the low one first; those that do are among them.
    #[inline(always)]
    fn matching(self, signature: u8) -> impl Iterator<Item = usize> {
        let mut found = zero_bytes(self.0 ^ (ONES * signature as u64));
        std::iter::from_fn(move || {
            let way = (found != 0).then(|| (found.trailing_zeros() / 8) as usize);
            found &= found.wrapping_sub(1);
            way
        })
    }

    #[inline(always)]
    fn set(&mut self, way: usize, signature: u8) {
        let shift = 8 * way as u32;
        self.0 = self.0 & !(0xff << shift) | (signature as u64) << shift;
    }
}

/// The ways of a set from the most recently used, in the low byte, to the least; those without a translation come last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Order(u64);

impl Order {
    const NEW: Order = Order(0x0706_0504_0302_0100);

    /// Whether it names each way once.
    fn is_whole(self) -> bool {
        let named = self.0.to_le_bytes().into_iter().fold(0u64, |named, way| named | 1 << (way & 63));
        named == (1 << SECOND_LEVEL_WAYS) - 1 && self.0 & !(ONES * (SECOND_LEVEL_WAYS as u64 - 1)) == 0
    }

    /// The bytes up to the one that names a way.
    #[inline(always)]
    fn up_to(self, way: usize) -> u64 {
        // The byte that names the way becomes zero, and no other; the lowest bit found is that byte's highest.
        let found = zero_bytes(self.0 ^ (ONES * way as u64));
        found ^ found.wrapping_sub(1)
    }

    /// Moves the way that was used least recently to the front, and says which it is.
    #[inline(always)]
    fn reuse_oldest(&mut self) -> usize {
        self.0 = self.0.rotate_left(8);
        self.0 as usize % SECOND_LEVEL_WAYS
    }

    /// Moves a way to the front.
    #[inline(always)]
    fn touch(&mut self, way: usize) {
        let up_to = self.up_to(way);
        let before = up_to >> 8;
        self.0 = self.0 & !up_to | (self.0 & before) << 8 | way as u64;
    }

    /// Moves a way to the end.
    fn retire(&mut self, way: usize) {
        let before = self.up_to(way) >> 8;
        self.0 = self.0 & before | (self.0 >> 8) & !before | (way as u64) << (8 * (SECOND_LEVEL_WAYS - 1));
    }
}

/// The arrays, by set.
#[derive(Clone)]
struct Sets {
    signatures: [Signatures; SECOND_LEVEL_SETS],
    orders: [Order; SECOND_LEVEL_SETS],
    entries: [[Entry; SECOND_LEVEL_WAYS]; SECOND_LEVEL_SETS],
}

/// A set, as it is saved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct SavedSet {
    order: Order,
    ways: [Entry; SECOND_LEVEL_WAYS],
}

/// The second level.
#[derive(Clone)]
pub(super) struct SecondLevel {
    sets: Box<Sets>,
    /// How many translations there are of each page size, by half of the address space.
    sizes: [[u32; PAGE_SHIFTS.len()]; 2],
}

impl SecondLevel {
    /// An empty one.
    pub fn new() -> SecondLevel {
        SecondLevel {
            sets: Box::new(Sets {
                signatures: [Signatures(0); SECOND_LEVEL_SETS],
                orders: [Order::NEW; SECOND_LEVEL_SETS],
                entries: [[Entry::NONE; SECOND_LEVEL_WAYS]; SECOND_LEVEL_SETS],
            }),
            sizes: [[0; PAGE_SHIFTS.len()]; 2],
        }
    }

    /// The translation of an address in a space, which becomes the most recently used of its set.
    #[inline(always)]
    pub fn find(&mut self, address: u64, space: SpaceTag) -> Option<Found> {
        let sizes = self.sizes[half_of(address)];
        for (page_shift, count) in PAGE_SHIFTS.into_iter().zip(sizes) {
            if count == 0 {
                continue;
            }
            let set = set_of(address, page_shift);
            for way in self.sets.signatures[set].matching(Signatures::of(address, page_shift)) {
                let entry = &self.sets.entries[set][way];
                if entry.is_page(address, page_shift) && entry.serves(space) {
                    let found = Found {
                        physical_page: entry.physical_page,
                        page_shift,
                        permissions: entry.permissions(),
                    };
                    self.sets.orders[set].touch(way);
                    return Some(found);
                }
            }
        }
        None
    }

    /// The same without a use.
    pub fn peek(&self, address: u64, space: SpaceTag) -> Option<Found> {
        PAGE_SHIFTS.into_iter().find_map(|page_shift| {
            let ways = &self.sets.entries[set_of(address, page_shift)];
            let entry =
                ways.iter().find(|entry| entry.is_page(address, page_shift) && entry.serves(space))?;
            let permissions = entry.permissions();
            Some(Found { physical_page: entry.physical_page, page_shift, permissions })
        })
    }

    /// Enters a translation, in place of the same page's, of none, or of the least recently used. `is_new`:
    /// [`SecondLevel::find`] has just found nothing for the page.
    #[inline(always)]
    pub fn insert(&mut self, translation: &Translation, is_new: bool) {
        let (page, page_shift) = (translation.virtual_page.0, translation.page_shift);
        let set = set_of(page, page_shift);
        let entry = Entry::of(translation);
        let same = if is_new { None } else { self.way_of(set, entry) };
        let way = match same {
            None => self.sets.orders[set].reuse_oldest(),
            Some(way) => {
                self.sets.orders[set].touch(way);
                way
            }
        };
        let old = &mut self.sets.entries[set][way];
        if !old.counts_as(&entry) {
            if let Some((half, size)) = old.counted() {
                self.sizes[half][size] -= 1;
            }
            self.sizes[half_of(page)][size_of_page(page_shift)] += 1;
        }
        *old = entry;
        self.sets.signatures[set].set(way, Signatures::of(page, page_shift));
    }

    /// The way that holds the same page of the same space.
    #[cold]
    fn way_of(&self, set: usize, entry: Entry) -> Option<usize> {
        self.sets.entries[set].iter().position(|other| other.is_same(&entry))
    }

    fn remove_from_set(&mut self, set: usize, condemned: &impl Fn(&Translation) -> bool) {
        for way in 0..SECOND_LEVEL_WAYS {
            let old = &mut self.sets.entries[set][way];
            if let Some((half, size)) = old.counted()
                && condemned(&old.translation())
            {
                *old = Entry::NONE;
                self.sizes[half][size] -= 1;
                self.sets.orders[set].retire(way);
            }
        }
    }

    /// Removes what `condemned` says.
    pub fn remove_all(&mut self, condemned: impl Fn(&Translation) -> bool) {
        (0..SECOND_LEVEL_SETS).for_each(|set| self.remove_from_set(set, &condemned));
    }

    /// The same, of the pages that may hold an address.
    pub fn remove_at(&mut self, address: u64, condemned: impl Fn(&Translation) -> bool) {
        for page_shift in PAGE_SHIFTS {
            if self.sizes[half_of(address)][size_of_page(page_shift)] != 0 {
                let of_size = |old: &Translation| old.page_shift == page_shift && condemned(old);
                self.remove_from_set(set_of(address, page_shift), &of_size);
            }
        }
    }

    /// Every set, in order.
    pub fn save(&self) -> Vec<SavedSet> {
        let sets = self.sets.orders.iter().zip(&self.sets.entries);
        sets.map(|(&order, &ways)| SavedSet { order, ways }).collect()
    }

    /// What [`SecondLevel::save`] gave. `None`: it did not give that.
    pub fn load(saved: &[SavedSet]) -> Option<SecondLevel> {
        let mut level = SecondLevel::new();
        if saved.len() != SECOND_LEVEL_SETS {
            return None;
        }
        for (set, SavedSet { order, ways }) in saved.iter().enumerate() {
            let belongs = |entry: &Entry| {
                let is_here = entry.page().is_none_or(|(page, page_shift)| set_of(page, page_shift) == set);
                is_here && entry.is_well_formed()
            };
            if !order.is_whole() || !ways.iter().all(belongs) {
                return None;
            }
            level.sets.orders[set] = *order;
            level.sets.entries[set] = *ways;
            for (way, entry) in ways.iter().enumerate() {
                let Some((page, page_shift)) = entry.page() else { continue };
                level.sets.signatures[set].set(way, Signatures::of(page, page_shift));
                level.sizes[half_of(page)][size_of_page(page_shift)] += 1;
            }
        }
        Some(level)
    }

    /// Every translation.
    pub fn translations(&self) -> impl Iterator<Item = Translation> {
        let entries = self.sets.entries.iter().flatten();
        entries.filter(|entry| entry.counted().is_some()).map(Entry::translation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_use() {
        let mut order = Order::NEW;
        let mut list: Vec<usize> = (0..SECOND_LEVEL_WAYS).collect();
        for step in 0..10_000usize {
            let way = step * step / 7 % SECOND_LEVEL_WAYS;
            order.touch(way);
            list.retain(|&other| other != way);
            list.insert(0, way);
            let expected = list.iter().rev().fold(0, |word, &way| word << 8 | way as u64);
            assert_eq!(order.0, expected, "step {step}");
            if step % 5 == 0 {
                let oldest = list.pop().unwrap();
                assert_eq!(order.reuse_oldest(), oldest, "step {step}");
                list.insert(0, oldest);
            }
            if step % 3 == 0 {
                let way = step * 5 % SECOND_LEVEL_WAYS;
                order.retire(way);
                list.retain(|&other| other != way);
                list.push(way);
            }
        }
    }
}
