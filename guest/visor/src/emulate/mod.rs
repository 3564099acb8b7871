//! What visor does by itself on a machine that lacks a feature (`docs/cycle-model.md`, "Machines that lack a feature"):
//! the guest sees no difference, but in how fast it is.
//!
//! - Without decode assist an exit does not say what the instruction wants: visor walks the guest's page tables,
//!   fetches the instruction and decodes it ([`crate::guest::space`]).
//! - Without the trap filter nearly everything that the guest's kernel does exits: MSRs, SRET, WFI, fences, page faults.
//! - Without a timer that interrupts the guest visor makes the interrupt pending, and delivers it when the guest takes
//!   interrupts ([`crate::interrupts::order`]).
//!
//! It is a layer of the exit loop above the plain one. A machine that lacks nothing has the plain one alone.

pub mod cache;

#[cfg(target_arch = "riscv64")]
mod instruction;
#[cfg(target_arch = "riscv64")]
mod layer;
#[cfg(target_arch = "riscv64")]
mod msrs;
#[cfg(target_arch = "riscv64")]
mod pending;
#[cfg(target_arch = "riscv64")]
mod ports;

#[cfg(target_arch = "riscv64")]
pub use layer::Emulating;
