//! The emulator's own speed: what `visa bench --host` does.
//!
//! Each emulator, ours and QEMU, is a process of its own on one processor. It boots the same kernel with the same
//! archive, whose /init does the workloads of `guest/hostbench` one after the other and prints a line before and after
//! each. The host reads the console through a pipe and, at each such line, the processor time that all threads of the
//! process have taken: a row is a difference.
//!
//! | part | what it is |
//! |---|---|
//! | [`row`] | the workloads, how often each runs, and the ratios that are aimed at |
//! | [`emulator`] | the columns, and the command line of each |
//! | [`marker`] | the lines that the guest prints for the host |
//! | [`child`] | a process, its processor, and its time |
//! | [`measure`] | one boot of one emulator |
//! | [`matrix`] | all of them, as often as asked |
//! | [`times`] | medians and ratios |
//! | [`report`], [`table`], [`page`] | the results as data, as text, and as a page |

pub mod child;
pub mod emulator;
pub mod marker;
pub mod matrix;
pub mod measure;
pub mod page;
pub mod report;
pub mod row;
pub mod table;
pub mod times;

/// The archive with the workloads, as it ships.
pub const ARCHIVE: &[u8] = include_bytes!("../../../guest/images/hostbench.cpio.gz");

/// Where it is in the source tree.
pub const ARCHIVE_PATH: &str = "guest/images/hostbench.cpio.gz";
