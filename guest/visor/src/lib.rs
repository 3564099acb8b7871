//! visor, the V-ISA hypervisor and firmware. It runs in Ring -1 and nowhere else.
//!
//! What needs no machine is in modules of its own and is tested on the host: reading the device trees
//! ([`device_tree`]), building the second stage ([`isolate::nested`]), the SBI ([`sbi`]). The rest touches MSRs and is
//! built for the machine alone: boot, world switch, exits, console.
//!
//! On a machine with every feature visor never fetches or decodes a guest's instruction: every exit comes decoded
//! (specification, 2.4). What it does where features are missing is in [`emulate`].
#![cfg_attr(not(test), no_std)]

#[cfg(target_arch = "riscv64")]
pub mod boot;
pub mod cpu;
#[cfg(target_arch = "riscv64")]
mod demo;
pub mod device_tree;
#[cfg(target_arch = "riscv64")]
pub mod devices;
pub mod emulate;
pub mod ending;
#[cfg(target_arch = "riscv64")]
mod exits;
#[cfg(target_arch = "riscv64")]
mod firmware;
pub mod guest;
#[cfg(target_arch = "riscv64")]
mod image;
pub mod interrupts;
pub mod isolate;
pub mod lacks;
pub mod sbi;
#[cfg(target_arch = "riscv64")]
mod schedule;
pub mod software;
#[cfg(target_arch = "riscv64")]
mod vcpu;
#[cfg(target_arch = "riscv64")]
mod vm;
