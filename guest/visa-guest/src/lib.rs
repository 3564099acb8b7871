//! V-ISA for code that runs on it.
//!
//! - [`isa`] is the table crate: MSR numbers, causes, trap filter bits, the VMCS layout, page tables, descriptors.
//! - [`instructions`] has a function for each of V-ISA's own instructions, as `.insn`, so that any RISC-V toolchain takes it.
//! - [`registers`] has a module for each MSR with `read`, `write`, `set` and `clear`: `registers::vmtrapcfg::write(x)`.
//! - [`guest_integer`] and its like reach the guest's register bank by number.
//! - [`last_exit`] is the last VM exit as a type ([`isa::exit::Exit`]), [`qualification`] its access alone.
//!
//! Entering a guest is a call that returns with an exit:
//!
//! ```ignore
//! unsafe { visa_guest::instructions::vmenter(vmcs_address) };
//! match visa_guest::exit_cause() {
//!     Some(ExitCause::Hypercall) => ...
//! }
//! ```
#![no_std]
#![cfg(target_arch = "riscv64")]
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]

mod access;
mod bank;
mod exit;
pub mod instructions;
pub mod registers;

pub use bank::{guest_float, guest_integer, set_guest_float, set_guest_integer};
pub use exit::{exit_cause, exit_record, last_exit, qualification};
pub use visa_isa as isa;
