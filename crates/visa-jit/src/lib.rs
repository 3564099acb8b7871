//! The fast engine: code of the guest becomes code of the host while it runs.
//!
//! The reference interpreter executes what is cold, and whatever is rare; this crate must agree with it in everything
//! that a guest or a report can see, retired instructions and TLB misses included. How it works is told in
//! `docs/jit.md`; the parts are
//!
//! * `engine`: which code runs next; `cache`: the blocks of translated code, and how they find each other;
//! * `block`: what one block holds; `region`: loops as a whole; `emit`: the host's instructions for each of the guest's; `registers`: where the
//!   guest's registers are meanwhile;
//! * `runtime`: how generated code is entered and left, and how it calls the interpreter; `memory`: where it is;
//! * `predicted`: in which pages accesses were last.
//!
//! On other hosts than x86-64 Linux, and without the feature `host-code`, [`Jit`] is the interpreter under another type
//! ([`GENERATES_CODE`]); nothing else of this crate is compiled then.

#[cfg(generates_code)]
mod block;
#[cfg(generates_code)]
mod cache;
#[cfg(generates_code)]
mod check;
#[cfg(generates_code)]
mod coverage;
#[cfg(generates_code)]
mod emit;
#[cfg(generates_code)]
mod engine;
#[cfg(generates_code)]
mod memory;
#[cfg(generates_code)]
mod optimise;
#[cfg(generates_code)]
mod predicted;
#[cfg(generates_code)]
mod region;
#[cfg(generates_code)]
mod registers;
#[cfg(generates_code)]
mod runtime;
#[cfg(generates_code)]
mod trampolines;

#[cfg(generates_code)]
pub use engine::Jit;

#[cfg(all(feature = "coverage", target_arch = "x86_64", target_os = "linux"))]
pub use coverage::report as coverage_report;

#[cfg(not(generates_code))]
mod fallback;
#[cfg(not(generates_code))]
pub use fallback::Jit;

mod settings;
pub use settings::{CheckedCode, Settings};

/// Whether [`Jit`] generates code in this build. Where it does not, tests that compare it with the interpreter have nothing to
/// compare, and say so.
pub const GENERATES_CODE: bool = cfg!(generates_code);
