//! Workloads, their measurement, and reports: what `visa bench` does.
//!
//! | part | what it is |
//! |---|---|
//! | [`workload`] | the workloads, by name, and how often each runs: the rows |
//! | [`variant`] | the ways to run them: the columns |
//! | [`archive`] | the initramfs that carries the workloads |
//! | [`counts`] | what is counted |
//! | [`measure`] | one machine from reset to power-off |
//! | [`bench`] | all of them |
//! | [`report`], [`table`] | the results as data and as text |
#![forbid(unsafe_code)]

pub mod archive;
pub mod bench;
pub mod counts;
pub mod measure;
pub mod report;
pub mod table;
pub mod variant;
pub mod workload;
