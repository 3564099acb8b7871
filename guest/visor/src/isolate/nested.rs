//! The second stage: tables from guest-physical to physical addresses (specification, 4.1).
//!
//! Everything a guest has is mapped up front, with the largest pages that fit, so that no exit is ever needed to map
//! it and a TLB entry covers as much as it can.

use crate::guest::memory::Region;
use visa_isa::GuestPhysical;
use visa_isa::paging::entry::{ENTRY_BYTES, index};
use visa_isa::paging::{
    self, Entry, LEVEL_BITS, Mode, PAGE_SHIFT, PAGE_SIZE, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE,
    PTE_PPN_SHIFT, PTE_READ, PTE_VALID, PTE_WRITE, Second, TableBase,
};

/// Entries of a table.
const ENTRIES: usize = 1 << LEVEL_BITS;

/// The largest page in levels above a 4 KiB page: 1 GiB.
const LARGEST_PAGE_LEVEL: u32 = 2;

/// All accesses; A and D are set beforehand, so that hardware need not write the table.
const LEAF: u64 = PTE_VALID | PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_ACCESSED | PTE_DIRTY;

/// A page table, of any level.
#[derive(Clone, Copy)]
#[repr(C, align(4096))]
pub struct Table([u64; ENTRIES]);

impl Table {
    /// A table that maps nothing.
    pub const EMPTY: Table = Table([0; ENTRIES]);
}

/// Why something could not be mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapError {
    /// An address or length is not a multiple of a page, or the region is beyond what the mode translates.
    Region,
    /// Something is mapped there already.
    Overlap,
    /// There are no tables left.
    NoTables,
}

/// The tables of one VM, in a pool of which the first is the root.
pub struct SecondStage<'a> {
    mode: Mode,
    pool: &'a mut [Table],
    /// The physical address of the pool.
    pool_address: u64,
    used: usize,
}

impl<'a> SecondStage<'a> {
    /// Tables that map nothing, in a pool that is at a physical address, for guest-physical addresses below `end`:
    /// Sv39 if that suffices, else Sv48.
    pub fn new(pool: &'a mut [Table], pool_address: u64, end: u64) -> Result<Self, MapError> {
        let mode = if end <= 1 << Mode::Sv39.address_bits() { Mode::Sv39 } else { Mode::Sv48 };
        let mut stage = SecondStage { mode, pool, pool_address, used: 0 };
        stage.take()?;
        Ok(stage)
    }

    /// HPTBR for these tables.
    pub fn hptbr(&self, vmid: u16) -> u64 {
        TableBase { mode: self.mode, tag: vmid, root: self.pool_address }.value()
    }

    /// How many tables are in use.
    pub fn tables(&self) -> usize {
        self.used
    }

    /// Maps a region with the largest pages that fit.
    pub fn map(&mut self, region: Region) -> Result<(), MapError> {
        let Region { guest, physical, length } = region;
        let end = guest.checked_add(length).filter(|end| *end <= 1 << self.mode.address_bits());
        if end.is_none()
            || physical.checked_add(length).is_none()
            || (guest | physical | length) % PAGE_SIZE != 0
        {
            return Err(MapError::Region);
        }
        let mut done = 0;
        while done < length {
            let level = page_level(guest + done, physical + done, length - done);
            self.map_page(guest + done, physical + done, level)?;
            done += PAGE_SIZE << (level * LEVEL_BITS);
        }
        Ok(())
    }

    /// What a guest-physical address is mapped to, and how large the page is, as hardware would find it.
    pub fn walk(&self, guest: u64) -> Option<(u64, u64)> {
        let base = TableBase { mode: self.mode, tag: 0, root: self.pool_address };
        let leaf = paging::walk::<Second, _>(base, GuestPhysical(guest), |slot, _| {
            let number = ((slot.0 - self.pool_address) / ENTRY_BYTES) as usize;
            self.pool.get(number / ENTRIES).map(|table| table.0[number % ENTRIES]).ok_or(())
        });
        let leaf = leaf.ok()?;
        Some((leaf.translate(GuestPhysical(guest)).0, 1 << leaf.page_shift()))
    }

    /// Writes one entry `level` levels above the 4 KiB pages, making the tables on the way.
    fn map_page(&mut self, guest: u64, physical: u64, level: u32) -> Result<(), MapError> {
        let mut table = 0;
        for above in (level + 1..self.mode.levels()).rev() {
            let entry = self.pool[table].0[index(guest, above) as usize];
            table = if entry & PTE_VALID == 0 {
                let new = self.take()?;
                let new_address = self.pool_address + new as u64 * PAGE_SIZE;
                self.pool[table].0[index(guest, above) as usize] =
                    PTE_VALID | new_address >> PAGE_SHIFT << PTE_PPN_SHIFT;
                new
            } else if Entry(entry).is_leaf() {
                return Err(MapError::Overlap);
            } else {
                self.index_of(entry)
            };
        }
        let entry = &mut self.pool[table].0[index(guest, level) as usize];
        if *entry & PTE_VALID != 0 {
            return Err(MapError::Overlap);
        }
        *entry = LEAF | physical >> PAGE_SHIFT << PTE_PPN_SHIFT;
        Ok(())
    }

    fn take(&mut self) -> Result<usize, MapError> {
        let table = self.pool.get_mut(self.used).ok_or(MapError::NoTables)?;
        *table = Table::EMPTY;
        self.used += 1;
        Ok(self.used - 1)
    }

    fn index_of(&self, entry: u64) -> usize {
        ((Entry(entry).target() - self.pool_address) / PAGE_SIZE) as usize
    }
}

/// The level of the largest page that starts at both addresses and is no longer than what is left.
fn page_level(guest: u64, physical: u64, left: u64) -> u32 {
    (1..=LARGEST_PAGE_LEVEL)
        .rev()
        .find(|level| {
            let size = PAGE_SIZE << (level * LEVEL_BITS);
            (guest | physical) & (size - 1) == 0 && size <= left
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;
    const POOL: u64 = 0x9000_0000;

    #[test]
    fn hptbr_holds_mode_vmid_and_root() {
        let mut pool = vec![Table::EMPTY; 4];
        let stage = SecondStage::new(&mut pool, POOL, 4 * GIB).unwrap();
        // Mode 8 in bits 63:60, VMID 5 in 57:44, page number 0x90000 in 43:0.
        assert_eq!(stage.hptbr(5), 0x8000_5000_0009_0000);
        let mut pool = vec![Table::EMPTY; 4];
        let stage = SecondStage::new(&mut pool, POOL, (1 << 39) + 1).unwrap();
        assert_eq!(stage.hptbr(0) >> 60, 9);
    }

    #[test]
    fn memory_of_256_mib_takes_two_tables_of_2_mib_pages() {
        let mut pool = vec![Table::EMPTY; 4];
        let mut stage = SecondStage::new(&mut pool, POOL, 0x9000_0000).unwrap();
        stage.map(Region::identity(0x8000_0000, 256 * MIB)).unwrap();
        assert_eq!(stage.tables(), 2);
        assert_eq!(stage.walk(0x8000_0000), Some((0x8000_0000, 2 * MIB)));
        assert_eq!(stage.walk(0x8fff_ffff), Some((0x8fff_ffff, 2 * MIB)));
        assert_eq!(stage.walk(0x9000_0000), None, "visor's own memory is not the guest's");
        assert_eq!(stage.walk(0x7fff_ffff), None);
        // The root's entry 2 (of 1 GiB each) points to the pool's second page; there entry 0 is a leaf.
        assert_eq!(pool[0].0[2], 0x9000_1000 >> 12 << 10 | 1);
        assert_eq!(pool[1].0[0], 0x8000_0000 >> 12 << 10 | 0b1100_1111);
    }

    #[test]
    fn each_part_gets_the_largest_page_that_fits() {
        let mut pool = vec![Table::EMPTY; 8];
        let mut stage = SecondStage::new(&mut pool, POOL, 16 * GIB).unwrap();
        let length = 2 * GIB + 3 * 2 * MIB + 5 * PAGE_SIZE;
        stage.map(Region::identity(0x8000_0000, length)).unwrap();
        assert_eq!(stage.walk(0x8000_0000).unwrap().1, GIB);
        assert_eq!(stage.walk(0x8000_0000 + 2 * GIB).unwrap().1, 2 * MIB);
        assert_eq!(stage.walk(0x8000_0000 + length - 1), Some((0x8000_0000 + length - 1, PAGE_SIZE)));
        assert_eq!(stage.walk(0x8000_0000 + length), None);
        assert_eq!(stage.tables(), 3);
    }

    #[test]
    fn an_offset_that_breaks_the_alignment_makes_the_pages_smaller() {
        let mut pool = vec![Table::EMPTY; 8];
        let mut stage = SecondStage::new(&mut pool, POOL, 4 * GIB).unwrap();
        stage.map(Region { guest: 0x4000_0000, physical: 0x8000_0000, length: 2 * MIB }).unwrap();
        stage.map(Region { guest: 0x4020_0000, physical: 0x8020_1000, length: 2 * MIB }).unwrap();
        assert_eq!(stage.walk(0x4000_1234), Some((0x8000_1234, 2 * MIB)));
        assert_eq!(stage.walk(0x4020_1234), Some((0x8020_2234, PAGE_SIZE)));
    }

    #[test]
    fn sv48_reaches_where_sv39_does_not() {
        let mut pool = vec![Table::EMPTY; 4];
        let mut stage = SecondStage::new(&mut pool, POOL, (1 << 40) + GIB).unwrap();
        stage.map(Region { guest: 1 << 40, physical: 0x8000_0000, length: GIB }).unwrap();
        assert_eq!(stage.walk((1 << 40) + 5), Some((0x8000_0005, GIB)));
        assert_eq!(stage.walk(0x8000_0000), None);
        assert_eq!(stage.walk(1 << 48), None);
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        let mut pool = vec![Table::EMPTY; 2];
        let mut stage = SecondStage::new(&mut pool, POOL, 4 * GIB).unwrap();
        for region in [
            Region::identity(0x8000_0001, PAGE_SIZE),
            Region { guest: 0, physical: 0x8000_0800, length: PAGE_SIZE },
            Region::identity(1 << 39, PAGE_SIZE),
            Region::identity(u64::MAX - 0xfff, 0x2000),
        ] {
            assert_eq!(stage.map(region), Err(MapError::Region), "{region:x?}");
        }
        stage.map(Region::identity(0, GIB)).unwrap();
        assert_eq!(stage.map(Region::identity(0, GIB)), Err(MapError::Overlap));
        assert_eq!(stage.map(Region::identity(0x1000, PAGE_SIZE)), Err(MapError::Overlap));
        stage.map(Region::identity(GIB, 2 * MIB)).unwrap();
        assert_eq!(stage.map(Region::identity(2 * GIB, 2 * MIB)), Err(MapError::NoTables));
        assert!(SecondStage::new(&mut [], POOL, 0).is_err());
    }
}
