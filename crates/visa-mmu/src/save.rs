//! What is saved of a hart's translation: all that it remembers.

use serde::{Deserialize, Serialize};
use visa_state::HartState;

use crate::mmu::Mmu;
use crate::nested_cache::{NestedCache, SavedNestedCache};
use crate::range_tags::RangeTags;
use crate::tlb::{SavedTlb, Tlb};
use crate::walk_cache::{RememberedTable, WalkCache};

/// A [`Mmu`] as a value: it clones, compares, and can be written and read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SavedMmu {
    tlb: SavedTlb,
    range_tags: RangeTags,
    nested: SavedNestedCache,
    walk_cache: Vec<RememberedTable>,
}

impl Mmu {
    /// All that is remembered.
    pub fn save(&self) -> SavedMmu {
        SavedMmu {
            tlb: self.tlb.save(),
            range_tags: self.range_tags.clone(),
            nested: self.nested.save(),
            walk_cache: self.walk_cache.save(),
        }
    }

    /// That of a hart in a state, with what [`Mmu::save`] gave. `None`: it did not give that, on a machine with so many bytes of RAM.
    pub fn load(saved: &SavedMmu, state: &HartState, ram_bytes: u64) -> Option<Mmu> {
        let mut mmu = Mmu {
            tlb: Tlb::load(&saved.tlb, state.id, ram_bytes)?,
            range_tags: saved.range_tags.clone(),
            nested: NestedCache::load(&saved.nested)?,
            walk_cache: WalkCache::load(&saved.walk_cache, ram_bytes)?,
            ..Mmu::new(state)
        };
        mmu.update_context(state);
        Some(mmu)
    }
}
