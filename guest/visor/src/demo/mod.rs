//! The hypervisor of `visa demo`: it walks through V-ISA's execution flow with the guest of `guest/demo`.
//!
//! The guest is cut into scenes. It begins each with a hypercall, upon which visor sets the trap filter that the scene
//! is about. What happens is told line by line on the console ([`narrate`]; the lines are described in
//! guest/demo/README.md), for `visa demo` to explain.

mod handlers;
mod narrate;
mod scenes;
mod statistics;

use crate::devices::finisher::finish;
use crate::exits::Leave;
use crate::guest::memory::{Region, Regions};
use crate::hart;
use crate::vm::Vm;
use crate::vmcs::Vmcs;
use handlers::Done;
use scenes::Progress;
use visa_guest::instructions as insn;
use visa_guest::registers as msr;

/// Where the guest's memory begins for the guest: not where it is, so that the second stage has something to do.
const GUEST_BASE: u64 = 0x4000_0000;
/// As much memory as the guest needs, at most.
const GUEST_BYTES: u64 = 64 << 20;
/// Guest-physical address of the memory that is not there until the guest asks for it.
const LATE_MEMORY: u64 = 0x5000_0000;
/// Guest-physical address of the virtual device, an adder (`handlers::device`).
const DEVICE: u64 = 0x6000_0000;
/// Bytes of the device.
const DEVICE_BYTES: u64 = 0x1000;
/// The cookie that exits of the device carry.
const DEVICE_COOKIE: u64 = 0xadde;

/// Instructions of visor between the two readings of instret around a guest: the first reading, and VMRESUME.
const ENTRY_INSTRUCTIONS: u64 = 2;

/// The guest's memory: the start of what the machine has for it, at [`GUEST_BASE`].
pub fn memory(given: &[Region]) -> Regions {
    let first = given.iter().take(1);
    first
        .map(|region| Region { guest: GUEST_BASE, length: region.length.min(GUEST_BYTES), ..*region })
        .collect()
}

/// Runs the guest, telling what happens.
pub fn run(vm: &'static Vm, number: usize, vmcs: &mut Vmcs) -> Leave {
    let hart = hart::hart(number);
    let mut progress = Progress::new(vm, number);
    narrate::machine(vm, vmcs);
    loop {
        let entered = msr::instret::read();
        // SAFETY: the guest reaches its own memory and devices alone.
        unsafe { insn::vmresume() };
        progress.guest += msr::instret::read() - entered - ENTRY_INSTRUCTIONS;
        let cause = insn::vmcause();
        hart.count_exit(cause);
        let is_told = progress.is_told(cause);
        if is_told {
            narrate::exit(cause);
            narrate::saved(vmcs);
        }
        // What is told is not measured.
        let before = msr::instret::read();
        let done = handlers::handle(&mut progress, hart, cause);
        progress.statistics.add(cause, msr::instret::read() - before);
        match done {
            Done::Leave(leave) => return leave,
            Done::Resume(how) if is_told => narrate::resume(&how),
            Done::Resume(_) => {}
            Done::End(value) => {
                progress.end();
                finish(value);
            }
            Done::Scene(next) => progress.begin(next),
        }
    }
}
