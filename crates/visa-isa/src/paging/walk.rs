//! The walk over the tables of one stage (RISC-V privileged, 12.3.2; the second stage: specification, 4.1). Whoever translates walks by it:
//! harts, devices, observers, and hypervisors that walk their guests' tables.

use super::entry::{ENTRY_BYTES, Entry, index, page_shift};
use super::{Mode, PTE_ACCESSED, PTE_DIRTY, TableBase};
use crate::address::{Address, GuestPhysical, GuestVirtual, Physical};

/// Whose tables they are.
pub trait Stage: Copy {
    /// What it translates.
    type From: Address;
    /// What it gives; its tables are in that space, too.
    type To: Address;

    /// Whether tables of a mode have entries for an address at all.
    fn covers(mode: Mode, address: Self::From) -> bool;

    /// Whether an entry points to a table.
    fn follows(entry: Entry) -> bool;
}

/// The guest's: CR3 names its tables. Addresses are sign-extended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum First {}

/// The hypervisor's: HPTBR names its tables. Addresses are zero-extended, and U means nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Second {}

impl Stage for First {
    type From = GuestVirtual;
    type To = GuestPhysical;

    #[inline(always)]
    fn covers(mode: Mode, address: GuestVirtual) -> bool {
        let unused = 64 - mode.address_bits();
        ((address.0 << unused) as i64 >> unused) as u64 == address.0
    }

    #[inline(always)]
    fn follows(entry: Entry) -> bool {
        entry.is_pointer()
    }
}

impl Stage for Second {
    type From = GuestPhysical;
    type To = Physical;

    #[inline(always)]
    fn covers(mode: Mode, address: GuestPhysical) -> bool {
        address.0 >> mode.address_bits() == 0
    }

    /// A and D are reserved there.
    #[inline(always)]
    fn follows(entry: Entry) -> bool {
        entry.is_well_formed() && !entry.is_leaf() && entry.0 & (PTE_ACCESSED | PTE_DIRTY) == 0
    }
}

/// A leaf that a walk has found. What it permits has not been looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leaf<S: Stage> {
    /// The entry. Its page is aligned to its size.
    pub entry: Entry,
    /// Its level; 0 is the lowest.
    pub level: u32,
    /// Its address.
    pub slot: S::To,
}

impl<S: Stage> Leaf<S> {
    /// Size of the page, as a power of two.
    #[inline(always)]
    pub const fn page_shift(&self) -> u32 {
        page_shift(self.level)
    }

    /// Where an address of the page leads.
    #[inline(always)]
    pub fn translate(&self, address: S::From) -> S::To {
        S::To::new(self.entry.target() | address.number() & ((1 << self.page_shift()) - 1))
    }
}

/// Why a walk finds no leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoLeaf<F> {
    /// The tables have none for the address.
    Unmapped,
    /// An entry could not be read.
    Unreadable(F),
}

impl<F> NoLeaf<F> {
    /// The fault that it is to whoever walks, to whom an unmapped address is `unmapped`.
    #[inline(always)]
    pub fn or(self, unmapped: F) -> F {
        match self {
            NoLeaf::Unmapped => unmapped,
            NoLeaf::Unreadable(fault) => fault,
        }
    }
}

/// Looks for the leaf of an address in tables that do translate. `read` gives the entry at an address, in the table of a level.
#[inline(always)]
pub fn walk<S: Stage, F>(
    base: TableBase,
    address: S::From,
    mut read: impl FnMut(S::To, u32) -> Result<u64, F>,
) -> Result<Leaf<S>, NoLeaf<F>> {
    if !S::covers(base.mode, address) {
        return Err(NoLeaf::Unmapped);
    }
    let mut table = base.root;
    for level in (0..base.mode.levels()).rev() {
        let slot = S::To::new(table + index(address.number(), level) * ENTRY_BYTES);
        let entry = Entry(read(slot, level).map_err(NoLeaf::Unreadable)?);
        if S::follows(entry) {
            table = entry.target();
            continue;
        }
        let aligned = entry.target() & ((1 << page_shift(level)) - 1) == 0;
        return match entry.is_well_formed() && entry.is_leaf() && aligned {
            true => Ok(Leaf { entry, level, slot }),
            false => Err(NoLeaf::Unmapped),
        };
    }
    Err(NoLeaf::Unmapped)
}
