//! How a guest is kept to its own memory: by the second stage ([`nested`]), or by shadow page tables ([`shadow`]) where the
//! machine has none.

pub mod nested;
#[cfg(target_arch = "riscv64")]
pub mod pager;
pub mod shadow;
