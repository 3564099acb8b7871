//! visor, the V-ISA hypervisor and firmware. It runs in Ring -1 and nowhere else.
//!
//! What needs no machine is in modules of its own and is tested on the host: reading the device trees
//! ([`device_tree`]), building the second stage ([`isolate::nested`]), the SBI ([`sbi`]). The rest touches MSRs and is
//! built for the machine alone: boot, world switch, exits, console.
//!
//! On a machine with every feature visor never fetches or decodes a guest's instruction: every exit comes decoded
//! (specification, 2.4). What it does where features are missing is in [`emulate`].
#![cfg_attr(not(test), no_std)]

pub mod cpu;
pub mod device_tree;
#[cfg(target_arch = "riscv64")]
pub mod devices;
pub mod emulate;
pub mod ending;
pub mod guest;
pub mod interrupts;
pub mod isolate;
pub mod lacks;
pub mod sbi;
pub mod software;

#[cfg(target_arch = "riscv64")]
pub mod boot;
#[cfg(target_arch = "riscv64")]
mod demo;
#[cfg(target_arch = "riscv64")]
mod exits;
#[cfg(target_arch = "riscv64")]
mod firmware;
#[cfg(target_arch = "riscv64")]
pub mod hart;
#[cfg(target_arch = "riscv64")]
mod image;
#[cfg(target_arch = "riscv64")]
mod report;
#[cfg(target_arch = "riscv64")]
mod vm;
#[cfg(target_arch = "riscv64")]
mod vmcs;
