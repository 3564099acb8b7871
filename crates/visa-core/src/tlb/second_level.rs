//! The second level: set-associative, with exact recency.
//!
//! A set's signatures are a word, and so is its order, so that a lookup touches little memory before it knows that there is
//! nothing, and finding the oldest way takes no comparison.

use super::{NO_SPACE, Permissions};
use super::{PAGE_SHIFTS, SECOND_LEVEL_SETS, SECOND_LEVEL_WAYS, Translation, size_of_page};
use visa_isa::paging::PAGE_SHIFT;

/// The address of a way without a translation: no page has it.
const NO_PAGE: u64 = u64::MAX;

/// One in each byte, of which there is one for a way.
const ONES: u64 = 0x0101_0101_0101_0101;
const _: () = assert!(SECOND_LEVEL_WAYS == size_of::<u64>());

/// The set of a page.
#[inline(always)]
fn set_of(address: u64, page_shift: u32) -> usize {
    (address >> page_shift) as usize % SECOND_LEVEL_SETS
}

/// Upper and lower half of the address space, which a kernel and its programs share between them.
fn half_of(address: u64) -> usize {
    (address >> 63) as usize
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
#[derive(Clone, Copy)]
struct Order(u64);

impl Order {
    const NEW: Order = Order(0x0706_0504_0302_0100);

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

/// The second level.
pub(super) struct SecondLevel {
    signatures: Box<[Signatures; SECOND_LEVEL_SETS]>,
    orders: Box<[Order; SECOND_LEVEL_SETS]>,
    translations: Box<[[Translation; SECOND_LEVEL_WAYS]; SECOND_LEVEL_SETS]>,
    /// How many translations there are of each page size, by half of the address space.
    sizes: [[u32; PAGE_SHIFTS.len()]; 2],
}

impl SecondLevel {
    /// An empty one.
    pub fn new() -> SecondLevel {
        SecondLevel {
            signatures: Box::new([Signatures(0); SECOND_LEVEL_SETS]),
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
            let (set, page) = (set_of(address, page_shift), address >> page_shift << page_shift);
            for way in self.signatures[set].matching(Signatures::of(address, page_shift)) {
                let found = &self.translations[set][way];
                if found.is_page(page, page_shift)
                    && found.vmid == vmid
                    && (found.asid == asid || found.global && asid != NO_SPACE)
                {
                    self.orders[set].touch(way);
                    return Some(&self.translations[set][way]);
                }
            }
        }
        None
    }

    /// Enters a translation, in place of the same page's, of none, or of the least recently used. `is_new`:
    /// [`SecondLevel::find`] has just found nothing for the page.
    #[inline(always)]
    pub fn insert(&mut self, translation: &Translation, is_new: bool) {
        let (page, page_shift) = (translation.virtual_page, translation.page_shift);
        let set = set_of(page, page_shift);
        // By value: what has an address is written to memory first, and copied from there.
        let same = if is_new { None } else { self.way_of(set, *translation) };
        let way = match same {
            None => self.orders[set].reuse_oldest(),
            Some(way) => {
                self.orders[set].touch(way);
                way
            }
        };
        let old = &self.translations[set][way];
        if old.page_shift != page_shift || half_of(old.virtual_page ^ page) != 0 || old.is_none() {
            self.count_out(set, way);
            self.sizes[half_of(page)][size_of_page(page_shift)] += 1;
        }
        self.signatures[set].set(way, Signatures::of(page, page_shift));
        self.translations[set][way] = *translation;
    }

    /// The way that holds the same page of the same space.
    #[cold]
    fn way_of(&self, set: usize, translation: Translation) -> Option<usize> {
        self.translations[set].iter().position(|other| {
            other.is_page(translation.virtual_page, translation.page_shift)
                && other.vmid == translation.vmid
                && other.asid == translation.asid
        })
    }

    /// Empties a way.
    fn remove(&mut self, set: usize, way: usize) {
        self.count_out(set, way);
        self.translations[set][way] = NO_TRANSLATION;
        self.orders[set].retire(way);
    }

    /// What a way holds does not count any more.
    fn count_out(&mut self, set: usize, way: usize) {
        let old = &self.translations[set][way];
        if !old.is_none() {
            self.sizes[half_of(old.virtual_page)][size_of_page(old.page_shift)] -= 1;
        }
    }

    fn remove_from_set(&mut self, set: usize, condemned: &impl Fn(&Translation) -> bool) {
        for way in 0..SECOND_LEVEL_WAYS {
            let old = &self.translations[set][way];
            if !old.is_none() && condemned(old) {
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
        self.translations.iter().flatten().filter(|translation| !translation.is_none())
    }
}

impl Translation {
    #[inline(always)]
    fn is_page(&self, page: u64, page_shift: u32) -> bool {
        self.virtual_page == page && self.page_shift == page_shift
    }

    #[inline(always)]
    fn is_none(&self) -> bool {
        self.virtual_page == NO_PAGE
    }
}

/// What is in places without a translation.
const NO_TRANSLATION: Translation = Translation {
    virtual_page: NO_PAGE,
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
