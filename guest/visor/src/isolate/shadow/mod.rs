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
pub mod hardware;
pub mod layout;
pub mod pool;
pub mod satp;
pub mod spaces;
pub mod sync;
pub mod trees;
pub mod walk;

#[cfg(test)]
mod tests;
