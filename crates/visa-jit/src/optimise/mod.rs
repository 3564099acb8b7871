//! The optimising tier: loops in which much time is spent, compiled as a whole by Cranelift while execution goes on.
//!
//! * `trace`: what the code does, as the interpreter sees it; `plan`: the loop that is worth compiling;
//! * `lower`, `compute`, `access`: its meaning in Cranelift's terms; `compile`: the thread that compiles;
//! * `data`: what a loop keeps beside its code; `thunk`: how blocks enter and leave it;
//! * `policy`: which code is traced, and when.
//!
//! A loop follows jumps, calls and returns across pages, keeps the guest's registers in the host's, and predicts where
//! its accesses go. It is entered only while all of its pages are where they were; whatever is rare, it leaves to blocks.

mod access;
pub mod compile;
mod compute;
pub mod data;
pub mod lower;
pub mod plan;
pub mod policy;
pub mod thunk;
pub mod trace;

pub use lower::Addresses;
