//! The walk over the tables of one stage (RISC-V privileged, 12.3.2; the second stage: specification, 4.1). Whoever translates walks by it:
//! harts, devices, observers, and hypervisors that walk their guests' tables.

use super::entry::{ENTRY_BYTES, Entry, index, page_shift};
use super::{Mode, PTE_ACCESSED, PTE_DIRTY, TableBase};

/// Whose tables they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// The guest's: CR3 names them. Addresses are sign-extended.
    First,
    /// The hypervisor's: HPTBR names them. Addresses are zero-extended, and U means nothing.
    Second,
}

impl Stage {
    /// Whether tables of a mode have entries for an address at all.
    #[inline(always)]
    pub const fn covers(self, mode: Mode, address: u64) -> bool {
        let unused = 64 - mode.address_bits();
        match self {
            Stage::First => ((address << unused) as i64 >> unused) as u64 == address,
            Stage::Second => address << unused >> unused == address,
        }
    }

    /// Whether an entry that is well formed and no leaf points to a table: A and D are reserved there, U in the first stage alone.
    #[inline(always)]
    const fn follows(self, entry: Entry) -> bool {
        match self {
            Stage::First => entry.is_pointer(),
            Stage::Second => {
                entry.is_well_formed() && !entry.is_leaf() && entry.0 & (PTE_ACCESSED | PTE_DIRTY) == 0
            }
        }
    }
}

/// A leaf that a walk has found. What it permits has not been looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leaf {
    /// The entry. Its page is aligned to its size.
    pub entry: Entry,
    /// Its level; 0 is the lowest.
    pub level: u32,
    /// Its address.
    pub slot: u64,
}

impl Leaf {
    /// Size of the page, as a power of two.
    #[inline(always)]
    pub const fn page_shift(&self) -> u32 {
        page_shift(self.level)
    }

    /// Where an address of the page leads.
    #[inline(always)]
    pub const fn translate(&self, address: u64) -> u64 {
        self.entry.target() | address & ((1 << self.page_shift()) - 1)
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
pub fn walk<F>(
    stage: Stage,
    base: TableBase,
    address: u64,
    mut read: impl FnMut(u64, u32) -> Result<u64, F>,
) -> Result<Leaf, NoLeaf<F>> {
    if !stage.covers(base.mode, address) {
        return Err(NoLeaf::Unmapped);
    }
    let mut table = base.root;
    for level in (0..base.mode.levels()).rev() {
        let slot = table + index(address, level) * ENTRY_BYTES;
        let entry = Entry(read(slot, level).map_err(NoLeaf::Unreadable)?);
        if stage.follows(entry) {
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
