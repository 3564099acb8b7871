//! How a guest is kept to its own memory: by the second stage ([`nested`]), or by shadow page tables ([`shadow`], `pager`) where the
//! machine has none.
//!
//! Which of them is decided once, when the VM is made ([`Isolation`]), and each of its virtual CPUs gets what it takes
//! (`Translation`). Nobody else asks.

pub mod nested;
pub mod shadow;

#[cfg(target_arch = "riscv64")]
pub mod pager;
#[cfg(target_arch = "riscv64")]
mod translation;

#[cfg(target_arch = "riscv64")]
pub use translation::Translation;

/// How a VM's guest is kept to its memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Isolation {
    /// Not at all: the guest has the machine.
    Open,
    /// By the second stage.
    Nested,
    /// By shadow tables, for which there is the memory between two addresses.
    Shadow(core::ops::Range<u64>),
}
