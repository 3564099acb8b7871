//! The state of a hart and everything privileged about it, shared by all engines.
//!
//! An engine decides how instructions are fetched and how they compute; whatever touches privilege comes here:
//!
//! * [`Hart`]: registers, banks, MSRs; [`msr`] says who may read and write what;
//! * [`memory`]: loads, stores and fetches, by way of the [`tlb`] and the two-stage walk in [`translate`];
//! * [`trap`]: exceptions and interrupts; [`world_switch`]: VMENTER, VM exits, VMSAVE, VMLOAD; [`assist`]: the exit
//!   record and the resume action *complete*;
//! * [`io`]: ports and IOVMAP; [`vic`]: virtual interrupts; [`clock`]: time and timers;
//! * [`inspect`]: translation for debuggers, without a trace in the machine; [`layout`]: what generated code sees;
//! * [`features`]: what can be taken away; [`model`], [`walk_trace`], [`timeline`]: what a cycle model and reports need.
//!
//! Three outcomes are never mixed: a [`Stop`] is architectural (an exception or a VM exit), and an engine that gets one
//! has executed nothing of the instruction; [`Event`]s are what observers see; errors of the host do not occur here.
#![forbid(unsafe_code)]

pub mod assist;
pub mod clock;
mod event;
pub mod features;
mod fence;
mod foresee;
pub mod guess;
mod hart;
pub mod inspect;
pub mod io;
pub mod layout;
pub mod memory;
pub mod model;
pub mod msr;
mod nested_cache;
mod quick_walk;
mod range_tags;
pub mod register;
mod second_stage;
mod state;
mod statistics;
pub mod timeline;
pub mod tlb;
pub mod translate;
pub mod trap;
pub mod vic;
mod vmcs;
mod walk_cache;
pub mod walk_trace;
pub mod world_switch;

pub use event::Event;
pub use features::{Feature, Features};
pub use hart::{Bank, Fault, Hart, Reservation};
pub use state::{Hypervisor, Range, Supervisor, VirtualMachine};
pub use statistics::{Spread, Statistics, Traps};
pub use trap::{Stop, Wait};
pub use vic::{Interrupt, Message, Residency};
