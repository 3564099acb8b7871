//! visor, the V-ISA hypervisor and firmware. It runs in Ring -1 and nowhere else.
//!
//! Four principles:
//!
//! 1. **What is decided at boot is not asked again.** How a guest is kept to its memory, and which layers serve its exits, are values
//!    that are made once ([`isolate`], `schedule`); whoever has one does not look for a flag.
//! 2. **A state is a type.** A virtual CPU at rest cannot be entered, and one that a hart has loaded cannot be started: they are two
//!    types, and dropping the second leads back to the first (`vcpu`).
//! 3. **A VM is a value, and a hart is where its virtual CPUs run.** What others may ask of a virtual CPU is in the VM (`vm`), what it
//!    is made of belongs to the hart that has it, and nothing is a hart's but its stack ([`cpu`]).
//! 4. **An exit that need not be is a fault.** On a machine with every feature visor never fetches or decodes a guest's instruction:
//!    every exit comes decoded (specification, 2.4), and a kernel's everyday work causes none. What it does where features are missing
//!    is a layer of its own ([`emulate`]).
//!
//! What needs no machine is tested on the host: reading the device trees ([`device_tree`]), the tables of the second stage
//! ([`isolate::nested`]), shadow tables ([`isolate::shadow`]), the SBI ([`sbi`]). The rest touches MSRs and is built for the machine
//! alone. A file uses what is below it, and nothing that is above; from the ground up:
//!
//! ```text
//! ending, lacks, guest, sbi          what a run, a guest and its firmware calls are, apart from any machine
//! cpu, interrupts, devices, image    a hart, the interrupt controller, UART and finisher, visor itself
//! device_tree                        what the machine and its guest are
//! isolate                            second stage, shadow tables, pager
//! vm                                 a VM: memory, devices, VMCS, virtual CPUs as all see them
//! vcpu                               a virtual CPU as its hart has it, and the exit loop
//! firmware, exits                    SBI calls and the plain layer of the loop
//! emulate, demo, software            the layer of a machine that lacks features, that of `visa demo`; virtualization without V-ISA
//! schedule, boot                     who runs when, and the beginning
//! ```
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
