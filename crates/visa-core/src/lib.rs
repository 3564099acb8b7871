//! What a hart does with its state: everything privileged, shared by all engines.
//!
//! An engine decides how instructions are fetched and how they compute; whatever touches privilege comes here:
//!
//! * [`Hart`]: a hart that runs: its state (`visa-state`), its translation (`visa-mmu`), its wires and its observers;
//! * [`register`], [`msr`]: what MSRs hold, and who may read and write what; [`memory`]: loads, stores and fetches;
//! * [`trap`]: exceptions and interrupts; [`world_switch`]: VMENTER, VM exits, VMSAVE, VMLOAD; [`assist`]: the exit
//!   record and the resume action *complete*;
//! * [`io`]: ports and IOVMAP; [`vic`]: virtual interrupts; [`clock`]: time and timers; [`layout`]: what generated code sees;
//! * [`observers`], [`timeline`], [`model`]: who looks on; [`data_access`]: what debuggers watch.
//!
//! Three outcomes are never mixed: a [`Stop`] is architectural (an exception or a VM exit), and an engine that gets one
//! has executed nothing of the instruction; [`Event`]s are what observers see; errors of the host do not occur here.
#![forbid(unsafe_code)]

pub mod assist;
pub mod clock;
pub mod data_access;
mod engine_memory;
mod event;
mod fence;
mod hart;
mod host_clock;
pub mod io;
pub mod layout;
pub mod memory;
pub mod model;
pub mod msr;
pub mod observers;
pub mod register;
mod saved;
pub mod timeline;
pub mod trap;
pub mod vic;
mod vmcs;
pub mod world_switch;

pub use engine_memory::{ENGINE_WORDS, EngineMemory};
pub use event::{Entered, Event};
pub use hart::Hart;
pub use saved::SavedHart;
pub use trap::{Stop, Wait};
