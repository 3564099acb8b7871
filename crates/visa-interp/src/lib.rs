//! The reference interpreter: what each V-ISA instruction means.
//!
//! `execute.rs` is the executable specification: one match over the instruction table, in the order of
//! its groups. Around it, [`Interpreter`] keeps decoded blocks, so that an instruction is decoded once, and decides
//! when a hart looks for interrupts.
//!
//! An instruction either completes, or stops with an exception or a VM exit and has had no effect.
#![forbid(unsafe_code)]

mod atomic;
mod bitmanip;
mod block;
mod engine;
mod execute;
mod float;
mod flow;
mod muldiv;
mod run;
mod system;

pub use block::{Slot, decode_at};
pub use engine::{CodeStatistics, Engine, GeneratedCode};
pub use flow::Flow;
pub use run::{Begin, Interpreter, Mark, RunEnd, Step, execute_alone, execute_slot};
