//! The guest's address spaces: which shadow trees belong to which value of its satp.
//!
//! A bounded number of spaces is kept, each with views that have an ASID of their own, so that neither a switch of the
//! guest's nor one between its rings flushes anything. What a fence has to change in a space that is not in use
//! is noted, and done when the guest comes back to it.

use super::fill::Filled;
use super::hardware::Hardware;
use super::layout::{Layout, VIEWS, View};
use super::pool::{NONE, Pool};
use super::satp::{mode, root};
use super::trees::{Frame, NO_TOPS, SV48_TOP, Shadow, Tops};
use super::walk::{Fault, NO_TABLE, levels, translates};
use crate::guest::memory::Region;
use visa_isa::paging::{Access, Accessor, PAGE_SHIFT, PAGE_SIZE, PPN_BITS};

/// Spaces that are kept.
pub const SPACES: usize = 32;
/// Roots that they need, where those lie above the guest's.
pub const ROOTS: usize = SPACES * VIEWS;
/// Fences by address that are remembered for spaces that are not in use.
const FENCES: usize = 64;
/// No satp: the mode is reserved.
const FREE: u64 = u64::MAX;

#[derive(Clone, Copy)]
struct Space {
    /// The guest's satp, or 0 for any that does not translate.
    satp: u64,
    tops: Tops,
    /// The ASID, where that is not fixed.
    asid: u16,
    /// When it was last switched to.
    used: u64,
    /// Fences by address that it has seen.
    fences_seen: u64,
    /// No other space has had its ASID while it was there.
    alone: bool,
    /// It has to be brought up to date: the lower half; the upper half too.
    stale: bool,
    stale_upper: bool,
}

/// What it takes to reach a view: the value for the real satp.
pub type Satps = [u64; VIEWS];

/// All of them.
pub struct Spaces<'a, L> {
    /// The trees.
    pub shadow: Shadow<'a, L>,
    roots: u64,
    spaces: [Space; SPACES],
    current: usize,
    clock: u64,
    fences: [u64; FENCES],
    fence_count: u64,
    /// The last ASID given, where they are not fixed.
    pub(super) last_asid: u16,
    /// Times that a space was made, and that everything was dropped.
    pub made: u64,
    /// See `made`.
    pub drops: u64,
}

impl<'a, L: Layout> Spaces<'a, L> {
    /// No space but the untranslated one, which is current. `roots` is the physical address of [`ROOTS`] tables that
    /// map nothing of the guest's, where roots lie above the guest's; otherwise the pool must have a table.
    pub fn new(
        hardware: &mut impl Hardware,
        pool: Pool<'a>,
        roots: u64,
        memory: &'a [Region],
        devices: &'a [Region],
    ) -> Self {
        const UNUSED: Space = Space {
            satp: FREE,
            tops: NO_TOPS,
            asid: 0,
            used: 0,
            fences_seen: 0,
            alone: false,
            stale: false,
            stale_upper: false,
        };
        let mut spaces = Spaces {
            shadow: Shadow::new(pool, memory, devices),
            roots,
            spaces: [UNUSED; SPACES],
            current: 0,
            clock: 0,
            fences: [0; FENCES],
            fence_count: 0,
            last_asid: 0,
            made: 0,
            drops: 0,
        };
        spaces.take_root(hardware, 0, 0);
        spaces.spaces[0].satp = 0;
        spaces
    }

    fn frame(&self, number: usize) -> Frame {
        if L::OWN_ROOTS {
            return Frame { satp: self.spaces[number].satp, roots: [0; VIEWS] };
        }
        let root = |view| self.roots + (number * VIEWS + view) as u64 * PAGE_SIZE;
        Frame { satp: self.spaces[number].satp, roots: [root(0), root(1), root(2)] }
    }

    /// The ASID of a view; 0 is visor's own.
    fn asid(number: usize, view: usize) -> u16 {
        (number * VIEWS + view + 1) as u16
    }

    /// The real satp for each view of the current space.
    pub fn satps(&self) -> Satps {
        const SV48: u64 = 9 << 60;
        let frame = self.frame(self.current);
        let mut view = 0;
        frame.roots.map(|root| {
            let asid = Self::asid(self.current, view) as u64;
            view += 1;
            SV48 | asid << PPN_BITS | root >> PAGE_SHIFT
        })
    }

    /// The real satp for the current space, where there is one view.
    #[inline(always)]
    pub fn satp(&self) -> u64 {
        let space = &self.spaces[self.current];
        let root = self.shadow.pool.address(space.tops[0][0]);
        mode(self.shadow.top_level()) | (space.asid as u64) << PPN_BITS | root >> PAGE_SHIFT
    }

    /// Makes the space of a value of satp the current one.
    pub fn switch(&mut self, hardware: &mut impl Hardware, satp: u64) {
        let satp = if translates::<L>(satp) { satp } else { 0 };
        self.clock += 1;
        if satp == self.spaces[self.current].satp {
            return;
        }
        if L::OWN_ROOTS {
            self.change_mode(hardware, satp);
        }
        let number = match self.spaces.iter().position(|space| space.satp == satp) {
            Some(number) => number,
            None => self.make(hardware, satp),
        };
        self.current = number;
        self.spaces[number].used = self.clock;
        self.catch_up(hardware, number);
    }

    fn make(&mut self, hardware: &mut impl Hardware, satp: u64) -> usize {
        self.made += 1;
        let age =
            |number: usize| if self.spaces[number].satp == FREE { 0 } else { self.spaces[number].used + 1 };
        let number = (0..SPACES)
            .filter(|&number| number != self.current)
            .min_by_key(|&number| age(number))
            .unwrap_or(0);
        self.evict(hardware, number);
        self.take_root(hardware, number, satp);
        let mut alone = true;
        let asid = (satp >> PPN_BITS) as u16;
        for other in 0..SPACES {
            if self.has_asid(other, asid) {
                self.spaces[other].alone = false;
                alone = false;
            }
        }
        self.spaces[number] = Space { satp, alone, fences_seen: self.fence_count, ..self.spaces[number] };
        number
    }

    /// Gives a place for a space its root, and an ASID, if it needs some.
    fn take_root(&mut self, hardware: &mut impl Hardware, number: usize, satp: u64) {
        if !L::OWN_ROOTS {
            return;
        }
        let table = loop {
            match self.shadow.take_root(hardware) {
                Some(table) => break table,
                None => self.reclaim(hardware),
            }
        };
        self.shadow.set_root(table, if satp == 0 { NO_TABLE } else { root(satp) });
        self.spaces[number].tops[0] = [table; 2];
        self.renew(hardware, number);
    }

    /// Gives a space another ASID, so that the TLB has nothing of it.
    fn renew(&mut self, hardware: &mut impl Hardware, number: usize) {
        if self.last_asid == u16::MAX {
            hardware.flush_all();
            self.last_asid = 0;
            for space in &mut self.spaces {
                self.last_asid += 1;
                space.asid = self.last_asid;
            }
        }
        self.last_asid += 1;
        self.spaces[number].asid = self.last_asid;
    }

    /// Prepares for a space of another mode: trees for a mode are kept while it is in use.
    fn change_mode(&mut self, hardware: &mut impl Hardware, satp: u64) {
        let top_level = if satp == 0 { SV48_TOP } else { levels::<L>(satp) - 1 };
        if top_level != self.shadow.top_level() {
            for number in 0..SPACES {
                if number != self.current {
                    self.evict(hardware, number);
                }
            }
            self.drop_all(hardware);
            self.shadow.top_level = top_level;
        } else if (satp == 0) != (self.spaces[self.current].satp == 0) {
            // Where the guest does not translate, none of its pages is global.
            hardware.flush_all();
        }
    }

    /// Frees all that a space has.
    fn evict(&mut self, hardware: &mut impl Hardware, number: usize) {
        let frame = self.frame(number);
        let space = &mut self.spaces[number];
        if space.satp == FREE {
            return;
        }
        self.shadow.drop_trees(hardware, frame, &mut space.tops);
        if L::OWN_ROOTS {
            self.shadow.give_root(hardware, space.tops[0][0]);
            space.tops = NO_TOPS;
        }
        space.satp = FREE;
        space.stale = false;
        space.stale_upper = false;
        self.flush(hardware, number);
    }

    fn flush(&mut self, hardware: &mut impl Hardware, number: usize) {
        if L::OWN_ROOTS {
            if core::mem::take(&mut self.shadow.global_dropped) {
                hardware.flush_all();
            }
            return self.renew(hardware, number);
        }
        for view in 0..VIEWS {
            hardware.flush_space(Self::asid(number, view));
        }
    }

    /// Does in a space what fences asked for while it was not in use.
    fn catch_up(&mut self, hardware: &mut impl Hardware, number: usize) {
        let missed = self.fence_count - self.spaces[number].fences_seen;
        self.spaces[number].fences_seen = self.fence_count;
        if self.spaces[number].stale || missed > FENCES as u64 {
            // Fences by address may be about the upper half only while that varies between spaces.
            self.spaces[number].stale_upper |= missed != 0 && self.shadow.upper_varies;
            self.sync(hardware, number);
            return;
        }
        let tops = self.spaces[number].tops;
        for fence in self.fence_count - missed..self.fence_count {
            let address = self.fences[fence as usize % FENCES];
            self.shadow.sync_address(hardware, &tops, address);
        }
    }

    /// Brings all trees of a space up to date; the upper half's if it is said to be stale.
    fn sync(&mut self, hardware: &mut impl Hardware, number: usize) {
        let space = &mut self.spaces[number];
        let (tops, upper) = (space.tops, space.stale_upper);
        space.stale = false;
        space.stale_upper = false;
        for (view, [low, high]) in tops.into_iter().enumerate() {
            if low != NONE {
                self.shadow.sync_tree(hardware, low, false);
            }
            let done = tops[..view].iter().any(|[_, other]| *other == high);
            if upper && high != NONE && high != low && !done {
                self.shadow.sync_tree(hardware, high, false);
            }
        }
        self.flush(hardware, number);
    }

    /// Makes an access of the current space possible, or says why the guest may not make it.
    pub fn fill(
        &mut self,
        hardware: &mut impl Hardware,
        view: View,
        address: u64,
        access: Access,
        by: Accessor,
    ) -> Result<(), Fault> {
        loop {
            let frame = self.frame(self.current);
            let tops = &mut self.spaces[self.current].tops;
            match self.shadow.fill(hardware, (frame, tops), view, (address, access, by))? {
                Filled::Mapped => return Ok(()),
                Filled::Again => self.drop_all(hardware),
                Filled::NoTables => self.reclaim(hardware),
            }
        }
    }

    /// Frees tables: of the space that was not used for the longest time, or else all.
    fn reclaim(&mut self, hardware: &mut impl Hardware) {
        let oldest = (0..SPACES)
            .filter(|&number| number != self.current && self.spaces[number].satp != FREE)
            .min_by_key(|&number| self.spaces[number].used);
        match oldest {
            Some(number) => self.evict(hardware, number),
            None => self.drop_all(hardware),
        }
    }

    /// Drops every tree of every space.
    pub fn drop_all(&mut self, hardware: &mut impl Hardware) {
        self.drops += 1;
        for number in 0..SPACES {
            let frame = self.frame(number);
            let space = &mut self.spaces[number];
            if space.satp != FREE {
                self.shadow.drop_trees(hardware, frame, &mut space.tops);
                space.stale = false;
                space.stale_upper = false;
                space.fences_seen = self.fence_count;
            }
        }
        self.shadow.upper_not_global = false;
        self.shadow.upper_varies = false;
        self.shadow.depends_on_mxr = false;
        self.shadow.global_dropped = false;
        hardware.flush_all();
    }

    /// SFENCE.VMA of the guest, with the operands that are not R0.
    pub fn fence(&mut self, hardware: &mut impl Hardware, address: Option<u64>, asid: Option<u16>) {
        match (address, asid) {
            (Some(address), asid) => self.fence_address(hardware, address, asid),
            (None, Some(asid)) => self.fence_space(hardware, asid),
            (None, None) => self.fence_all(hardware),
        }
    }

    fn has_asid(&self, number: usize, asid: u16) -> bool {
        let satp = self.spaces[number].satp;
        satp != FREE && (satp >> PPN_BITS) as u16 == asid
    }

    /// Whether the current space has an ASID and no other.
    #[inline(always)]
    fn is_only_current(&self, asid: u16) -> bool {
        self.spaces[self.current].alone && self.has_asid(self.current, asid)
    }

    fn fence_address(&mut self, hardware: &mut impl Hardware, address: u64, asid: Option<u16>) {
        if asid.is_none_or(|asid| self.has_asid(self.current, asid)) {
            let tops = self.spaces[self.current].tops;
            self.shadow.sync_address(hardware, &tops, address);
            if address >> 63 != 0 {
                self.shadow.sync_shared_address(hardware, &tops, address);
            }
        }
        match asid {
            None if address >> 63 == 0 || self.shadow.upper_varies => {
                self.fences[self.fence_count as usize % FENCES] = address;
                self.fence_count += 1;
                self.spaces[self.current].fences_seen = self.fence_count;
            }
            Some(asid) if !self.is_only_current(asid) => {
                for number in 0..SPACES {
                    if number != self.current && self.has_asid(number, asid) {
                        self.spaces[number].stale = true;
                        self.spaces[number].stale_upper |= address >> 63 != 0;
                    }
                }
            }
            _ => {}
        }
        hardware.flush_address(address);
    }

    fn fence_space(&mut self, hardware: &mut impl Hardware, asid: u16) {
        if self.shadow.upper_not_global {
            // What is not global in the shared upper half is of this ASID too.
            self.shadow.sync_shared(hardware);
            hardware.flush_all();
        }
        for number in 0..SPACES {
            if self.has_asid(number, asid) {
                self.spaces[number].stale = true;
                self.spaces[number].stale_upper |= self.shadow.upper_not_global;
            }
        }
        if self.spaces[self.current].stale {
            self.sync(hardware, self.current);
        }
    }

    fn fence_all(&mut self, hardware: &mut impl Hardware) {
        self.shadow.sync_shared(hardware);
        for space in self.spaces.iter_mut().filter(|space| space.satp != FREE) {
            space.stale = true;
            space.stale_upper = true;
        }
        self.sync(hardware, self.current);
        hardware.flush_all();
    }
}
