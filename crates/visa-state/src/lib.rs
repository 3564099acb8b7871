//! What a hart is, apart from how it is made fast and who looks on: a plain value.
//!
//! [`HartState`] holds everything that a guest, a hypervisor or a report can tell, and nothing else: it clones, compares, saves
//! ([`HartState::save`]) and loads without a list of its fields beside it. How addresses become others and what is remembered of
//! that is in `visa-mmu`; what the state does is in `visa-core`.
//!
//! * [`world`]: the banks that a world switch changes, as a stack;
//! * [`registers`], [`virtual_machine`]: MSRs by owner; [`time`]: how time follows from retired instructions;
//! * [`message`]: what a hart tells others; [`statistics`]: what reports count; [`features`]: what the machine lacks.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod features;
mod hart;
pub mod message;
pub mod registers;
pub mod statistics;
pub mod time;
pub mod virtual_machine;
pub mod world;

pub use features::{Feature, Features};
pub use hart::{Delivery, HartState, HypervisorException, LoadError, Reservation};
pub use message::{Interrupt, Message, Residency};
pub use registers::{Hypervisor, Supervisor};
pub use statistics::{Spread, Statistics, Traps};
pub use time::VirtualTime;
pub use virtual_machine::{Range, VirtualMachine};
pub use world::{Bank, World};
