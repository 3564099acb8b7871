//! The scenes of `visa demo`: what visor sets up for each.

use super::narrate;
use super::statistics::Statistics;
use super::{DEVICE, DEVICE_BYTES, DEVICE_COOKIE};
use crate::firmware::Firmware;
use crate::vm::{self, CONSOLE_PORTS, Vm};
use visa_guest::guest_integer;
use visa_guest::registers as msr;
use visa_isa::cause::ExitCause;
use visa_isa::io::{Policy, RangeKind};
use visa_isa::trap_filter as filter;

/// A scene: its name, the trap filter, and the policy of the console's ports. All other ports are absent.
struct Scene {
    name: &'static str,
    filter: u64,
    ports: Policy,
}

const fn scene(name: &'static str, filter: u64, ports: Policy) -> Scene {
    Scene { name, filter, ports }
}

/// By number; the guest begins with 1. 0 is what comes before.
const SCENES: [Scene; 15] = [
    scene("boot", 0, Policy::Pass),
    scene("control-register", filter::CR3, Policy::Pass),
    scene("switches-trapped", filter::CR3, Policy::Pass),
    scene("switches-filtered", 0, Policy::Pass),
    scene("ports-trapped", filter::IO, Policy::Default),
    scene("ports-passed", filter::IO, Policy::Pass),
    scene(TRANSLATION, 0, Policy::Pass),
    scene("late-memory", 0, Policy::Pass),
    scene("interrupts", 0, Policy::Pass),
    scene("virtual-device", 0, Policy::Pass),
    scene("violations", filter::PRIV, Policy::Pass),
    scene("user-violation", 0, Policy::Pass),
    scene("other-causes", filter::PF | filter::TIMER | filter::HALT, Policy::Pass),
    scene("counters", 0, Policy::Pass),
    scene("end", 0, Policy::Pass),
];

/// The scene at whose end the guest tells an address to translate, in R14.
const TRANSLATION: &str = "translation";

/// Exits of one cause that are told in a scene; more are counted alone.
const TOLD_MAX: u32 = 3;

/// Where the demo is.
pub struct Progress {
    /// The machine, for SBI calls.
    pub firmware: Firmware,
    /// Exits so far.
    pub statistics: Statistics,
    /// Instructions that the guest has retired.
    pub guest: u64,
    /// What the virtual device has added up.
    pub sum: u64,
    scene: usize,
    told: [u32; crate::hart::CAUSES],
    start: Counts,
}

/// Counters at the start of a scene.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    /// VM exits.
    pub exits: u64,
    /// Instructions completed in software.
    pub emulated: u64,
    /// Combined TLB misses.
    pub tlb_misses: u64,
    /// Instructions of the guest.
    pub guest: u64,
    /// Instructions of visor's handlers.
    pub handlers: u64,
}

impl Progress {
    /// Before the guest's first instruction.
    pub fn new(vm: &'static Vm, hart: usize) -> Progress {
        let mut progress = Progress {
            firmware: Firmware { vm, hart },
            statistics: Statistics::new(),
            guest: 0,
            sum: 0,
            scene: 0,
            told: [0; crate::hart::CAUSES],
            start: Counts::default(),
        };
        vm::bind(RangeKind::Trap, DEVICE, DEVICE_BYTES, DEVICE_COOKIE);
        progress.start = progress.counts();
        progress
    }

    /// Whether an exit is to be told: not the calls that begin scenes, and not the umpteenth of its kind.
    pub fn is_told(&mut self, cause: u64) -> bool {
        if cause == ExitCause::Hypercall as u64 && super::handlers::is_scene_call() {
            return false;
        }
        let told = &mut self.told[cause as usize % crate::hart::CAUSES];
        *told += 1;
        *told <= TOLD_MAX
    }

    /// Ends the scene and begins another: `VMTRAPCFG` and the ports are set for it.
    pub fn begin(&mut self, number: u64) {
        self.finish();
        self.scene = number as usize % SCENES.len();
        let scene = &SCENES[self.scene];
        self.told = [0; crate::hart::CAUSES];
        // SAFETY: the filter decides what exits, and every exit has its handler.
        unsafe { msr::vmtrapcfg::write(scene.filter) };
        vm::mask(*CONSOLE_PORTS.start(), *CONSOLE_PORTS.end(), scene.ports);
        narrate::scene(self.scene, scene.name, scene.filter, scene.ports);
        self.start = self.counts();
        // The call that begins the scene is completed when the guest goes on.
        self.start.emulated += 1;
    }

    /// Ends the scene: what the guest saw (in R11 to R14 of the call) and what it took.
    pub fn finish(&self) {
        let now = self.counts();
        let observed = [11, 12, 13, 14].map(guest_integer);
        if SCENES[self.scene].name == TRANSLATION {
            narrate::translation(self.firmware.vm, observed[3]);
        }
        narrate::observed(self.scene, observed);
        let took = Counts {
            // Without the call that ends it.
            exits: (now.exits - self.start.exits).saturating_sub(1),
            emulated: now.emulated - self.start.emulated,
            tlb_misses: now.tlb_misses - self.start.tlb_misses,
            guest: now.guest - self.start.guest,
            handlers: now.handlers - self.start.handlers,
        };
        narrate::done(self.scene, &took);
    }

    /// Ends the demo: the table of exits, and the three counters.
    pub fn end(&self) {
        self.statistics.tell();
        narrate::end(&self.counts());
    }

    fn counts(&self) -> Counts {
        Counts {
            exits: msr::vmcount_exit::read(),
            emulated: msr::vmcount_emu::read(),
            tlb_misses: msr::vmcount_tlbmiss::read(),
            guest: self.guest,
            handlers: self.statistics.total(),
        }
    }
}
