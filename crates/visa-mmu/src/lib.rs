//! How an address becomes another: both stages of translation, the combined TLB, and what walks remember.
//!
//! * [`Mmu`]: what a hart has of all this; [`tlb`]: the two levels; [`fault::TranslationFault`]: why there is no translation;
//! * [`inspect`], [`walk_trace`]: for observers and models, without a trace in the machine; [`layout`]: what generated code sees.
//!
//! The walk itself, over the tables of either stage, is `visa_isa::paging::walk`.
#![forbid(unsafe_code)]

pub mod context;
mod entry;
pub mod fault;
mod fence;
mod foresee;
pub mod inspect;
pub mod layout;
mod mmu;
mod nested_cache;
mod quick_walk;
mod range_tags;
mod ranges;
mod save;
mod second_stage;
pub mod tlb;
mod translate;
mod walk_cache;
pub mod walk_trace;

pub use fault::TranslationFault;
pub use mmu::Mmu;
pub use save::SavedMmu;
