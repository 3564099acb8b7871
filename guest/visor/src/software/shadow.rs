//! Shadow page tables: what the hardware walks in place of the guest's tables.
//!
//! They are a *software TLB*: filled when an access misses, and corrected when the guest executes SFENCE.VMA, as the
//! architecture makes it do. Nothing is write-protected, and the guest's tables are never watched.
//!
//! The root of each view is an Sv48 table. Its first entry is the lower half of the guest's Sv39 addresses, its last
//! one the upper half, and one in between visor's own, which no guest address reaches:
//!
//! ```text
//! root of a view ─┬─ [0]   lower half: a tree for each view of each space
//!                 ├─ [128] visor: all physical memory, for Ring 0 alone
//!                 └─ [511] upper half: its 1 GiB entries point to trees that all spaces share, found by the
//!                          guest's table, since kernels map themselves into every space by the same tables
//! ```
//!
//! A shadow entry has U set whoever may use it in the guest, since the guest's kernel runs in Ring 3 too: the view
//! decides. D is emulated by mapping clean pages read-only.

use super::pool::{NONE, Note, Pool};
use super::walk::{
    self, Access, Accessor, ENTRY_BYTES, Fault, LEVELS, Memory, NO_TABLE, Walk, index, is_leaf, is_pointer,
    is_well_formed, page_bytes, target,
};
use crate::memory::{Region, translate};
use visa_isa::paging::{
    PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_GLOBAL, PTE_PPN_SHIFT, PTE_READ, PTE_USER,
    PTE_VALID, PTE_WRITE,
};

/// Views of a space, each with a root and an ASID of its own.
pub const VIEWS: usize = 3;

/// As whom an address space is seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum View {
    /// The guest's kernel: pages without U.
    Kernel = 0,
    /// The guest's kernel with sstatus.SUM: pages with U too, but not to execute.
    KernelSum = 1,
    /// The guest's user programs: pages with U.
    User = 2,
}

/// Whose permissions a shadow table shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Role {
    /// As [`View::Kernel`].
    Kernel = 0,
    /// As [`View::KernelSum`].
    KernelSum = 1,
    /// As [`View::User`].
    User = 2,
    /// As [`View::Kernel`], in a table that several spaces point to.
    Shared = 3,
}

impl Role {
    const fn from_number(number: u8) -> Role {
        match number {
            0 => Role::Kernel,
            1 => Role::KernelSum,
            2 => Role::User,
            _ => Role::Shared,
        }
    }

    const fn below(self) -> Role {
        match self {
            Role::Shared => Role::Kernel,
            other => other,
        }
    }
}

/// The real TLB, and memory.
pub trait Hardware: Memory {
    /// Drops an address from all address spaces.
    fn flush_address(&mut self, address: u64);
    /// Drops an address space.
    fn flush_space(&mut self, asid: u16);
    /// Drops everything.
    fn flush_all(&mut self);
}

/// Level of the tables that roots point to.
pub const TOP_LEVEL: u32 = LEVELS as u32 - 1;
/// The root's entry for the upper half.
pub const UPPER_ENTRY: u64 = 511;
/// Entries around a missing one that are filled along with it: a power of two.
const AROUND: u64 = 8;

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

/// All trees.
pub struct Shadow<'a> {
    pool: Pool<'a>,
    memory: &'a [Region],
    devices: &'a [Region],
    /// First of the shared tables.
    shared: u32,
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
    withheld: Option<u64>,
    /// Leaves filled, and filled ahead of need.
    pub fills: u64,
    /// See `fills`.
    pub fills_ahead: u64,
}

impl<'a> Shadow<'a> {
    /// No trees yet.
    pub fn new(pool: Pool<'a>, memory: &'a [Region], devices: &'a [Region]) -> Self {
        Shadow {
            pool,
            memory,
            devices,
            shared: NONE,
            upper_differs: false,
            upper_not_global: false,
            upper_varies: false,
            depends_on_mxr: false,
            code_changes: 0,
            withheld: None,
            fills: 0,
            fills_ahead: 0,
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

    /// Makes an access possible, or says why the guest may not make it.
    pub fn fill(
        &mut self,
        hardware: &mut impl Hardware,
        (frame, tops): (Frame, &mut Tops),
        view: View,
        (address, access, by): (u64, Access, Accessor),
    ) -> Result<Filled, Fault> {
        let walk = walk::walk(hardware, self.memory, frame.satp, address, access, by)?;
        let level = self.host_level(walk.address, walk.level.min(TOP_LEVEL)).ok_or(Fault::Access)?;
        let upper = address >> 63 != 0;
        if upper && walk.entry & PTE_USER != 0 && view == View::KernelSum && !self.upper_differs {
            self.upper_differs = true;
            return Ok(Filled::Again);
        }
        let Some(mut table) = self.top(hardware, frame, tops, view, upper, &walk) else {
            return Ok(Filled::NoTables);
        };
        for above in (level + 1..=TOP_LEVEL).rev() {
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
        let private = level == TOP_LEVEL || walk.tables[TOP_LEVEL as usize - 1] == NO_TABLE;
        self.upper_not_global |= walk.entry & PTE_GLOBAL == 0;
        self.upper_varies |= private || self.role(view, true) != Role::Kernel;
    }

    /// The largest page, at most at a level, that lies in one region of the guest's.
    fn host_level(&self, address: u64, most: u32) -> Option<u32> {
        if self.withheld == Some(address & !(page_bytes(0) - 1)) {
            return None;
        }
        let fits = |regions: &[Region], level: u32| {
            let bytes = page_bytes(level);
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
            guest: walk.tables[TOP_LEVEL as usize],
            level: TOP_LEVEL as u8,
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
        if entry != 0 && !is_leaf(entry) {
            let child = self.pool.number(target(entry));
            if self.pool.note(child).guest == guest {
                return Some(child);
            }
        }
        if entry != 0 {
            self.clear(hardware, table, slot, entry);
            hardware.flush_all();
        }
        let role = Role::from_number(self.pool.note(table).role);
        let shares = level == TOP_LEVEL && role == Role::Kernel && guest != NO_TABLE && address >> 63 != 0;
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

    /// The first shared table, from one on, that spaces have at an entry.
    fn shared_at(&self, slot: u64, from: u32) -> u32 {
        let mut number = from;
        while number != NONE && self.pool.note(number).slot as u64 != slot {
            number = self.pool.note(number).next;
        }
        number
    }

    fn pointer(&self, table: u32) -> u64 {
        PTE_VALID | self.pool.address(table) >> PAGE_SHIFT << PTE_PPN_SHIFT
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
        let page = walk.address & !(page_bytes(level) - 1);
        let mut entry = leaf(walk.entry, page, role);
        if access == Access::Load && entry & PTE_READ == 0 {
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
            if !is_leaf(old) {
                self.clear(hardware, table, slot, old);
                hardware.flush_all();
            }
            hardware.flush_address(address);
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
            let theirs = hardware.load(guest + slot * ENTRY_BYTES);
            if theirs & PTE_ACCESSED == 0 || self.pool.entry(hardware, table, slot) != 0 {
                continue;
            }
            let entry = self.copy(theirs, 0, role);
            if entry != 0 {
                self.fills_ahead += 1;
                self.pool.set_entry(hardware, table, slot, entry);
            }
        }
    }

    /// The shadow of a guest's leaf in ordinary memory, at the same level; 0 if it has none that needs no more care.
    #[inline(always)]
    fn copy(&self, theirs: u64, level: u32, role: Role) -> u64 {
        if theirs & (PTE_VALID | PTE_ACCESSED) != PTE_VALID | PTE_ACCESSED {
            return 0;
        }
        let page = target(theirs);
        let bytes = page_bytes(level);
        let plain = is_well_formed(theirs)
            && is_leaf(theirs)
            && theirs & PTE_ACCESSED != 0
            && page & (bytes - 1) == 0
            && translate(self.memory, page, bytes).is_some();
        if plain { leaf(theirs, page, role) } else { 0 }
    }

    /// SFENCE.VMA with an address, for one space: brings the entries on the way to the address up to date.
    pub fn sync_address(&mut self, hardware: &mut impl Hardware, tops: &Tops, address: u64) {
        let half = (address >> 63) as usize;
        let mut done = NONE;
        for view in tops {
            let top = view[half];
            if top != NONE && top != done {
                self.sync_path(hardware, top, TOP_LEVEL, address);
                done = top;
            }
        }
    }

    /// The same in the shared tables, which this space may not have come to yet.
    pub fn sync_shared_address(&mut self, hardware: &mut impl Hardware, tops: &Tops, address: u64) {
        let slot = index(address, TOP_LEVEL);
        let top = tops[View::Kernel as usize][1];
        if top != NONE && self.pool.entry(hardware, top, slot) != 0 {
            return;
        }
        let mut table = self.shared_at(slot, self.shared);
        while table != NONE {
            self.sync_path(hardware, table, TOP_LEVEL - 1, address);
            table = self.shared_at(slot, self.pool.note(table).next);
        }
    }

    fn sync_path(&mut self, hardware: &mut impl Hardware, top: u32, top_level: u32, address: u64) {
        let mut table = top;
        for level in (0..=top_level).rev() {
            let slot = index(address, level);
            let entry = self.pool.entry(hardware, table, slot);
            let guest = self.pool.note(table).guest;
            if entry == 0 && (level != 0 || guest == NO_TABLE) {
                return;
            }
            if entry != 0 && !is_leaf(entry) && guest != NO_TABLE {
                let child = self.pool.number(target(entry));
                let theirs = hardware.load(guest + slot * ENTRY_BYTES);
                if is_pointer(theirs) && target(theirs) == self.pool.note(child).guest {
                    table = child;
                    continue;
                }
            }
            if entry != 0 && !is_leaf(entry) {
                self.clear(hardware, table, slot, entry);
                return hardware.flush_all();
            }
            return self.sync_leaf(hardware, table, level, slot, entry);
        }
    }

    /// Brings a leaf, or an empty entry of the lowest level, up to date.
    #[inline(always)]
    fn sync_leaf(&mut self, hardware: &mut impl Hardware, table: u32, level: u32, slot: u64, entry: u64) {
        let note = *self.pool.note(table);
        let mut new = 0;
        if note.guest != NO_TABLE {
            let theirs = hardware.load(note.guest + slot * ENTRY_BYTES);
            new = self.copy(theirs, level, Role::from_number(note.role));
        }
        if new == entry {
            return;
        }
        self.note_code(entry, note.role);
        self.pool.set_entry(hardware, table, slot, new);
    }

    fn note_code(&mut self, entry: u64, role: u8) {
        if entry & PTE_EXECUTE != 0 && role != Role::User as u8 {
            self.code_changes += 1;
        }
    }

    /// Brings all of a tree up to date; shared tables in it only if asked. The caller flushes.
    pub fn sync_tree(&mut self, hardware: &mut impl Hardware, table: u32, into_shared: bool) {
        let note = *self.pool.note(table);
        for slot in note.entries() {
            let entry = self.pool.entry(hardware, table, slot);
            if entry == 0 {
                continue;
            }
            if is_leaf(entry) {
                self.sync_leaf(hardware, table, note.level as u32, slot, entry);
                continue;
            }
            let child = self.pool.number(target(entry));
            let theirs =
                if note.guest == NO_TABLE { 0 } else { hardware.load(note.guest + slot * ENTRY_BYTES) };
            let below = *self.pool.note(child);
            if !(is_pointer(theirs) && target(theirs) == below.guest) {
                self.clear(hardware, table, slot, entry);
            } else if into_shared || below.role != Role::Shared as u8 {
                self.sync_tree(hardware, child, into_shared);
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

    /// Empties an entry, and frees what is below it. The caller flushes.
    fn clear(&mut self, hardware: &mut impl Hardware, table: u32, slot: u64, entry: u64) {
        self.pool.set_entry(hardware, table, slot, 0);
        if is_leaf(entry) {
            let role = self.pool.note(table).role;
            self.note_code(entry, role);
        } else {
            let child = self.pool.number(target(entry));
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
            if entry & PTE_VALID == 0 {
                continue;
            }
            if is_leaf(entry) {
                self.note_code(entry, note.role);
            } else {
                let child = self.pool.number(target(entry));
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

    /// Drops the trees of a space, of both halves or the lower alone. The caller flushes.
    pub fn drop_trees(
        &mut self,
        hardware: &mut impl Hardware,
        frame: Frame,
        tops: &mut Tops,
        upper_too: bool,
    ) {
        for half in 0..if upper_too { 2 } else { 1 } {
            let slot = if half == 1 { UPPER_ENTRY * ENTRY_BYTES } else { 0 };
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
}

/// The shadow of a guest's leaf for a page; 0 if the role may not use it at all.
#[inline(always)]
fn leaf(theirs: u64, page: u64, role: Role) -> u64 {
    let user = theirs & PTE_USER != 0;
    let seen = match role {
        Role::User => user,
        Role::KernelSum => true,
        Role::Kernel | Role::Shared => !user,
    };
    let mut rights = theirs & (PTE_READ | PTE_WRITE | PTE_EXECUTE);
    if theirs & PTE_DIRTY == 0 {
        rights &= !PTE_WRITE;
    }
    if user && role == Role::KernelSum {
        rights &= !PTE_EXECUTE;
    }
    if !seen || rights == 0 {
        return 0;
    }
    page >> PAGE_SHIFT << PTE_PPN_SHIFT | PTE_VALID | PTE_USER | PTE_ACCESSED | PTE_DIRTY | rights
}
