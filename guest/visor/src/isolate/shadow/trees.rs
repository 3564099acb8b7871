//! The trees of shadow tables: what they are, and giving parts of them back.

use super::hardware::Hardware;
use super::layout::{Layout, Role, VIEWS};
use super::pool::{NONE, Note, Pool};
use crate::guest::memory::Region;
use core::marker::PhantomData;
use visa_isa::paging::entry::ENTRY_BYTES;
use visa_isa::paging::{Entry, PAGE_SHIFT, PTE_EXECUTE, PTE_GLOBAL, PTE_PPN_SHIFT, PTE_VALID};

/// Level of the guest's roots with Sv39, and with Sv48.
const SV39_TOP: u32 = 2;
/// See [`SV39_TOP`]. Untranslated addresses are shown by as many levels, where the guest may have Sv48.
pub const SV48_TOP: u32 = 3;
/// The root's entry for the upper half.
pub const UPPER_ENTRY: u64 = 511;
/// The trees of one space: by view, then lower and upper half.
pub type Tops = [[u32; 2]; VIEWS];

/// A space without trees.
pub const NO_TOPS: Tops = [[NONE; 2]; VIEWS];

/// What a guest's space is, for filling.
#[derive(Clone, Copy)]
pub struct Frame {
    /// The guest's satp.
    pub satp: u64,
    /// Physical addresses of the views' roots.
    pub roots: [u64; VIEWS],
}

/// All trees.
pub struct Shadow<'a, L> {
    pub(super) pool: Pool<'a>,
    pub(super) memory: &'a [Region],
    pub(super) devices: &'a [Region],
    /// First of the shared tables.
    pub(super) shared: u32,
    /// Level of the roots' tables, where it is not always the same.
    pub(super) top_level: u32,
    /// A global leaf was dropped, which flushing a space does not drop from the TLB.
    pub(super) global_dropped: bool,
    /// The upper half has pages with U, so that the kernel's views of it differ.
    pub upper_differs: bool,
    /// The upper half has pages that are not global.
    pub upper_not_global: bool,
    /// The upper half is not the same in all spaces.
    pub upper_varies: bool,
    /// A load was allowed that needs sstatus.MXR.
    pub depends_on_mxr: bool,
    /// Counts entries dropped that the kernel could execute: whoever keeps decoded instructions watches it.
    pub code_changes: u64,
    /// A device that is not mapped for now.
    pub(super) withheld: Option<u64>,
    /// Leaves filled, and filled ahead of need.
    pub fills: u64,
    /// See `fills`.
    pub fills_ahead: u64,
    layout: PhantomData<L>,
}

impl<'a, L: Layout> Shadow<'a, L> {
    /// No trees yet.
    pub fn new(pool: Pool<'a>, memory: &'a [Region], devices: &'a [Region]) -> Self {
        Shadow {
            pool,
            memory,
            devices,
            shared: NONE,
            top_level: SV48_TOP,
            global_dropped: false,
            upper_differs: false,
            upper_not_global: false,
            upper_varies: false,
            depends_on_mxr: false,
            code_changes: 0,
            withheld: None,
            fills: 0,
            fills_ahead: 0,
            layout: PhantomData,
        }
    }

    /// Does not map the device at an address, so that an access to it is a fault.
    pub fn withhold(&mut self, device: u64) {
        self.withheld = Some(device);
    }

    /// Maps it again; false if none is withheld.
    pub fn give_back(&mut self) -> bool {
        self.withheld.take().is_some()
    }

    /// Tables in use.
    pub fn tables(&self) -> usize {
        self.pool.used()
    }

    /// The guest's memory.
    pub fn memory(&self) -> &'a [Region] {
        self.memory
    }

    /// Level of the guest's roots.
    #[inline(always)]
    pub(super) fn top_level(&self) -> u32 {
        if L::SV48 { self.top_level } else { SV39_TOP }
    }

    /// A table to be the root of a space, where the hardware walks from there; `None` if there is none left.
    pub(super) fn take_root(&mut self, hardware: &mut impl Hardware) -> Option<u32> {
        self.pool.take(hardware, Note { references: 1, ..Note::UNUSED })
    }

    /// Says what a root stands for: a table of the guest's at the top level, or untranslated addresses.
    pub(super) fn set_root(&mut self, root: u32, guest: u64) {
        let level = self.top_level() as u8;
        let note = self.pool.note_mut(root);
        (note.guest, note.level, note.role) = (guest, level, Role::Kernel as u8);
    }

    /// The first shared table, from one on, that spaces have at an entry.
    pub(super) fn shared_at(&self, slot: u64, from: u32) -> u32 {
        let mut number = from;
        while number != NONE && self.pool.note(number).slot as u64 != slot {
            number = self.pool.note(number).next;
        }
        number
    }

    pub(super) fn pointer(&self, table: u32) -> u64 {
        PTE_VALID | self.pool.address(table) >> PAGE_SHIFT << PTE_PPN_SHIFT
    }

    pub(super) fn note_code(&mut self, entry: u64, role: u8) {
        if entry & PTE_EXECUTE != 0 && role != Role::User as u8 {
            self.code_changes += 1;
        }
    }

    pub(super) fn note_global(&mut self, entry: u64) {
        if L::OWN_ROOTS {
            self.global_dropped |= entry & PTE_GLOBAL != 0;
        }
    }

    /// Empties an entry, and frees what is below it. The caller flushes.
    pub(super) fn clear(&mut self, hardware: &mut impl Hardware, table: u32, slot: u64, entry: u64) {
        self.pool.set_entry(hardware, table, slot, 0);
        if Entry(entry).is_leaf() {
            let role = self.pool.note(table).role;
            self.note_code(entry, role);
            self.note_global(entry);
        } else {
            let child = self.pool.number(Entry(entry).target());
            self.release(hardware, child);
        }
    }

    /// Takes one reference to a table away, and frees it and what is below with the last.
    fn release(&mut self, hardware: &mut impl Hardware, number: u32) {
        let note = self.pool.note_mut(number);
        note.references -= 1;
        if note.references != 0 {
            return;
        }
        let note = *note;
        for slot in note.entries() {
            let entry = self.pool.entry(hardware, number, slot);
            if entry == 0 {
                continue;
            }
            if Entry(entry).is_leaf() {
                self.note_code(entry, note.role);
                self.note_global(entry);
            } else {
                let child = self.pool.number(Entry(entry).target());
                self.release(hardware, child);
            }
        }
        if note.role == Role::Shared as u8 {
            self.unlist(number, note.next);
        }
        self.pool.give(hardware, number);
    }

    fn unlist(&mut self, number: u32, next: u32) {
        if self.shared == number {
            self.shared = next;
            return;
        }
        let mut before = self.shared;
        while before != NONE {
            let after = self.pool.note(before).next;
            if after == number {
                self.pool.note_mut(before).next = next;
                return;
            }
            before = after;
        }
    }

    /// Drops the trees of a space. The caller flushes. A root that the hardware walks from stays, and is empty.
    pub fn drop_trees(&mut self, hardware: &mut impl Hardware, frame: Frame, tops: &mut Tops) {
        if L::OWN_ROOTS {
            return self.empty(hardware, tops[0][0]);
        }
        for (half, slot) in [0, UPPER_ENTRY * ENTRY_BYTES].into_iter().enumerate() {
            for view in 0..VIEWS {
                let top = core::mem::replace(&mut tops[view][half], NONE);
                hardware.store(frame.roots[view] + slot, 0);
                if top != NONE {
                    // The kernel's two views may have one tree.
                    tops.iter_mut().filter(|other| other[half] == top).for_each(|other| other[half] = NONE);
                    self.release(hardware, top);
                }
            }
        }
    }

    /// Clears a table, and frees what is below it.
    fn empty(&mut self, hardware: &mut impl Hardware, number: u32) {
        let note = *self.pool.note(number);
        for slot in note.entries() {
            let entry = self.pool.entry(hardware, number, slot);
            if entry != 0 {
                self.clear(hardware, number, slot, entry);
            }
        }
        self.pool.clear(hardware, number);
    }

    /// Gives an empty root back.
    pub(super) fn give_root(&mut self, hardware: &mut impl Hardware, number: u32) {
        self.pool.give(hardware, number);
    }
}
