//! The stacks of Ring -1. Only the start code and the harts' own stack pointers refer to them.

use super::HARTS_MAX;
use core::cell::UnsafeCell;

/// Bytes of a hart's stack.
pub const STACK_BYTES: usize = 16 << 10;

/// A stack for each hart.
#[repr(C, align(16))]
pub struct Stacks(UnsafeCell<[[u8; STACK_BYTES]; HARTS_MAX]>);

// SAFETY: each hart uses the part of its own, through its stack pointer.
unsafe impl Sync for Stacks {}

/// The stacks of all harts. They need not be cleared.
#[unsafe(link_section = ".bss.uncleared")]
pub static STACKS: Stacks = Stacks(UnsafeCell::new([[0; STACK_BYTES]; HARTS_MAX]));
