//! Workloads, their measurement, and reports: what `visa bench` does.
//!
//! | part | what it is |
//! |---|---|
//! | [`workload`] | the workloads, by name, and how often each runs: the rows |
//! | [`variant`] | the ways to run them: the columns |
//! | [`archive`] | the initramfs that carries the workloads |
//! | [`counts`] | what is counted |
//! | [`measure`] | one machine from reset to power-off |
//! | [`software_exits`] | what stands for VM exits in the software-only mode |
//! | [`mod@bench`] | all of them |
//! | [`micro`] | what single events cost |
//! | [`visor_exits`] | what visor itself spends on each kind of exit |
//! | [`program`] | the small programs that these two run |
//! | [`sensitivity`], [`workload_sensitivity`] | how far that, and what workloads cost, depends on the cycle model's parameters |
//! | [`report`], [`table`], [`html`] | the results as data, as text, and as a page |
//! | [`figure`], [`chart`], [`ranges`] | the charts of that page |
//! | `host` | the emulator's own speed, beside QEMU's; on Linux |
//! | [`stat`], [`live`], [`timeline`] | the exits of any machine: as a table, while it runs, and in time |
//! | [`traps`] | the traps of any machine that Ring 0 took |
#![allow(clippy::disallowed_methods, reason = "it tells people, or measures, how long something takes")]
#![forbid(unsafe_code)]

pub mod archive;
pub mod bench;
pub mod chart;
pub mod counts;
pub mod figure;
#[cfg(target_os = "linux")]
pub mod host;
pub mod html;
pub mod live;
pub mod measure;
pub mod micro;
pub mod program;
pub mod ranges;
pub mod report;
pub mod sbi;
pub mod sensitivity;
pub mod software_exits;
pub mod stat;
pub mod table;
pub mod timeline;
pub mod traps;
pub mod variant;
pub mod visor_exits;
pub mod workload;
pub mod workload_sensitivity;
