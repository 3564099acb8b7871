//! A hart: its stack, and what any of visor's code may do with the one that it runs on.

#[cfg(target_arch = "riscv64")]
mod hart;
#[cfg(target_arch = "riscv64")]
mod stack;

#[cfg(target_arch = "riscv64")]
pub use hart::{fence_instructions, notify, this, wait};
#[cfg(target_arch = "riscv64")]
pub use stack::{STACK_BYTES, STACKS};

/// The most harts that visor runs on.
pub const HARTS_MAX: usize = 64;
