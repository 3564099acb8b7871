//! The fast engine: code of the guest becomes code of the host while it runs.
//!
//! The reference interpreter executes what is cold, and whatever is rare; this crate must agree with it in everything
//! that a guest or a report can see, retired instructions and TLB misses included. How it works is told in
//! `docs/jit.md`; the parts are
//!
//! * `engine`: which code runs next; `cache`: the units of translated code, and how they find each other;
//! * `unit`: what one unit holds; `region`: loops as a whole; `emit`: the host's instructions for each of the guest's; `registers`: where the
//!   guest's registers are meanwhile;
//! * `runtime`: how generated code is entered and left, and how it calls the interpreter; `memory`: where it is.
//!
//! On other hosts than x86-64 Linux, [`Jit`] is the interpreter under another name.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod cache;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod check;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod emit;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod engine;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod memory;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod optimise;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod region;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod registers;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod runtime;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod trampolines;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod unit;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use engine::{Jit, Statistics};

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod fallback;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub use fallback::{Jit, Statistics};
