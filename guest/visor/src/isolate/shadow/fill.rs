//! Filling shadow tables: what makes an access possible that has missed.

use super::hardware::Hardware;
use super::layout::{Layout, Role, View};
use super::pool::{NONE, Note};
use super::trees::{Frame, Shadow, Tops, UPPER_ENTRY};
use super::walk::{self, Fault, NO_TABLE, Walk};
use crate::guest::memory::{Region, translate};
use visa_isa::paging::entry::{ENTRY_BYTES, index, page_shift};
use visa_isa::paging::{
    Access, Accessor, Entry, PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_GLOBAL, PTE_PPN_SHIFT,
    PTE_READ, PTE_USER, PTE_VALID,
};

/// Entries around a missing one that are filled along with it: a power of two.
const AROUND: u64 = 8;

/// What a fill came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filled {
    /// The access can be made now.
    Mapped,
    /// The pool has no table left.
    NoTables,
    /// The trees have to be dropped, and the fill done again: a policy has changed.
    Again,
}

impl<L: Layout> Shadow<'_, L> {
    /// Makes an access possible, or says why the guest may not make it.
    pub fn fill(
        &mut self,
        hardware: &mut impl Hardware,
        (frame, tops): (Frame, &mut Tops),
        view: View,
        (address, access, by): (u64, Access, Accessor),
    ) -> Result<Filled, Fault> {
        let walk = walk::walk::<L>(hardware, self.memory, frame.satp, address, access, by)?;
        let top_level = self.top_level();
        let level = self.host_level(walk.address, walk.level.min(top_level)).ok_or(Fault::Access)?;
        let upper = address >> 63 != 0;
        if upper && walk.entry & PTE_USER != 0 && view == View::KernelSum && !self.upper_differs {
            self.upper_differs = true;
            return Ok(Filled::Again);
        }
        let Some(mut table) = self.top(hardware, frame, tops, view, upper, &walk) else {
            return Ok(Filled::NoTables);
        };
        for above in (level + 1..=top_level).rev() {
            match self.child(hardware, table, above, address, &walk) {
                Some(child) => table = child,
                None => return Ok(Filled::NoTables),
            }
        }
        if upper {
            self.note_upper(view, level, &walk);
        }
        self.install(hardware, table, level, address, access, &walk);
        Ok(Filled::Mapped)
    }

    /// What the upper half is known to be, so that fences can be cheap while it is as kernels have it.
    fn note_upper(&mut self, view: View, level: u32, walk: &Walk) {
        let top_level = self.top_level();
        let private = level == top_level || walk.tables[top_level as usize - 1] == NO_TABLE;
        self.upper_not_global |= walk.entry & PTE_GLOBAL == 0;
        self.upper_varies |= private || self.role(view, true) != Role::Kernel;
    }

    /// The largest page, at most at a level, that lies in one region of the guest's.
    fn host_level(&self, address: u64, most: u32) -> Option<u32> {
        if self.withheld == Some(address & !((1 << page_shift(0)) - 1)) {
            return None;
        }
        let fits = |regions: &[Region], level: u32| {
            let bytes = 1 << page_shift(level);
            translate(regions, address & !(bytes - 1), bytes).is_some()
        };
        (0..=most).rev().find(|&level| fits(self.memory, level) || fits(self.devices, level))
    }

    fn role(&self, view: View, upper: bool) -> Role {
        match view {
            View::Kernel => Role::Kernel,
            View::KernelSum if upper && !self.upper_differs => Role::Kernel,
            View::KernelSum => Role::KernelSum,
            View::User => Role::User,
        }
    }

    /// The table that a root points to; made and linked if need be.
    fn top(
        &mut self,
        hardware: &mut impl Hardware,
        frame: Frame,
        tops: &mut Tops,
        view: View,
        upper: bool,
        walk: &Walk,
    ) -> Option<u32> {
        let half = upper as usize;
        if tops[view as usize][half] != NONE {
            return Some(tops[view as usize][half]);
        }
        let role = self.role(view, upper);
        let note = Note {
            guest: walk.tables[self.top_level() as usize],
            level: self.top_level() as u8,
            role: role as u8,
            references: 1,
            ..Note::UNUSED
        };
        let table = self.pool.take(hardware, note)?;
        let entry = self.pointer(table);
        let slot = if upper { UPPER_ENTRY * ENTRY_BYTES } else { 0 };
        let both = upper && !self.upper_differs && view != View::User;
        for other in [View::Kernel, View::KernelSum, View::User] {
            if other == view || both && other != View::User {
                tops[other as usize][half] = table;
                hardware.store(frame.roots[other as usize] + slot, entry);
            }
        }
        Some(table)
    }

    /// The table below `table` on the way to an address; made, or replaced if the guest has another one there now.
    fn child(
        &mut self,
        hardware: &mut impl Hardware,
        table: u32,
        level: u32,
        address: u64,
        walk: &Walk,
    ) -> Option<u32> {
        let slot = index(address, level);
        let entry = self.pool.entry(hardware, table, slot);
        let guest = walk.tables[level as usize - 1];
        if entry != 0 && !Entry(entry).is_leaf() {
            let child = self.pool.number(Entry(entry).target());
            if self.pool.note(child).guest == guest {
                if entry & PTE_VALID == 0 {
                    self.settle(hardware, child);
                    self.pool.set_entry(hardware, table, slot, entry | PTE_VALID);
                }
                return Some(child);
            }
        }
        if entry != 0 {
            self.clear(hardware, table, slot, entry);
            hardware.flush_all();
        }
        let role = Role::from_number(self.pool.note(table).role);
        let shares =
            level == self.top_level() && role == Role::Kernel && guest != NO_TABLE && address >> 63 != 0;
        let found = if shares { self.find_shared(guest) } else { NONE };
        let child = match found {
            NONE => {
                let role = if shares { Role::Shared } else { role.below() };
                let note =
                    Note { guest, level: level as u8 - 1, role: role as u8, references: 0, ..Note::UNUSED };
                let child = self.pool.take(hardware, note)?;
                if shares {
                    self.upper_varies |= self.shared_at(slot, self.shared) != NONE;
                    self.pool.note_mut(child).slot = slot as u16;
                    self.pool.note_mut(child).next = core::mem::replace(&mut self.shared, child);
                }
                child
            }
            found => {
                // The guest has it at two places: fences find it by one.
                self.upper_varies |= self.pool.note(found).slot as u64 != slot;
                found
            }
        };
        self.pool.note_mut(child).references += 1;
        let pointer = self.pointer(child);
        self.pool.set_entry(hardware, table, slot, pointer);
        Some(child)
    }

    fn find_shared(&self, guest: u64) -> u32 {
        let mut number = self.shared;
        while number != NONE && self.pool.note(number).guest != guest {
            number = self.pool.note(number).next;
        }
        number
    }

    /// Writes the leaf, and for small pages those around it that need no more than copying.
    fn install(
        &mut self,
        hardware: &mut impl Hardware,
        table: u32,
        level: u32,
        address: u64,
        access: Access,
        walk: &Walk,
    ) {
        let role = Role::from_number(self.pool.note(table).role);
        let page = walk.address & !((1 << page_shift(level)) - 1);
        let mut entry = L::leaf(walk.entry, page, role);
        if access == Access::Load && entry & (PTE_READ | PTE_EXECUTE) == 0 {
            // Allowed by MXR: by the real one, if the page is executable here, else by this.
            self.depends_on_mxr = true;
            entry |= page >> PAGE_SHIFT << PTE_PPN_SHIFT
                | PTE_VALID
                | PTE_READ
                | PTE_USER
                | PTE_ACCESSED
                | PTE_DIRTY;
        }
        let slot = index(address, level);
        let old = self.pool.entry(hardware, table, slot);
        self.fills += 1;
        if old != 0 {
            if !Entry(old).is_leaf() {
                self.clear(hardware, table, slot, old);
                hardware.flush_all();
            }
            hardware.flush_address(address);
            hardware.leaf_changed(level, old, entry);
        }
        self.pool.set_entry(hardware, table, slot, entry);
        let guest = walk.tables[0];
        if level == 0 && guest != NO_TABLE {
            self.fill_around(hardware, table, guest, slot);
        }
    }

    fn fill_around(&mut self, hardware: &mut impl Hardware, table: u32, guest: u64, slot: u64) {
        let role = Role::from_number(self.pool.note(table).role);
        let first = slot & !(AROUND - 1);
        for slot in first..first + AROUND {
            let theirs = hardware.load(guest | (slot * ENTRY_BYTES));
            if theirs & PTE_ACCESSED == 0 || self.pool.entry(hardware, table, slot) != 0 {
                continue;
            }
            let entry = self.copy(theirs, 0, role, 0);
            if entry != 0 {
                self.fills_ahead += 1;
                self.pool.set_entry(hardware, table, slot, entry);
            }
        }
    }
}
