//! The cycle model: what a stated pipeline, branch predictor, caches, TLBs and walk caches would make of a run.
//!
//! [`CycleModel`] watches a hart through [`visa_core::model::Model`], instruction by instruction. It has real structures
//! (sets, ways, LRU, two-bit counters) of the geometry that [`Parameters`] state, and adds up cycles by ring and by what they
//! were spent on. It changes nothing of what the machine does, knows no clock, no file and no random number: the same run
//! gives the same cycles.
//!
//! A modelled cycle is a model's, not silicon's: `docs/cycle-model.md` says what is exact, what is modelled, and what is
//! left out.
#![forbid(unsafe_code)]

mod assignment;
mod cache;
mod instruction;
mod model;
mod parameters;
mod predictor;
mod report;
mod sets;
mod settings;
mod translation;

pub use cache::{CacheCounts, HierarchyCounts};
pub use model::CycleModel;
pub use parameters::{PARAMETERS, Parameters};
pub use predictor::BranchCounts;
pub use report::{Account, CycleReport, RING_NAMES, RINGS, Spent, markdown};
pub use settings::{Parameter, ParameterError, Preset, Unit};
pub use translation::{TranslationCounts, WALK_REFERENCES_MAX};
