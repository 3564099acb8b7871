//! The JIT against the interpreter, side by side: after every few instructions the two harts must be the same in
//! everything that a guest or a report can see, and at the end their memories too.
//!
//! `VISA_FUZZ_SECONDS` says how long each test goes on (default 2), `VISA_FUZZ_SEED` where to start. Once one has found a difference,
//! the others stop.
#![allow(clippy::disallowed_methods, reason = "it tells people, or measures, how long something takes")]

mod guests;
mod machines;
mod pair;
mod programs;
mod seeds;
