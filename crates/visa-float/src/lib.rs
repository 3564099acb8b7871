//! What the F and D extensions compute: pure functions from bit patterns to bit patterns.
//!
//! A value of the format binary32 travels as `u32`, one of binary64 as `u64`; the host's `f32` and `f64`
//! stay out of it, because a host may quieten or change a NaN on the way. Each operation returns its result
//! and the [`Flags`] that it accrues into fcsr, and those that round take the [`RoundingMode`] that the
//! instruction asked for. Nothing here keeps state between two calls, so any thread may call anything.
//!
//! | module | what it holds | RISC-V unprivileged ISA |
//! |---|---|---|
//! | [`RoundingMode`], [`Flags`] | the fields of fcsr | "Floating-Point Control and Status Register" |
//! | [`softfloat`] | all that rounds: arithmetic, conversions; and compares | "Computational", "Conversion" |
//! | [`select`] | minimum and maximum | "minimumNumber and maximumNumber" |
//! | [`pattern`] | what only looks at bits: sign injection, classes, NaN boxes | "NaN Boxing", "Classify" |
//!
//! A NaN result of arithmetic, of a conversion between formats, and of minimum or maximum is always the
//! canonical one ([`CANONICAL_NAN_F32`], [`CANONICAL_NAN_F64`]). Tininess is detected after rounding.

mod fcsr;
pub mod pattern;
pub mod select;
pub mod softfloat;

pub use fcsr::{Flags, RoundingMode};
pub use pattern::*;
pub use select::*;
pub use softfloat::*;
