//! Walking the guest's own page tables (RISC-V privileged, 12.3.2 and 12.4), which the hardware never sees.

use super::layout::Layout;
use crate::memory::{Region, translate};
use visa_isa::cause::Exception;
use visa_isa::paging::{
    LEVEL_BITS, PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_PPN, PTE_PPN_SHIFT, PTE_READ,
    PTE_RESERVED, PTE_USER, PTE_VALID, PTE_WRITE,
};

/// Levels of the guest's tables, at most.
pub const LEVELS_MAX: usize = 4;
/// Bytes of an entry.
pub const ENTRY_BYTES: u64 = 8;
/// The mode field of satp for Sv39.
pub const SV39: u64 = 8;
/// The mode field of satp for Sv48.
pub const SV48: u64 = 9;
/// First bit of the mode in satp.
pub const SATP_MODE_SHIFT: u32 = 60;
/// In place of a table's address: the shadow table stands for part of one large page, or for untranslated addresses.
pub const NO_TABLE: u64 = 0;

/// Physical memory, 64 bits at a time. Addresses are multiples of 8 in the guest's memory or the pool of tables.
pub trait Memory {
    /// Reads.
    fn load(&self, physical: u64) -> u64;
    /// Writes.
    fn store(&mut self, physical: u64, value: u64);
    /// Writes if the value is still the one that was read; false if it is not. Where the guest has one CPU nothing can
    /// have come in between.
    #[inline(always)]
    fn replace(&mut self, physical: u64, _read: u64, value: u64) -> bool {
        self.store(physical, value);
        true
    }
}

/// What an access does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// A load.
    Load,
    /// A store or an atomic.
    Store,
    /// An instruction fetch.
    Fetch,
}

impl Access {
    /// The access that a page fault is of.
    pub const fn of_page_fault(cause: u64) -> Option<Access> {
        match cause {
            12 => Some(Access::Fetch),
            13 => Some(Access::Load),
            15 => Some(Access::Store),
            _ => None,
        }
    }

    /// Its page fault.
    pub const fn page_fault(self) -> Exception {
        match self {
            Access::Load => Exception::LoadPageFault,
            Access::Store => Exception::StorePageFault,
            Access::Fetch => Exception::FetchPageFault,
        }
    }

    /// Its access fault.
    pub const fn access_fault(self) -> Exception {
        match self {
            Access::Load => Exception::LoadAccessFault,
            Access::Store => Exception::StoreAccessFault,
            Access::Fetch => Exception::FetchAccessFault,
        }
    }
}

/// Who makes an access, as far as permissions depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accessor {
    /// The guest's kernel, rather than its user programs.
    pub kernel: bool,
    /// sstatus.SUM.
    pub sum: bool,
    /// sstatus.MXR.
    pub mxr: bool,
}

impl Accessor {
    /// Whether an entry allows the access (RISC-V privileged, 12.3.2, step 6).
    #[inline]
    pub fn allowed(self, entry: u64, access: Access) -> bool {
        let user = entry & PTE_USER != 0;
        let ring = match self.kernel {
            false => user,
            true => !user || access != Access::Fetch && self.sum,
        };
        let needed = match access {
            Access::Fetch => PTE_EXECUTE,
            Access::Store => PTE_WRITE,
            Access::Load if self.mxr => PTE_READ | PTE_EXECUTE,
            Access::Load => PTE_READ,
        };
        ring && entry & needed != 0
    }
}

/// A translation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Walk {
    /// Guest-physical address of the byte.
    pub address: u64,
    /// Level of the leaf: 0 for 4 KiB, 1 for 2 MiB, 2 for 1 GiB; above: untranslated.
    pub level: u32,
    /// The leaf, with A and D as they are now.
    pub entry: u64,
    /// Guest-physical addresses of the tables that the walk went through, by level; [`NO_TABLE`] below the leaf.
    pub tables: [u64; LEVELS_MAX],
}

/// Why there is no translation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A page fault of the guest's.
    Page,
    /// A table is where the guest has no memory: an access fault.
    Access,
    /// Another CPU of the guest's changed the entry meanwhile: the access is to be made again.
    Changed,
}

/// Whether satp's value translates.
#[inline(always)]
pub const fn translates<L: Layout>(satp: u64) -> bool {
    levels::<L>(satp) != 0
}

/// Levels of the tables that satp's value names; 0 if it does not translate.
#[inline(always)]
pub const fn levels<L: Layout>(satp: u64) -> u32 {
    match satp >> SATP_MODE_SHIFT {
        SV39 => 3,
        SV48 if L::SV48 => 4,
        _ => 0,
    }
}

/// The root table in satp's value.
pub const fn root(satp: u64) -> u64 {
    (satp & ((1 << 44) - 1)) << PAGE_SHIFT
}

/// The index of an address's entry at a level.
#[inline(always)]
pub const fn index(address: u64, level: u32) -> u64 {
    address.wrapping_shr(page_shift(level)) & ((1 << LEVEL_BITS) - 1)
}

/// Bytes of a page at a level, as a power of two. Levels are below [`LEVELS_MAX`], so nothing can overflow.
#[inline(always)]
const fn page_shift(level: u32) -> u32 {
    LEVEL_BITS.wrapping_mul(level).wrapping_add(PAGE_SHIFT)
}

/// The address that an entry points to.
#[inline]
pub const fn target(entry: u64) -> u64 {
    (entry & PTE_PPN) >> PTE_PPN_SHIFT << PAGE_SHIFT
}

/// Bytes of a page at a level.
#[inline]
pub const fn page_bytes(level: u32) -> u64 {
    1u64.wrapping_shl(page_shift(level))
}

/// Whether an entry is a leaf, if it is valid.
#[inline]
pub const fn is_leaf(entry: u64) -> bool {
    entry & (PTE_READ | PTE_EXECUTE) != 0
}

/// Valid, no reserved bit, and not the reserved W without R.
#[inline]
pub const fn is_well_formed(entry: u64) -> bool {
    entry & PTE_VALID != 0 && entry & PTE_RESERVED == 0 && entry & (PTE_READ | PTE_WRITE) != PTE_WRITE
}

/// Whether an entry points to a table, as it must to be followed.
#[inline]
pub const fn is_pointer(entry: u64) -> bool {
    // W without R or X is what a leaf may not have.
    const CLEAR: u64 =
        PTE_RESERVED | PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_ACCESSED | PTE_DIRTY | PTE_USER;
    entry & (CLEAR | PTE_VALID) == PTE_VALID
}

/// Everything is allowed, and A and D need no setting: what an untranslated address has.
const UNTRANSLATED: u64 = PTE_VALID | PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_ACCESSED | PTE_DIRTY;

/// Translates an address, and sets A and D as hardware would.
pub fn walk<L: Layout>(
    memory: &mut impl Memory,
    regions: &[Region],
    satp: u64,
    address: u64,
    access: Access,
    by: Accessor,
) -> Result<Walk, Fault> {
    let levels = levels::<L>(satp);
    if levels == 0 {
        // Whose access it is decides whose page it is, since there is no entry to say so.
        let entry = if by.kernel { UNTRANSLATED } else { UNTRANSLATED | PTE_USER };
        return Ok(Walk { address, level: LEVELS_MAX as u32, entry, tables: [NO_TABLE; LEVELS_MAX] });
    }
    let unused = 64 - (PAGE_SHIFT + LEVEL_BITS * levels);
    if ((address << unused) as i64 >> unused) as u64 != address {
        return Err(Fault::Page);
    }
    let mut tables = [NO_TABLE; LEVELS_MAX];
    let mut table = root(satp);
    for level in (0..levels).rev() {
        if translate(regions, table, page_bytes(0)).is_none() {
            return Err(Fault::Access);
        }
        tables[level as usize] = table;
        let slot = table | (index(address, level) * ENTRY_BYTES);
        let entry = memory.load(slot);
        if is_pointer(entry) {
            table = target(entry);
            continue;
        }
        let page = target(entry);
        let within = page_bytes(level) - 1;
        if !is_well_formed(entry) || !is_leaf(entry) || page & within != 0 || !by.allowed(entry, access) {
            return Err(Fault::Page);
        }
        let wanted = entry | if access == Access::Store { PTE_ACCESSED | PTE_DIRTY } else { PTE_ACCESSED };
        if wanted != entry && !memory.replace(slot, entry, wanted) {
            return Err(Fault::Changed);
        }
        return Ok(Walk { address: page | address & within, level, entry: wanted, tables });
    }
    Err(Fault::Page)
}
