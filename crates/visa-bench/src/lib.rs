//! Workloads, their measurement, and reports: what `visa bench` does.
//!
//! | part | what it is |
//! |---|---|
//! | [`workload`] | the workloads, by name, and how often each runs |
//! | [`archive`] | the initramfs that carries them |
//! | [`counts`] | what is counted |
//! | [`measure`] | one machine from reset to power-off |

pub mod archive;
pub mod counts;
pub mod measure;
pub mod workload;
