//! When a virtual CPU runs: on its hart, whenever the guest has started it.

use crate::cpu;
use crate::demo::Demonstrating;
use crate::device_tree::Mode;
use crate::emulate::Emulating;
use crate::exits::Plain;
use crate::vcpu::{Leave, Loaded, Resting, run};
use crate::vm::Vm;
use visa_guest::registers as msr;
use visa_isa::cause::interrupt::HYPERVISOR_SOFTWARE;

/// Has this hart run the virtual CPU that is at home here.
pub fn run_own(vm: &'static Vm) -> ! {
    // SAFETY: visor serves the software interrupt, as an exit and when it waits.
    unsafe { msr::hvie::write(1 << HYPERVISOR_SOFTWARE) };
    let mut vcpu = Resting::create(vm, cpu::this());
    loop {
        let mut start = vcpu.wait_for_start();
        loop {
            let mut loaded = vcpu.start(start);
            match run_in_layers(&mut loaded) {
                Leave::Stop => break,
                Leave::SuspendAndStart(again) => {
                    loaded.suspend();
                    start = again;
                }
            }
        }
        vcpu.stopped();
    }
}

/// Runs a guest until it stops, with the layers that the machine and the mode ask for.
fn run_in_layers(vcpu: &mut Loaded) -> Leave {
    match vcpu.vm.mode {
        Mode::Demo => {
            let layer = Demonstrating::new(vcpu);
            run(vcpu, layer)
        }
        _ if vcpu.vm.lacks.anything() => {
            let layer = Emulating::new(vcpu);
            run(vcpu, layer)
        }
        Mode::Native | Mode::Accelerated | Mode::Software => run(vcpu, Plain),
    }
}
