//! The second stage that stands between an assigned device and RAM: a walk of the page table that HPTBR names.
//!
//! The format is Sv39 or Sv48 (RISC-V privileged architecture, "Sv39" and "Sv48"), applied to guest-physical
//! addresses: these are not sign-extended, and the U and G bits mean nothing. Accessed and dirty bits are kept as for
//! the processor's own accesses, so that dirty tracking sees what devices write.

use visa_devices::{DmaAccess, DmaTranslation};
use visa_isa::paging::{
    LEVEL_BITS, Mode, PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_PPN, PTE_PPN_SHIFT, PTE_READ,
    PTE_RESERVED, PTE_VALID, PTE_WRITE, TableBase,
};
use visa_mem::{AccessSize, Ram};

const PTE_BYTES: u64 = AccessSize::Double.bytes();

/// A device's view through one second-stage table.
pub struct SecondStage<'m> {
    ram: &'m Ram,
    /// `None` for a register value that names no table; it maps nothing.
    base: Option<TableBase>,
}

impl<'m> SecondStage<'m> {
    /// The stage that `hptbr` names; `None` for mode 0, bare.
    pub fn new(ram: &'m Ram, hptbr: u64) -> Option<Self> {
        let base = TableBase::from_hptbr(hptbr);
        let bare = base.is_some_and(|base| base.mode == Mode::Bare);
        (!bare).then_some(Self { ram, base })
    }

    /// Where the entry for `address` at `level` stands in RAM, and what it says.
    fn entry(&self, table: u64, address: u64, level: u32) -> Option<(u64, u64)> {
        let index = address >> (PAGE_SHIFT + LEVEL_BITS * level) & ((1 << LEVEL_BITS) - 1);
        let offset = self.ram.offset_of(table + index * PTE_BYTES, PTE_BYTES)?;
        Some((offset, self.ram.load_u64(offset)?))
    }

    /// Checks a leaf, marks it used, and returns its physical address for `address`.
    fn leaf(&self, offset: u64, pte: u64, address: u64, level: u32, access: DmaAccess) -> Option<u64> {
        let (needed, marks) = match access {
            DmaAccess::Read => (PTE_READ, PTE_ACCESSED),
            DmaAccess::Write => (PTE_READ | PTE_WRITE, PTE_ACCESSED | PTE_DIRTY),
        };
        let within_mask = (1 << (PAGE_SHIFT + LEVEL_BITS * level)) - 1;
        let base = page_address(pte);
        // Write without read is a reserved encoding; a superpage must be aligned to its size.
        if pte & needed != needed || base & within_mask != 0 {
            return None;
        }
        if pte & marks != marks {
            self.ram.store_u64(offset, pte | marks)?;
        }
        Some(base | address & within_mask)
    }
}

fn page_address(pte: u64) -> u64 {
    (pte & PTE_PPN) >> PTE_PPN_SHIFT << PAGE_SHIFT
}

/// The view of a device that nobody has given memory.
pub struct Closed;

impl DmaTranslation for Closed {
    fn translate(&self, _: u64, _: DmaAccess) -> Option<u64> {
        None
    }
}

impl DmaTranslation for SecondStage<'_> {
    fn translate(&self, guest_physical: u64, access: DmaAccess) -> Option<u64> {
        let base = self.base?;
        if guest_physical >> base.mode.address_bits() != 0 {
            return None;
        }
        let mut table = base.root;
        for level in (0..base.mode.levels()).rev() {
            let (offset, pte) = self.entry(table, guest_physical, level)?;
            if pte & PTE_VALID == 0 || pte & PTE_RESERVED != 0 {
                return None;
            }
            if pte & (PTE_READ | PTE_WRITE | PTE_EXECUTE) != 0 {
                return self.leaf(offset, pte, guest_physical, level, access);
            }
            if pte & (PTE_ACCESSED | PTE_DIRTY) != 0 {
                return None; // reserved in a pointer to the next level
            }
            table = page_address(pte);
        }
        None
    }
}
