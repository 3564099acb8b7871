//! Walking the guest's own page tables (RISC-V privileged, 12.3.2 and 12.4), which the hardware never sees.

use super::hardware::Memory;
use super::layout::Layout;
use super::satp::{SATP_MODE_SHIFT, SV39, SV48, root};
use crate::guest::memory::{Region, translate};
use visa_isa::GuestVirtual;
use visa_isa::paging::{
    self, Access, Accessor, First, Mode, PAGE_SHIFT, PAGE_SIZE, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE,
    PTE_READ, PTE_USER, PTE_VALID, PTE_WRITE, TableBase,
};

/// Levels of the guest's tables, at most.
pub const LEVELS_MAX: usize = 4;
/// In place of a table's address: the shadow table stands for part of one large page, or for untranslated addresses.
pub const NO_TABLE: u64 = 0;

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
    let mode = if levels == 3 { Mode::Sv39 } else { Mode::Sv48 };
    let base = TableBase { mode, tag: 0, root: root(satp) };
    let mut tables = [NO_TABLE; LEVELS_MAX];
    let leaf = paging::walk::<First, _>(base, GuestVirtual(address), |slot, level| {
        let table = slot.page(PAGE_SHIFT).0;
        if translate(regions, table, PAGE_SIZE).is_none() {
            return Err(Fault::Access);
        }
        tables[level as usize] = table;
        Ok(memory.load(slot.0))
    });
    let leaf = leaf.map_err(|why| why.or(Fault::Page))?;
    let entry = leaf.entry.0;
    if !by.may(access, entry) {
        return Err(Fault::Page);
    }
    let wanted = entry | access.marks();
    if wanted != entry && !memory.replace(leaf.slot.0, entry, wanted) {
        return Err(Fault::Changed);
    }
    Ok(Walk { address: leaf.translate(GuestVirtual(address)).0, level: leaf.level, entry: wanted, tables })
}
