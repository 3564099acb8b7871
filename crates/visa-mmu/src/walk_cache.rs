//! What walks remember of the first stage: where the table of the lowest level is that maps an address, so that most
//! walks read one entry (specification, 4.2).
//!
//! It is dropped with what walks remember of the second stage, on which it depends, and for one address by SFENCE.VMA with that
//! address. CR3 and HPTBR are part of what is remembered. The references that a walk would have made are counted all the same.

use serde::{Deserialize, Serialize};
use visa_isa::paging::{LEVEL_BITS, PAGE_SHIFT, PAGE_SIZE};

/// How many tables are remembered.
const TABLES: usize = 128;
/// What a table of the lowest level maps, as a power of two.
const REGION_SHIFT: u32 = PAGE_SHIFT + LEVEL_BITS;
/// Where keys have the generation: above the number of the region.
const GENERATION_SHIFT: u32 = u64::BITS - REGION_SHIFT;
/// The bits of keys that hold the number of the region.
const REGIONS: u64 = (1 << GENERATION_SHIFT) - 1;
/// How many generations there are.
const GENERATIONS: u64 = 1 << REGION_SHIFT;

/// More than a walk of both stages, of four levels each, reads.
const REFERENCES_MAX: u64 = 24;

/// A table of the lowest level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LowestTable {
    /// The offset of RAM of its first entry.
    pub offset: u64,
    /// Entries that a walk reads of both stages' tables until it has read one of this table.
    pub references: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct RememberedTable {
    /// The region of virtual addresses, and the generation. In generation 0 nothing is remembered.
    key: u64,
    cr3: u64,
    hptbr: u64,
    table: LowestTable,
}

const NOTHING: RememberedTable =
    RememberedTable { key: 0, cr3: 0, hptbr: 0, table: LowestTable { offset: 0, references: 0 } };

/// The remembered tables of a hart.
#[derive(Clone)]
pub struct WalkCache {
    tables: Box<[RememberedTable; TABLES]>,
    /// Counts from 1: only what is of this generation is still remembered.
    generation: u64,
}

impl Default for WalkCache {
    fn default() -> Self {
        WalkCache { tables: Box::new([NOTHING; TABLES]), generation: 1 }
    }
}

impl WalkCache {
    /// The table that maps an address.
    #[inline(always)]
    pub fn find(&self, address: u64, cr3: u64, hptbr: u64) -> Option<LowestTable> {
        let remembered = &self.tables[index(address)];
        let same = remembered.key == self.key(address) && remembered.cr3 == cr3 && remembered.hptbr == hptbr;
        same.then_some(remembered.table)
    }

    /// Remembers it.
    pub fn remember(&mut self, address: u64, cr3: u64, hptbr: u64, table: LowestTable) {
        self.tables[index(address)] = RememberedTable { key: self.key(address), cr3, hptbr, table };
    }

    /// Forgets what maps an address.
    pub fn forget(&mut self, address: u64) {
        self.tables[index(address)] = NOTHING;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.generation += 1;
        if self.generation == GENERATIONS {
            *self = WalkCache::default();
        }
    }

    /// What is remembered, by place. It is saved, since tables that a guest has changed without a fence are remembered as they were.
    pub fn save(&self) -> Vec<RememberedTable> {
        let is_valid = |table: &&RememberedTable| table.key >> GENERATION_SHIFT == self.generation;
        let region = |table: &RememberedTable| RememberedTable { key: table.key & REGIONS, ..*table };
        self.tables.iter().filter(is_valid).map(region).collect()
    }

    /// What [`WalkCache::save`] gave. `None`: it did not give that, on a machine with so many bytes of RAM.
    pub fn load(saved: &[RememberedTable], ram_bytes: u64) -> Option<WalkCache> {
        let mut cache = WalkCache::default();
        for &RememberedTable { key, cr3, hptbr, table } in saved {
            let is_table = table.offset.is_multiple_of(PAGE_SIZE) && table.offset < ram_bytes;
            (is_table && table.references <= REFERENCES_MAX).then_some(())?;
            cache.remember(key << REGION_SHIFT, cr3, hptbr, table);
        }
        Some(cache)
    }

    #[inline(always)]
    fn key(&self, address: u64) -> u64 {
        address >> REGION_SHIFT | self.generation << GENERATION_SHIFT
    }
}

#[inline(always)]
fn index(address: u64) -> usize {
    (address >> REGION_SHIFT) as usize % TABLES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_of_one_region_and_of_both_tables() {
        let (a, b) = (0x4000_0000, 0x4020_0000);
        let offset = |cache: &WalkCache, address, cr3, hptbr| {
            cache.find(address, cr3, hptbr).map(|table| table.offset)
        };
        let mut cache = WalkCache::default();
        assert_eq!(offset(&cache, 0, 0, 0), None);
        cache.remember(a, 1, 2, LowestTable { offset: 0x1000, references: 3 });
        cache.remember(b, 1, 2, LowestTable { offset: 0x2000, references: 3 });
        assert_eq!(offset(&cache, a + 0x1f_ffff, 1, 2), Some(0x1000));
        assert_eq!(offset(&cache, b, 1, 2), Some(0x2000));
        assert_eq!(offset(&cache, a, 2, 2), None);
        assert_eq!(offset(&cache, a, 1, 1), None);
        // The same place.
        assert_eq!(offset(&cache, a + ((TABLES as u64) << REGION_SHIFT), 1, 2), None);
        cache.forget(a + 0x1000);
        assert_eq!(offset(&cache, a, 1, 2), None);
        assert_eq!(offset(&cache, b, 1, 2), Some(0x2000));
        cache.clear();
        assert_eq!(offset(&cache, b, 1, 2), None);
    }

    #[test]
    fn no_generation_comes_again() {
        let mut cache = WalkCache::default();
        cache.remember(0, 0, 0, LowestTable { offset: 0, references: 0 });
        for _ in 0..2 * GENERATIONS {
            cache.clear();
            assert!(cache.find(0, 0, 0).is_none());
        }
    }
}
