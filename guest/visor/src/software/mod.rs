//! The software-only back end: a hypervisor in Ring 0 that uses the RISC-V supervisor architecture and nothing else.
//!
//! What V-ISA is measured against. The guest's kernel runs in Ring 3; its privileged instructions trap and are done in
//! software ([`csr`], [`emulate`]), the ones at places that trap often by code made for the place ([`sites`]); its page
//! tables are shadowed ([`crate::isolate::shadow`]). The page `docs/software-only.md` describes it as a whole.
//!
//! visor's Ring -1 part stays the firmware and loads a second visor behind itself ([`load`]), which it starts in Ring 0
//! as it starts a kernel in the native mode. There is one virtual CPU.

pub mod compile;
pub mod cpu;
pub mod csr;
pub mod emitter;

use crate::isolate::shadow::layout::Deprivileged;

/// The guest's address spaces.
#[cfg_attr(not(target_arch = "riscv64"), allow(dead_code))]
type Spaces<'a> = crate::isolate::shadow::spaces::Spaces<'a, Deprivileged>;

#[cfg(test)]
mod tests;

#[cfg(target_arch = "riscv64")]
mod emulate;
#[cfg(target_arch = "riscv64")]
mod entry;
#[cfg(target_arch = "riscv64")]
mod firmware;
#[cfg(target_arch = "riscv64")]
mod hypervisor;
#[cfg(target_arch = "riscv64")]
mod interrupts;
#[cfg(target_arch = "riscv64")]
mod load;
#[cfg(target_arch = "riscv64")]
mod machine;
#[cfg(target_arch = "riscv64")]
mod ring0;
#[cfg(target_arch = "riscv64")]
mod sites;
#[cfg(target_arch = "riscv64")]
mod statistics;
#[cfg(target_arch = "riscv64")]
mod symbols;
#[cfg(target_arch = "riscv64")]
mod transitions;
#[cfg(target_arch = "riscv64")]
mod trap;

#[cfg(target_arch = "riscv64")]
pub use hypervisor::is_active;
#[cfg(target_arch = "riscv64")]
pub use load::load;
