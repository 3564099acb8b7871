//! Shadow page tables: what the hardware walks in place of the guest's tables, where it has no second stage.
//!
//! Two back ends use them, with different [`layout`]s: the software-only one ([`crate::software`]), and the accelerated
//! one on a machine that lacks nested paging. Guest-physical addresses are physical ones in both.
//!
//! They are a *software TLB*: filled when an access misses ([`fill`]), and corrected when the guest executes
//! SFENCE.VMA, as the architecture makes it do ([`sync`]). Nothing is write-protected, and the guest's tables are never
//! watched. D is emulated by mapping clean pages read-only. Which trees belong to which value of the guest's satp is in
//! [`spaces`]; the upper half of the addresses is shared by all spaces, table by table, since kernels map themselves
//! into every space by the same tables.

pub mod fill;
pub mod layout;
pub mod pool;
pub mod spaces;
pub mod sync;
pub mod walk;

#[cfg(test)]
mod tests;

use visa_isa::paging::{PTE_EXECUTE, PTE_PPN, PTE_READ, PTE_USER, PTE_WRITE};
use walk::Memory;

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
