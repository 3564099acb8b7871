//! Correcting shadow tables: what fences ask for, and giving tables back.

use super::hardware::Hardware;
use super::layout::{Layout, Role, View};
use super::pool::NONE;
use super::trees::{Shadow, Tops};
use super::walk::NO_TABLE;
use crate::guest::memory::translate;
use visa_isa::paging::entry::{ENTRY_BYTES, index, page_shift};
use visa_isa::paging::{Entry, PTE_ACCESSED, PTE_VALID};

/// Groups of entries that a table has in use, at most, to be brought up to date at once: beyond, it is put in doubt.
const GROUPS_AT_ONCE: u32 = if cfg!(test) { 1 } else { 6 };

/// Whether more than [`GROUPS_AT_ONCE`] groups are in use.
#[inline(always)]
fn is_large(groups: u64) -> bool {
    (0..GROUPS_AT_ONCE).fold(groups, |left, _| left & left.wrapping_sub(1)) != 0
}

impl<L: Layout> Shadow<'_, L> {
    /// The shadow of a guest's leaf at the same level, if it is in ordinary memory or is what it was; 0 if it has none
    /// that needs no more care. `now` is its shadow as it is.
    #[inline(always)]
    pub(super) fn copy(&self, theirs: u64, level: u32, role: Role, now: u64) -> u64 {
        const NEEDED: u64 = PTE_VALID | PTE_ACCESSED;
        if theirs & NEEDED != NEEDED || !Entry(theirs).is_leaf() || !Entry(theirs).is_well_formed() {
            return 0;
        }
        let page = Entry(theirs).target();
        // What is mapped has been looked for in the guest's regions.
        let known = now != 0 && Entry(now).target() == page;
        if known || self.is_memory(page, level) { L::leaf(theirs, page, role) } else { 0 }
    }

    fn is_memory(&self, page: u64, level: u32) -> bool {
        let bytes = 1 << page_shift(level);
        page & (bytes - 1) == 0 && translate(self.memory, page, bytes).is_some()
    }

    /// SFENCE.VMA with an address, for one space: brings the entries on the way to the address up to date.
    pub fn sync_address(&mut self, hardware: &mut impl Hardware, tops: &Tops, address: u64) {
        if L::OWN_ROOTS {
            return self.sync_path(hardware, tops[0][0], self.top_level(), address);
        }
        let half = (address >> 63) as usize;
        let mut done = NONE;
        for view in tops {
            let top = view[half];
            if top != NONE && top != done {
                self.sync_path(hardware, top, self.top_level(), address);
                done = top;
            }
        }
    }

    /// The same in the shared tables, which this space may not have come to yet.
    pub fn sync_shared_address(&mut self, hardware: &mut impl Hardware, tops: &Tops, address: u64) {
        let slot = index(address, self.top_level());
        let top = tops[View::Kernel as usize][1];
        if top != NONE && self.pool.entry(hardware, top, slot) != 0 {
            return;
        }
        let mut table = self.shared_at(slot, self.shared);
        while table != NONE {
            self.sync_path(hardware, table, self.top_level() - 1, address);
            table = self.shared_at(slot, self.pool.note(table).next);
        }
    }

    fn sync_path(&mut self, hardware: &mut impl Hardware, top: u32, top_level: u32, address: u64) {
        let (mut table, mut level) = (top, top_level);
        loop {
            let slot = index(address, level);
            let entry = self.pool.entry(hardware, table, slot);
            let guest = self.pool.note(table).guest;
            if level != 0 && !Entry(entry).is_leaf() {
                if entry == 0 {
                    return;
                }
                let child = self.pool.number(Entry(entry).target());
                if guest != NO_TABLE && self.leads_to(hardware, guest, slot, child) {
                    (table, level) = (child, level - 1);
                    continue;
                }
                self.clear(hardware, table, slot, entry);
                return hardware.flush_all();
            }
            if entry == 0 && guest == NO_TABLE {
                return;
            }
            let new = self.sync_leaf(hardware, table, level, slot, entry);
            if entry != 0 && new != entry {
                hardware.leaf_changed(level, entry, new);
            }
            return;
        }
    }

    /// Whether an entry of the guest's points to the table that a shadow table stands for.
    #[inline(always)]
    fn leads_to(&self, hardware: &impl Hardware, guest: u64, slot: u64, child: u32) -> bool {
        let theirs = hardware.load(guest | (slot * ENTRY_BYTES));
        Entry(theirs).is_pointer() && Entry(theirs).target() == self.pool.note(child).guest
    }

    /// Brings a leaf, or an empty entry of the lowest level, up to date, and returns what it is now.
    #[inline(always)]
    fn sync_leaf(
        &mut self,
        hardware: &mut impl Hardware,
        table: u32,
        level: u32,
        slot: u64,
        entry: u64,
    ) -> u64 {
        let note = *self.pool.note(table);
        let mut new = 0;
        if note.guest != NO_TABLE {
            let theirs = hardware.load(note.guest | (slot * ENTRY_BYTES));
            new = self.copy(theirs, level, Role::from_number(note.role), entry);
        }
        if new != entry {
            self.note_code(entry, note.role);
            self.pool.set_entry(hardware, table, slot, new);
        }
        new
    }

    /// Brings all of a tree up to date, or puts it in doubt; shared tables in it only if asked. The caller flushes.
    ///
    /// The pointer to a table with many entries is made invalid instead, and is valid again when the table is needed
    /// ([`Shadow::settle`]): what a fence of everything costs does not grow with the guest's memory.
    pub fn sync_tree(&mut self, hardware: &mut impl Hardware, table: u32, into_shared: bool) {
        let note = *self.pool.note(table);
        for slot in note.entries() {
            let entry = self.pool.entry(hardware, table, slot);
            if entry == 0 {
                continue;
            }
            if Entry(entry).is_leaf() {
                if self.sync_leaf(hardware, table, note.level as u32, slot, entry) != entry {
                    self.note_global(entry);
                }
                continue;
            }
            let child = self.pool.number(Entry(entry).target());
            if note.guest == NO_TABLE || !self.leads_to(hardware, note.guest, slot, child) {
                self.clear(hardware, table, slot, entry);
                continue;
            }
            let below = self.pool.note(child);
            if below.level == 0 && is_large(below.groups) {
                self.pool.set_entry(hardware, table, slot, entry & !PTE_VALID);
            } else if into_shared || below.role != Role::Shared as u8 {
                self.sync_tree(hardware, child, into_shared);
            }
        }
    }

    /// Brings a table of the lowest level that was in doubt up to date.
    pub(super) fn settle(&mut self, hardware: &mut impl Hardware, table: u32) {
        let note = *self.pool.note(table);
        for slot in note.entries() {
            let entry = self.pool.entry(hardware, table, slot);
            if entry != 0 {
                let new = self.sync_leaf(hardware, table, 0, slot, entry);
                if new != entry {
                    hardware.leaf_changed(0, entry, new);
                }
            }
        }
    }

    /// Brings every shared table up to date.
    pub fn sync_shared(&mut self, hardware: &mut impl Hardware) {
        let mut number = self.shared;
        while number != NONE {
            let next = self.pool.note(number).next;
            self.sync_tree(hardware, number, true);
            number = next;
        }
    }
}
