//! Address spaces: tables that map memory to itself, in pages of all sizes.

use std::ops::Range;

use visa_isa::paging::{
    LEVEL_BITS, Mode, PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_PPN_SHIFT, PTE_READ, PTE_VALID,
    PTE_WRITE, TableBase,
};

use crate::Random;

const ENTRIES: u64 = 1 << LEVEL_BITS;

/// A page of 4 KiB that is mapped elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Its address.
    pub virtual_address: u64,
    /// Where it is.
    pub physical: u64,
}

/// An address space.
#[derive(Clone, Debug)]
pub struct Space {
    /// CR3.
    pub cr3: u64,
    /// The tables, from the address on that they are for.
    pub tables: Vec<u8>,
}

/// Makes one.
struct Maker<'a> {
    random: &'a mut Random,
    at: u64,
    memory: Range<u64>,
    moved: Option<Page>,
    words: Vec<u64>,
    /// Whether accessed and dirty bits are set from the start: all of them, or as it happens.
    marked: bool,
}

impl Space {
    /// Maps memory, whose start is on a boundary of 2 MiB, to itself, but for a page that is elsewhere; its tables are at an address.
    /// With three levels or four, in large pages or small ones, and with accessed and dirty bits to be set or set already.
    pub fn random(random: &mut Random, memory: Range<u64>, at: u64, moved: Option<Page>) -> Space {
        let mode = if random.once_in(3) { Mode::Sv48 } else { Mode::Sv39 };
        let marked = random.once_in(2);
        let mut maker = Maker { random, at, memory, moved, words: Vec::new(), marked };
        let root = maker.table(mode.levels() - 1, 0);
        let cr3 = TableBase { mode, tag: 0, root }.value();
        Space { cr3, tables: maker.words.into_iter().flat_map(u64::to_le_bytes).collect() }
    }
}

impl Maker<'_> {
    /// Makes the table of a level for the addresses from `start` on, with those below it; gives its address.
    fn table(&mut self, level: u32, start: u64) -> u64 {
        let place = self.words.len();
        self.words.resize(place + ENTRIES as usize, 0);
        let shift = PAGE_SHIFT + LEVEL_BITS * level;
        for index in 0..ENTRIES {
            let address = start + (index << shift);
            let range = address..address + (1 << shift);
            if range.end <= self.memory.start || self.memory.end <= range.start {
                continue;
            }
            self.words[place + index as usize] = self.entry(level, range);
        }
        self.at + 8 * place as u64
    }

    fn entry(&mut self, level: u32, range: Range<u64>) -> u64 {
        let moved = self.moved.filter(|page| range.contains(&page.virtual_address));
        let whole = range.start.is_multiple_of(range.end - range.start);
        let fits = level == 0 || moved.is_none() && whole && self.random.once_in(2);
        if !fits {
            let table = self.table(level - 1, range.start);
            return table >> PAGE_SHIFT << PTE_PPN_SHIFT | PTE_VALID;
        }
        let physical = moved.map_or(range.start, |page| page.physical);
        let marks = match self.marked || self.random.once_in(4) {
            true => PTE_ACCESSED | PTE_DIRTY,
            false => self.random.pick(&[0, 0, PTE_ACCESSED]),
        };
        physical >> PAGE_SHIFT << PTE_PPN_SHIFT | PTE_VALID | PTE_READ | PTE_WRITE | PTE_EXECUTE | marks
    }
}
