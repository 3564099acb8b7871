//! Random V-ISA programs, made from the ISA table.
//!
//! Two kinds of programs, for two questions:
//!
//! - [`program`]: do two engines compute the same? A program of user-mode instructions that cannot trap, whose
//!   whole effect is in a block of memory: the registers, fcsr and scratch memory that it starts from are
//!   read from there, and what it leaves is written back. Whoever runs the same bytes at the same addresses
//!   must end with the same block.
//! - [`wild`]: can a stream break the machine? Any instruction with any operand, in any order, and plain garbage.
//!   [`wild_guest`] puts such a stream into a guest, with a hypervisor around it.
//!
//! And a third: do the modes of `visa boot` give a kernel the same machine? [`mod@kernel`] makes kernels whose every result
//! follows from the architecture.
//!
//! Everything follows from a seed: the same seed gives the same bytes, on every host. A row that is added to the table is
//! generated from then on.

#![forbid(unsafe_code)]

pub mod code;
pub mod instruction;
pub mod kernel;
pub mod loops;
pub mod program;
mod random;
pub mod space;
pub mod structured;
pub mod switches;
pub mod touches;
pub mod unit;
mod values;
pub mod wild;
pub mod wild_guest;
pub mod wild_machine;

pub use random::Random;
