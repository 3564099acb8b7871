//! From the first instruction in Rust to the first entry of a guest, and the ends that are nobody's plan.
//!
//! 1. Hart 0 reads the machine's device tree and the guest's, and makes the VM ([`boot`]).
//! 2. Every hart sets up its virtual CPU, and waits to be started ([`join`]); hart 0 starts itself.
//! 3. A hart that is started enters the guest and serves its exits until the guest stops it; then it waits again.

use crate::cpu;
use crate::demo;
use crate::device_tree::{self, Guest, Machine, Mode};
use crate::devices::console::{self, line};
use crate::devices::finisher;
use crate::ending::Ending;
use crate::guest::memory::PAGE;
use crate::image;
use crate::sbi::Start;
use crate::schedule;
use crate::software;
use crate::vcpu::report;
use crate::vm::{Plan, Vm};
use core::panic::PanicInfo;
use visa_isa::cause::Exception;

/// The VM that there is.
const VM: usize = 0;
/// The virtual CPU that the machine starts.
const FIRST_VCPU: usize = 0;

/// Hart 0, from the start code: `tree` is the machine's device tree.
pub extern "C" fn boot(_hart: usize, tree: u64) -> ! {
    let machine =
        device_tree::machine(device_tree::at(tree)).unwrap_or_else(|error| bad_tree("machine", error));
    console::set_address(machine.uart);
    finisher::set_address(machine.finisher);
    let guest = device_tree::guest(device_tree::at(machine.guest_tree))
        .unwrap_or_else(|error| bad_tree("guest", error));
    let vm = Vm::create(VM, plan(&machine, guest, tree))
        .unwrap_or_else(|field| report::entry_failure(None, field));
    let start = match machine.mode {
        // What runs in Ring 0 is another visor, and the guest is that one's.
        Mode::Software => software::load(tree),
        Mode::Native | Mode::Accelerated | Mode::Demo => kernel(vm, &machine),
    };
    vm.vcpus[FIRST_VCPU].start(vm.home(FIRST_VCPU), start);
    schedule::run_own(vm)
}

/// Every other hart.
pub extern "C" fn join() -> ! {
    schedule::run_own(Vm::get(VM))
}

/// What the device trees say that the VM is to be. `tree` is where visor's memory ends.
fn plan(machine: &Machine, guest: Guest, tree: u64) -> Plan {
    let memory = if machine.mode == Mode::Demo { demo::memory(&guest.memory) } else { guest.memory };
    Plan {
        mode: machine.mode,
        vcpus: machine.harts,
        memory,
        devices: guest.devices,
        lacks: machine.lacks,
        plic: machine.plic,
        spare: image::end().next_multiple_of(PAGE)..tree,
    }
}

/// How the guest's kernel starts.
fn kernel(vm: &Vm, machine: &Machine) -> Start {
    let Some(entry) = vm.guest_address(machine.kernel_entry) else {
        line!("visor: the kernel's entry {:#x} is not in the guest's memory", machine.kernel_entry);
        finisher::end(Ending::BadDeviceTree);
    };
    // The guest's tree may be outside of its memory if it needs none (`visa demo`): then it gets 0.
    let opaque = vm.guest_address(machine.guest_tree).unwrap_or(0);
    Start { entry, opaque }
}

/// A trap of Ring -1's own, from the start code.
pub extern "C" fn trap(cause: u64, pc: u64, value: u64) -> ! {
    let name = Exception::from_number(cause).map_or("unknown cause", Exception::name);
    line!("\nvisor: hart {}: trapped in Ring -1: {name} ({cause:#x})", cpu::this());
    line!("visor: pc {pc:#x} (image + {:#x}), value {value:#x}", pc.wrapping_sub(image::start()));
    finisher::end(Ending::Internal)
}

/// A panic of visor's own.
pub fn panicked(information: &PanicInfo<'_>) -> ! {
    if software::is_active() {
        line!("\nvisor: in Ring 0: {information}");
    } else {
        line!("\nvisor: hart {}: {information}", cpu::this());
    }
    finisher::end(Ending::Internal)
}

fn bad_tree(whose: &str, error: device_tree::Error) -> ! {
    line!("visor: the {whose}'s device tree: {error}");
    finisher::end(Ending::BadDeviceTree)
}
