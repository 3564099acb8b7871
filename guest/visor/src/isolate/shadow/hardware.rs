//! What shadow tables need from the machine.

use visa_isa::paging::{PTE_EXECUTE, PTE_PPN, PTE_READ, PTE_USER, PTE_WRITE};

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

/// The real TLB, and memory.
pub trait Hardware: Memory {
    /// Drops an address from all address spaces, after a fence by it or a change of its entry.
    fn flush_address(&mut self, address: u64);
    /// Drops an address space.
    fn flush_space(&mut self, asid: u16);
    /// Drops everything.
    fn flush_all(&mut self);
    /// A leaf at a level is another now, or none. For a TLB that cannot be told addresses; what has
    /// [`Hardware::flush_address`] needs no more.
    #[inline(always)]
    fn leaf_changed(&mut self, _level: u32, _old: u64, _new: u64) {}
}

/// Whether a leaf that changes only allows more than before: V-ISA's TLB walks when its entry does not allow an access
/// (specification, 4.2), so it may keep the old one.
#[inline(always)]
pub const fn only_allows_more(old: u64, new: u64) -> bool {
    const RIGHTS: u64 = PTE_READ | PTE_WRITE | PTE_EXECUTE;
    (old ^ new) & (PTE_PPN | PTE_USER) == 0 && old & !new & RIGHTS == 0
}
