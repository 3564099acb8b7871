//! The C99 "fast" integer types, for `softfloat-sys`.
//!
//! `softfloat-sys` takes these names from a crate called `c99`, whose published version runs CMake and make
//! to find out how wide they are. V-ISA promises to build with Rust and a C compiler alone, so the workspace
//! patches that crate with this one, which states the widths. `softfloat-sys` itself builds for x86-64 Linux
//! only, hence these are the widths of that ABI.

#![no_std]
#![allow(non_camel_case_types)]

/// `uint_fast8_t`
pub type uint_fast8_t = u8;

/// The 32-bit "fast" types: glibc makes them as wide as a register.
#[cfg(not(target_env = "musl"))]
mod fast32 {
    /// `int_fast32_t`
    pub type int_fast32_t = i64;
    /// `uint_fast32_t`
    pub type uint_fast32_t = u64;
}

/// The 32-bit "fast" types: musl keeps them at 32 bits.
#[cfg(target_env = "musl")]
mod fast32 {
    /// `int_fast32_t`
    pub type int_fast32_t = i32;
    /// `uint_fast32_t`
    pub type uint_fast32_t = u32;
}

pub use fast32::{int_fast32_t, uint_fast32_t};

/// `int_fast64_t`
pub type int_fast64_t = i64;
/// `uint_fast64_t`
pub type uint_fast64_t = u64;
