//! The second level: set-associative, with exact recency.
//!
//! Each set's keys fill a line of the host's cache, and its order is a word, so that a lookup touches little memory before it
//! knows that there is nothing, and finding the oldest way takes no comparison.

use super::{NO_SPACE, Permissions};
use super::{PAGE_SHIFTS, SECOND_LEVEL_SETS, SECOND_LEVEL_WAYS, Translation, size_of_page};
use visa_isa::paging::PAGE_SHIFT;

/// The key of a way without a translation: pages have no such address.
const NO_KEY: u64 = u64::MAX;

/// What lookups compare first: the page's address and its size.
fn key_of(address: u64, page_shift: u32) -> u64 {
    address >> page_shift << page_shift | page_shift as u64
}

/// The set of a page.
fn set_of(address: u64, page_shift: u32) -> usize {
    (address >> page_shift) as usize % SECOND_LEVEL_SETS
}

/// Upper and lower half of the address space, which a kernel and its programs share between them.
fn half_of(address: u64) -> usize {
    (address >> 63) as usize
}

/// The keys of a set.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Keys([u64; SECOND_LEVEL_WAYS]);

impl Keys {
    /// A bit for each way with the key.
    #[inline(always)]
    fn matching(&self, key: u64) -> u32 {
        let mut ways = 0;
        for (way, other) in self.0.iter().enumerate() {
            ways |= ((*other == key) as u32) << way;
        }
        ways
    }
}

/// The ways of a set from the most recently used, in the low byte, to the least; those without a translation come last.
#[derive(Clone, Copy)]
struct Order(u64);

impl Order {
    const NEW: Order = Order(0x0706_0504_0302_0100);

    /// The way that was used least recently.
    fn oldest(self) -> usize {
        (self.0 >> (8 * (SECOND_LEVEL_WAYS - 1))) as usize
    }

    /// The bytes up to the one that names a way.
    #[inline(always)]
    fn up_to(self, way: usize) -> u64 {
        const ONES: u64 = 0x0101_0101_0101_0101;
        // The byte that names the way becomes zero, and no other; the lowest bit found is that byte's highest.
        let differs = self.0 ^ (ONES * way as u64);
        let found = differs.wrapping_sub(ONES) & !differs & ONES << 7;
        found ^ found.wrapping_sub(1)
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

/// Ways by the low bit first.
fn ways_of(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let way = (bits != 0).then(|| bits.trailing_zeros() as usize % SECOND_LEVEL_WAYS);
        bits &= bits.wrapping_sub(1);
        way
    })
}

/// The second level.
pub(super) struct SecondLevel {
    keys: Box<[Keys; SECOND_LEVEL_SETS]>,
    orders: Box<[Order; SECOND_LEVEL_SETS]>,
    translations: Box<[[Translation; SECOND_LEVEL_WAYS]; SECOND_LEVEL_SETS]>,
    /// How many translations there are of each page size, by half of the address space.
    sizes: [[u32; PAGE_SHIFTS.len()]; 2],
}

impl SecondLevel {
    /// An empty one.
    pub fn new() -> SecondLevel {
        SecondLevel {
            keys: Box::new([Keys([NO_KEY; SECOND_LEVEL_WAYS]); SECOND_LEVEL_SETS]),
            orders: Box::new([Order::NEW; SECOND_LEVEL_SETS]),
            translations: Box::new([[NO_TRANSLATION; SECOND_LEVEL_WAYS]; SECOND_LEVEL_SETS]),
            sizes: [[0; PAGE_SHIFTS.len()]; 2],
        }
    }

    /// The translation of an address in a space, which becomes the most recently used of its set.
    #[inline(always)]
    pub fn find(&mut self, address: u64, asid: u32, vmid: u16) -> Option<&Translation> {
        let sizes = self.sizes[half_of(address)];
        for (page_shift, count) in PAGE_SHIFTS.into_iter().zip(sizes) {
            if count == 0 {
                continue;
            }
            let set = set_of(address, page_shift);
            for way in ways_of(self.keys[set].matching(key_of(address, page_shift))) {
                let found = &self.translations[set][way];
                if found.vmid == vmid && (found.asid == asid || found.global && asid != NO_SPACE) {
                    self.orders[set].touch(way);
                    return Some(&self.translations[set][way]);
                }
            }
        }
        None
    }

    /// Enters a translation, in place of the same page's, of none, or of the least recently used. `is_new`:
    /// [`SecondLevel::find`] has just found nothing for the page.
    #[inline]
    pub fn insert(&mut self, translation: &Translation, is_new: bool) {
        let (page, page_shift) = (translation.virtual_page, translation.page_shift);
        let set = set_of(page, page_shift);
        let way = match is_new {
            true => self.orders[set].oldest(),
            false => self.way_of(set, translation).unwrap_or(self.orders[set].oldest()),
        };
        self.count_out(set, way);
        self.sizes[half_of(page)][size_of_page(page_shift)] += 1;
        self.keys[set].0[way] = key_of(page, page_shift);
        self.translations[set][way] = *translation;
        self.orders[set].touch(way);
    }

    /// The way that holds the same page of the same space.
    #[cold]
    fn way_of(&self, set: usize, translation: &Translation) -> Option<usize> {
        let (keys, ways) = (&self.keys[set], &self.translations[set]);
        let same = |way: &usize| ways[*way].vmid == translation.vmid && ways[*way].asid == translation.asid;
        ways_of(keys.matching(key_of(translation.virtual_page, translation.page_shift))).find(same)
    }

    /// Empties a way.
    fn remove(&mut self, set: usize, way: usize) {
        self.count_out(set, way);
        self.keys[set].0[way] = NO_KEY;
        self.orders[set].retire(way);
    }

    /// What a way holds does not count any more.
    #[inline]
    fn count_out(&mut self, set: usize, way: usize) {
        let key = self.keys[set].0[way];
        if key != NO_KEY {
            let page_shift = key as u32 % (1 << PAGE_SHIFT);
            self.sizes[half_of(key)][size_of_page(page_shift)] -= 1;
        }
    }

    fn remove_from_set(&mut self, set: usize, condemned: &impl Fn(&Translation) -> bool) {
        for way in 0..SECOND_LEVEL_WAYS {
            if self.keys[set].0[way] != NO_KEY && condemned(&self.translations[set][way]) {
                self.remove(set, way);
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

    /// Every translation.
    pub fn translations(&self) -> impl Iterator<Item = &Translation> {
        let sets = self.keys.iter().zip(self.translations.iter());
        let ways = sets.flat_map(|(keys, translations)| keys.0.iter().zip(translations));
        ways.filter(|(key, _)| **key != NO_KEY).map(|(_, translation)| translation)
    }
}

/// What is in places without a translation.
const NO_TRANSLATION: Translation = Translation {
    virtual_page: 0,
    physical_page: 0,
    guest_physical_page: 0,
    page_shift: PAGE_SHIFT,
    first_stage_shift: PAGE_SHIFT,
    permissions: Permissions(0),
    global: false,
    asid: NO_SPACE,
    vmid: 0,
};

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
            assert_eq!(order.oldest(), list[SECOND_LEVEL_WAYS - 1]);
            if step % 3 == 0 {
                let way = step * 5 % SECOND_LEVEL_WAYS;
                order.retire(way);
                list.retain(|&other| other != way);
                list.push(way);
            }
        }
    }
}
