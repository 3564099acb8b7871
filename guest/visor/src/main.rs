//! The program: start code for the machine, and nothing on a host.
#![cfg_attr(target_arch = "riscv64", no_std, no_main)]

#[cfg(target_arch = "riscv64")]
mod start;

#[cfg(not(target_arch = "riscv64"))]
fn main() {
    eprintln!("visor runs in Ring -1 of a V-ISA machine: `cargo xtask guests` builds it");
}
