//! The TLBs and the walker: a combined two-level TLB, and what walks remember of both stages.
//!
//! ```text
//!  fetches ─► instruction TLB ─┐                                 ┌─ guest walk cache: upper levels of the first stage
//!  loads,                      ├─► second-level TLB ─► walker ───┼─ nested TLB: guest-physical to physical
//!  stores  ─► data TLB ────────┘   (guest-virtual to physical)   └─ nested walk cache: upper levels of the second stage
//! ```
//!
//! A walk of Sv39 on Sv39 reads 15 entries (Sv48 on Sv48: 24) if nothing is remembered, and at most 3 if the upper levels
//! are: the second stage's leaf for the first stage's leaf table, the first stage's leaf, and the second stage's leaf for
//! the address that it gives.

use visa_isa::Physical;
use visa_isa::paging::Access;
use visa_isa::paging::{LEVEL_BITS, PAGE_SHIFT};
use visa_mmu::walk_trace::{NestedPath, WalkTrace};

use crate::cache::Hierarchy;
use crate::parameters::Parameters;
use crate::sets::Sets;

/// Most references of a walk: Sv48 on Sv48.
pub const WALK_REFERENCES_MAX: usize = 24;

/// Counts of translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TranslationCounts {
    /// Misses of the first-level TLB for fetches.
    pub instruction_misses: u64,
    /// Misses of the first-level TLB for loads and stores.
    pub data_misses: u64,
    /// Walks: misses of the second level too.
    pub walks: u64,
    /// Entries of the first stage that walks read.
    pub guest_references: u64,
    /// Entries of the second stage that walks read.
    pub nested_references: u64,
    /// Walks by the number of entries that they read.
    pub walks_by_references: [u64; WALK_REFERENCES_MAX + 1],
    /// Flush instructions, and flushes for want of tags.
    pub flushes: u64,
}

impl Default for TranslationCounts {
    fn default() -> Self {
        TranslationCounts {
            instruction_misses: 0,
            data_misses: 0,
            walks: 0,
            guest_references: 0,
            nested_references: 0,
            walks_by_references: [0; WALK_REFERENCES_MAX + 1],
            flushes: 0,
        }
    }
}

/// The address space of an access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Space {
    /// ASID, or what stands for none.
    pub asid: u32,
    /// VMID.
    pub vmid: u16,
}

/// A combined translation.
#[derive(Clone, Copy, Debug)]
struct Combined {
    page: u64,
    page_shift: u32,
    physical: u64,
    guest_physical: u64,
    space: Space,
    global: bool,
    dirty: bool,
}

impl Combined {
    #[inline(always)]
    fn maps(&self, address: u64, space: Space) -> bool {
        address >> self.page_shift == self.page >> self.page_shift
            && self.space.vmid == space.vmid
            && (self.global || self.space.asid == space.asid)
    }
}

/// Where in the first stage's tables a walk may start.
#[derive(Clone, Copy, Debug)]
struct GuestTable {
    space: Space,
    level: u32,
    prefix: u64,
}

/// Where in the second stage's tables a walk may start.
#[derive(Clone, Copy, Debug)]
struct NestedTable {
    vmid: u16,
    level: u32,
    prefix: u64,
}

/// A page of the second stage.
#[derive(Clone, Copy, Debug)]
struct NestedPage {
    vmid: u16,
    page: u64,
    page_shift: u32,
}

/// What an access found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Found {
    /// Physical address; the virtual one if nothing maps it.
    pub physical: u64,
    /// Millicycles beyond a first-level hit.
    pub latency: u64,
}

/// The TLBs, the walk caches and the walker of a hart.
#[derive(Clone, Debug)]
pub(crate) struct Translator {
    instruction: Sets<Combined>,
    data: Sets<Combined>,
    second: Sets<Combined>,
    /// Page sizes that the second level may hold, a bit each.
    sizes: u64,
    guest_tables: Sets<GuestTable>,
    nested_tables: Sets<NestedTable>,
    nested_pages: Sets<NestedPage>,
    second_latency: u64,
    walk_start: u64,
    walk_hit: u64,
    reads_second_level: bool,
    pub counts: TranslationCounts,
}

/// The address bits above what a table of a level translates.
fn prefix(address: u64, level: u32) -> u64 {
    address >> (PAGE_SHIFT + LEVEL_BITS * (level + 1))
}

impl Translator {
    pub fn new(p: &Parameters, walk_caches: bool) -> Translator {
        fn associative<T: Copy>(entries: u64) -> Sets<T> {
            Sets::new(entries, entries)
        }
        let remembered = |entries: u64| if walk_caches { entries } else { 0 };
        Translator {
            instruction: associative(p.itlb),
            data: associative(p.dtlb),
            second: Sets::new(p.tlb2, p.tlb2_ways),
            sizes: 0,
            guest_tables: associative(remembered(p.guest_walk_cache)),
            nested_tables: associative(remembered(p.nested_walk_cache)),
            nested_pages: associative(remembered(p.nested_tlb)),
            second_latency: p.tlb2_latency,
            walk_start: p.walk_start,
            walk_hit: p.walk_hit,
            reads_second_level: p.walk_level == 2,
            counts: TranslationCounts::default(),
        }
    }

    /// Translates; `trace` is asked for the walk only if both levels miss.
    #[inline]
    pub fn translate(
        &mut self,
        caches: &mut Hierarchy,
        address: u64,
        access: Access,
        space: Space,
        trace: impl FnOnce() -> WalkTrace,
    ) -> Found {
        let stores = access == Access::Store;
        let first = if access == Access::Fetch { &mut self.instruction } else { &mut self.data };
        match first.find(0, |entry| entry.maps(address, space) && (!stores || entry.dirty)) {
            Some(entry) => Found { physical: place(entry, address), latency: 0 },
            None => self.miss(caches, address, access, space, trace),
        }
    }

    #[cold]
    fn miss(
        &mut self,
        caches: &mut Hierarchy,
        address: u64,
        access: Access,
        space: Space,
        trace: impl FnOnce() -> WalkTrace,
    ) -> Found {
        match access {
            Access::Fetch => self.counts.instruction_misses += 1,
            _ => self.counts.data_misses += 1,
        }
        if let Some(entry) = self.find_second(address, space, access == Access::Store) {
            self.enter_first(access, entry);
            return Found { physical: place(&entry, address), latency: self.second_latency };
        }
        let trace = trace();
        let latency = self.second_latency + self.walk(caches, address, space, &trace);
        let Some((physical, page_shift)) = trace.mapped() else {
            return Found { physical: address, latency };
        };
        let last = trace.last.unwrap_or_default();
        let mask = (1u64 << page_shift) - 1;
        let entry = Combined {
            page: address & !mask,
            page_shift,
            physical: physical.page(page_shift).0,
            guest_physical: last.guest_physical.page(page_shift).0,
            space,
            global: trace.global,
            dirty: trace.dirty && last.dirty,
        };
        self.sizes |= 1 << page_shift;
        let index = entry.page >> page_shift;
        match self.second.find(index, |old| old.page_shift == page_shift && old.maps(address, space)) {
            Some(old) => *old = entry,
            None => self.second.insert(index, entry),
        }
        self.enter_first(access, entry);
        Found { physical: physical.0, latency }
    }

    fn find_second(&mut self, address: u64, space: Space, stores: bool) -> Option<Combined> {
        let mut sizes = self.sizes;
        while sizes != 0 {
            let page_shift = sizes.trailing_zeros();
            sizes &= sizes - 1;
            let fits = |entry: &Combined| {
                entry.page_shift == page_shift && entry.maps(address, space) && (!stores || entry.dirty)
            };
            if let Some(entry) = self.second.find(address >> page_shift, fits) {
                return Some(*entry);
            }
        }
        None
    }

    fn enter_first(&mut self, access: Access, entry: Combined) {
        let first = if access == Access::Fetch { &mut self.instruction } else { &mut self.data };
        match first.find(0, |old| old.page_shift == entry.page_shift && old.maps(entry.page, entry.space)) {
            Some(old) => *old = entry,
            None => first.insert(0, entry),
        }
    }

    /// Walks, with what is remembered: the millicycles that it takes.
    fn walk(&mut self, caches: &mut Hierarchy, address: u64, space: Space, trace: &WalkTrace) -> u64 {
        let mut walk = Walk { latency: self.walk_start, guest: 0, nested: 0 };
        let steps = trace.steps();
        let known = |tables: &mut Sets<GuestTable>, level: u32| {
            let fits = |table: &GuestTable| {
                table.level == level && table.space == space && table.prefix == prefix(address, level)
            };
            tables.find(0, fits).is_some()
        };
        let start = (1..steps.len())
            .rev()
            .find(|&step| known(&mut self.guest_tables, steps[step].level))
            .unwrap_or(0);
        for (index, step) in steps.iter().enumerate().skip(start) {
            self.nested(caches, space.vmid, &step.place, &mut walk);
            if let Some(physical) = step.place.physical {
                walk.guest += 1;
                walk.latency += self.reference(caches, physical);
            }
            if let Some(next) = steps.get(index + 1) {
                let level = next.level;
                self.guest_tables.insert(0, GuestTable { space, level, prefix: prefix(address, level) });
            }
        }
        if let Some(last) = &trace.last {
            self.nested(caches, space.vmid, last, &mut walk);
        }
        self.counts.walks += 1;
        self.counts.guest_references += walk.guest;
        self.counts.nested_references += walk.nested;
        let references = (walk.guest + walk.nested) as usize;
        self.counts.walks_by_references[references.min(WALK_REFERENCES_MAX)] += 1;
        walk.latency
    }

    /// The second stage's part for one guest-physical address.
    fn nested(&mut self, caches: &mut Hierarchy, vmid: u16, path: &NestedPath, walk: &mut Walk) {
        let address = path.guest_physical.0;
        let holds = |page: &NestedPage| {
            page.vmid == vmid && address >> page.page_shift == page.page >> page.page_shift
        };
        if path.count == 0 || self.nested_pages.find(0, holds).is_some() {
            return;
        }
        let level_of = |index: usize| path.levels - 1 - index as u32;
        let known = |tables: &mut Sets<NestedTable>, level: u32| {
            let fits = |table: &NestedTable| {
                table.level == level && table.vmid == vmid && table.prefix == prefix(address, level)
            };
            tables.find(0, fits).is_some()
        };
        let start =
            (1..path.count).rev().find(|&index| known(&mut self.nested_tables, level_of(index))).unwrap_or(0);
        for index in start..path.count {
            walk.nested += 1;
            walk.latency += self.reference(caches, path.entries[index]);
            if index + 1 < path.count {
                let level = level_of(index + 1);
                self.nested_tables.insert(0, NestedTable { vmid, level, prefix: prefix(address, level) });
            }
        }
        if path.physical.is_some() {
            self.nested_pages.insert(0, NestedPage { vmid, page: address, page_shift: path.page_shift });
        }
    }

    fn reference(&self, caches: &mut Hierarchy, physical: Physical) -> u64 {
        let line = caches.line(physical.0);
        self.walk_hit + if self.reads_second_level { caches.second(line) } else { caches.data(line) }
    }

    /// SFENCE.VMA in a guest, as the architecture's TLB does it. Of an address it concerns leaves alone.
    pub fn fence(&mut self, address: Option<u64>, asid: Option<u32>, vmid: u16) {
        self.counts.flushes += 1;
        let condemned = |entry: &Combined| {
            entry.space.vmid == vmid
                && asid.is_none_or(|asid| !entry.global && entry.space.asid == asid)
                && address.is_none_or(|address| address >> entry.page_shift == entry.page >> entry.page_shift)
        };
        self.drop_combined(address, condemned);
        if address.is_none() {
            self.guest_tables.drop_where(|table| {
                table.space.vmid == vmid && asid.is_none_or(|asid| table.space.asid == asid)
            });
        }
    }

    fn drop_combined(&mut self, address: Option<u64>, condemned: impl Fn(&Combined) -> bool) {
        self.instruction.drop_where(&condemned);
        self.data.drop_where(&condemned);
        match address {
            None => self.second.drop_where(&condemned),
            Some(address) => {
                let sizes = (PAGE_SHIFT..u64::BITS).filter(|&shift| self.sizes & 1 << shift != 0);
                sizes.for_each(|shift| self.second.drop_in_set(address >> shift, &condemned));
            }
        }
    }

    /// TLBFLUSHV: of every VM or one, of every guest-physical address or one page.
    pub fn flush_nested(&mut self, vmid: Option<u16>, guest_physical: Option<u64>) {
        self.counts.flushes += 1;
        let same_vm = |other: u16| vmid.is_none_or(|vmid| vmid == other);
        let same_page =
            |page: u64, shift: u32| guest_physical.is_none_or(|address| address >> shift == page >> shift);
        self.drop_combined(None, |entry| {
            same_vm(entry.space.vmid) && same_page(entry.guest_physical, entry.page_shift)
        });
        self.nested_pages.drop_where(|page| same_vm(page.vmid) && same_page(page.page, page.page_shift));
        self.nested_tables.drop_where(|table| same_vm(table.vmid));
        if guest_physical.is_none() {
            self.guest_tables.drop_where(|table| same_vm(table.space.vmid));
        }
    }

    /// A write of CR3 without tags: drops what is not global.
    pub fn flush_address_space(&mut self) {
        self.counts.flushes += 1;
        self.drop_combined(None, |entry| !entry.global);
        self.guest_tables.clear();
    }
}

struct Walk {
    latency: u64,
    guest: u64,
    nested: u64,
}

fn place(entry: &Combined, address: u64) -> u64 {
    entry.physical | address & ((1 << entry.page_shift) - 1)
}

#[cfg(test)]
mod tests;
