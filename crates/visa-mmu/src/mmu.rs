//! A hart's unit of translation: the TLB, and what walks remember.

use visa_state::HartState;

use crate::context::{classes, space};
use crate::nested_cache::NestedCache;
use crate::range_tags::RangeTags;
use crate::tlb::{NO_SPACE, Tlb};
use crate::walk_cache::WalkCache;

/// Everything between the addresses of a hart's accesses and RAM.
///
/// The TLB is architecture, since its misses are counted exactly (specification, 4.2). What walks remember saves time, but can be told from
/// what the tables say now by a guest that changes them without a fence. So both are part of what is saved ([`crate::SavedMmu`]).
#[derive(Clone)]
pub struct Mmu {
    /// Translation caches.
    pub tlb: Tlb,
    /// Whether a stage translates in the ring in use.
    pub(crate) translates: bool,
    /// With which ranges translations were made.
    pub(crate) range_tags: RangeTags,
    /// What walks remember of the second stage.
    pub(crate) nested: NestedCache,
    /// What they remember of the first.
    pub(crate) walk_cache: WalkCache,
}

impl Mmu {
    /// That of a hart after reset.
    pub fn new(state: &HartState) -> Mmu {
        let mut mmu = Mmu {
            tlb: Tlb::of_hart(state.id),
            translates: false,
            range_tags: RangeTags::default(),
            nested: NestedCache::default(),
            walk_cache: WalkCache::default(),
        };
        mmu.update_context(state);
        mmu
    }

    /// Recomputes the context of translations after a change of ring, CR3, HPTBR, ranges, SUM or MXR.
    pub fn update_context(&mut self, state: &HartState) {
        let space = space(state);
        self.translates = space.guest && (space.asid != NO_SPACE || state.vm.hptbr >> 60 != 0);
        let (class, fetch_class) = classes(state);
        self.tlb.set_context(space, class, fetch_class);
    }

    /// Recomputes what the context has of ring, SUM and MXR, where nothing else changed.
    pub fn update_class(&mut self, state: &HartState) {
        let (class, fetch_class) = classes(state);
        self.tlb.set_class(class, fetch_class);
    }

    /// After a change of the VM in use or of its ranges: drops what other ranges have made.
    pub fn note_ranges(&mut self, state: &HartState) {
        if self.range_tags.note(&mut self.tlb, state) {
            self.forget_walks();
        }
    }

    /// Forgets what walks remember of either stage.
    pub fn forget_walks(&mut self) {
        self.nested.clear();
        self.walk_cache.clear();
    }
}
