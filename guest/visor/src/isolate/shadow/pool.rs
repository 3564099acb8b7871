//! The pool of shadow tables: a bounded number of pages, each with a note of what it stands for.
//!
//! A page on the free list holds zeros alone, so that taking one costs nothing but the first time; whoever gives one
//! back has cleared the groups of entries in [`Note::groups`], which usually are few.

use super::hardware::Memory;
use visa_isa::paging::entry::ENTRY_BYTES;
use visa_isa::paging::{PAGE_SHIFT, PAGE_SIZE};

/// The most tables that a pool has.
pub const TABLES_MAX: usize = 4096;

/// Ends the free list, and stands for "no table".
pub const NONE: u32 = u32::MAX;

/// Entries whose use is noted together.
const GROUP: u64 = 8;

/// What a table stands for.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// Guest-physical address of the guest's table, or `NO_TABLE`.
    pub guest: u64,
    /// A bit for each group of [`GROUP`] entries of which one was ever set.
    pub groups: u64,
    /// Of a shared table: the entry of the tables above that points to it.
    pub slot: u16,
    /// How many entries point to it.
    pub references: u16,
    /// Whose permissions it shows ([`super::layout::Role`] as a number).
    pub role: u8,
    /// Its level.
    pub level: u8,
    /// Next on the free list, or among the shared tables.
    pub next: u32,
}

impl Note {
    /// Of a table that nobody has taken.
    pub const UNUSED: Note =
        Note { guest: 0, groups: 0, slot: 0, references: 0, role: 0, level: 0, next: NONE };
}

impl Note {
    /// The entries that may be set.
    pub fn entries(&self) -> impl Iterator<Item = u64> + use<> {
        let mut groups = self.groups;
        let each = core::iter::from_fn(move || {
            let group = (groups != 0).then(|| groups.trailing_zeros() as u64);
            groups &= groups.wrapping_sub(1);
            group
        });
        each.flat_map(|group| group * GROUP..(group + 1) * GROUP)
    }
}

/// The pool.
pub struct Pool<'a> {
    base: u64,
    notes: &'a mut [Note],
    /// Pages from here on were never taken.
    fresh: u32,
    free: u32,
    used: u32,
}

impl<'a> Pool<'a> {
    /// A pool of as many pages at a physical address as there are notes.
    pub fn new(base: u64, notes: &'a mut [Note]) -> Self {
        Pool { base, notes, fresh: 0, free: NONE, used: 0 }
    }

    /// Takes a page of zeros.
    pub fn take(&mut self, memory: &mut impl Memory, note: Note) -> Option<u32> {
        let number = if self.free != NONE {
            let number = self.free;
            self.free = self.notes[number as usize].next;
            number
        } else if (self.fresh as usize) < self.notes.len() {
            let number = self.fresh;
            self.fresh += 1;
            let page = self.address(number);
            for offset in (0..PAGE_SIZE).step_by(ENTRY_BYTES as usize) {
                memory.store(page + offset, 0);
            }
            number
        } else {
            return None;
        };
        self.used += 1;
        self.notes[number as usize] = Note { groups: 0, ..note };
        Some(number)
    }

    /// Clears a table. What its entries pointed to is the caller's.
    pub fn clear(&mut self, memory: &mut impl Memory, number: u32) {
        for index in self.notes[number as usize].entries() {
            memory.store(self.address(number) + index * ENTRY_BYTES, 0);
        }
        self.notes[number as usize].groups = 0;
    }

    /// Gives a page back, and clears it.
    pub fn give(&mut self, memory: &mut impl Memory, number: u32) {
        self.clear(memory, number);
        self.notes[number as usize] = Note { next: self.free, ..Note::UNUSED };
        self.free = number;
        self.used -= 1;
    }

    /// A table's physical address.
    #[inline]
    pub fn address(&self, number: u32) -> u64 {
        // The pool ends below the end of memory.
        self.base.wrapping_add((number as u64) << PAGE_SHIFT)
    }

    /// The table at a physical address.
    #[inline]
    pub fn number(&self, address: u64) -> u32 {
        (address.wrapping_sub(self.base) >> PAGE_SHIFT) as u32
    }

    /// What a table stands for.
    #[inline]
    pub fn note(&self, number: u32) -> &Note {
        &self.notes[number as usize]
    }

    /// What a table stands for, to change.
    #[inline]
    pub fn note_mut(&mut self, number: u32) -> &mut Note {
        &mut self.notes[number as usize]
    }

    /// Reads an entry.
    #[inline]
    pub fn entry(&self, memory: &impl Memory, number: u32, index: u64) -> u64 {
        memory.load(self.address(number).wrapping_add(index * ENTRY_BYTES))
    }

    /// Writes an entry.
    #[inline]
    pub fn set_entry(&mut self, memory: &mut impl Memory, number: u32, index: u64, entry: u64) {
        self.notes[number as usize].groups |= 1 << (index / GROUP);
        memory.store(self.address(number).wrapping_add(index * ENTRY_BYTES), entry);
    }

    /// How many tables are in use.
    pub fn used(&self) -> usize {
        self.used as usize
    }
}
