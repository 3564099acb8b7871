//! From the first instruction in Rust to the first entry of a guest, and the ends that are nobody's plan.
//!
//! 1. Hart 0 reads the machine's device tree and the guest's, and builds the VM ([`boot`]).
//! 2. Every hart sets up its virtual CPU, and waits to be started ([`join`]); hart 0 starts itself.
//! 3. A hart that is started enters the guest and serves its exits until the guest stops it; then it waits again.

use crate::cpu;
use crate::device_tree::{self, Mode};
use crate::devices::console::{self, line};
use crate::devices::finisher;
use crate::ending::Ending;
use crate::exits::{self, Leave};
use crate::isolate::pager;
use crate::sbi::{HartState, Start};
use crate::vm::Vm;
use crate::{demo, emulate, hart, image, software};
use core::panic::PanicInfo;
use visa_guest::registers as msr;
use visa_isa::cause::Exception;
use visa_isa::cause::interrupt::HYPERVISOR_SOFTWARE;

/// Hart 0, from the start code: `tree` is the machine's device tree.
pub extern "C" fn boot(number: usize, tree: usize) -> ! {
    let machine =
        device_tree::machine(device_tree::at(tree as u64)).unwrap_or_else(|error| bad_tree("machine", error));
    console::set_address(machine.uart);
    finisher::set_address(machine.finisher);
    let guest = device_tree::guest(device_tree::at(machine.guest_tree))
        .unwrap_or_else(|error| bad_tree("guest", error));
    let vm = Vm::create(&machine, guest, tree as u64);
    if machine.mode == Mode::Software {
        // What runs in Ring 0 is another visor, and the guest is that one's.
        hart::hart(number).start(number, software::load(tree as u64));
        join(number);
    }
    let Some(entry) = vm.guest_address(machine.kernel_entry) else {
        line!("visor: the kernel's entry {:#x} is not in the guest's memory", machine.kernel_entry);
        finisher::end(Ending::BadDeviceTree);
    };
    // The guest's tree may be outside of its memory if it needs none (`visa demo`): then it gets 0.
    let opaque = vm.guest_address(machine.guest_tree).unwrap_or(0);
    hart::hart(number).start(number, Start { entry, opaque });
    join(number)
}

/// Every hart: sets up its virtual CPU, and runs it whenever it is started.
pub extern "C" fn join(number: usize) -> ! {
    let vm = Vm::get();
    let hart = hart::hart(number);
    // SAFETY: visor serves the software interrupt, as an exit and when it waits.
    unsafe { msr::hvie::write(1 << HYPERVISOR_SOFTWARE) };
    let mut vmcs = vm.create_cpu(number);
    loop {
        let mut start = hart.wait_for_start();
        loop {
            vmcs.start(number, start);
            if pager::is_active() {
                pager::restart(number);
            }
            let left = match vm.mode {
                Mode::Demo => demo::run(vm, number, &mut vmcs),
                _ if vm.lacks.anything() => emulate::run(vm, number),
                Mode::Native | Mode::Accelerated | Mode::Software => exits::run(vm, number),
            };
            match left {
                Leave::Stop => break,
                Leave::SuspendAndStart(again) => {
                    hart.wait_for_guest_interrupt();
                    start = again;
                }
            }
        }
        // Nothing of the guest may wake a hart that is stopped.
        // SAFETY: the guest on this hart has ended.
        unsafe { msr::sie::write(0) };
        hart.set_state(HartState::Stopped);
    }
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
        finisher::end(Ending::Internal);
    }
    line!("\nvisor: hart {}: {information}", cpu::this());
    finisher::end(Ending::Internal)
}

fn bad_tree(whose: &str, error: device_tree::Error) -> ! {
    line!("visor: the {whose}'s device tree: {error}");
    finisher::end(Ending::BadDeviceTree)
}
