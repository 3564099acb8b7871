//! The scenes of `visa demo`: what visor sets up for each.

use super::counts::Counts;
use super::layout::{DEVICE, DEVICE_BYTES, DEVICE_COOKIE};
use super::narrate;
use super::statistics::Statistics;
use crate::vcpu::Loaded;
use crate::vm::{CAUSES, Vm, ranges};
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

/// The extension of the demo's calls, among those for firmware's own use (SBI 2.0, chapter 15).
pub const DEMO: u64 = 0x0a56_4953;
/// Function: begin the scene in R10.
pub const SCENE: u64 = 0;
/// Registers of a call.
pub const A6: u8 = 16;
/// See [`A6`].
pub const A7: u8 = 17;

/// Whether the current hypercall begins a scene.
pub fn is_scene_call() -> bool {
    guest_integer(A7) == DEMO && guest_integer(A6) == SCENE
}

/// The scene at whose end the guest tells an address to translate, in R14.
const TRANSLATION: &str = "translation";

/// Exits of one cause that are told in a scene; more are counted alone.
const TOLD_MAX: u32 = 3;

/// Where the demo is.
pub struct Progress {
    /// Exits so far.
    pub statistics: Statistics,
    /// Instructions that the guest has retired.
    pub guest: u64,
    /// What the virtual device has added up.
    pub sum: u64,
    scene: usize,
    told: [u32; CAUSES],
    start: Counts,
}

impl Progress {
    /// Before the guest's first instruction.
    pub fn new() -> Progress {
        let mut progress = Progress {
            statistics: Statistics::new(),
            guest: 0,
            sum: 0,
            scene: 0,
            told: [0; CAUSES],
            start: Counts::default(),
        };
        ranges::bind(RangeKind::Trap, DEVICE, DEVICE_BYTES, DEVICE_COOKIE);
        progress.start = progress.counts();
        progress
    }

    /// Whether an exit is to be told: not the calls that begin scenes, and not the umpteenth of its kind.
    pub fn is_told(&mut self, cause: u64) -> bool {
        if cause == ExitCause::Hypercall as u64 && is_scene_call() {
            return false;
        }
        let told = &mut self.told[cause as usize % CAUSES];
        *told += 1;
        *told <= TOLD_MAX
    }

    /// Ends the scene and begins another: `VMTRAPCFG` and the ports are set for it.
    pub fn begin(&mut self, vcpu: &Loaded, number: u64) {
        self.finish(vcpu.vm);
        self.scene = number as usize % SCENES.len();
        let scene = &SCENES[self.scene];
        self.told = [0; CAUSES];
        // SAFETY: the filter decides what exits, and every exit has its handler.
        unsafe { msr::vmtrapcfg::write(scene.filter) };
        ranges::mask_console(scene.ports);
        narrate::scene(self.scene, scene.name, scene.filter, scene.ports);
        self.start = self.counts();
        // The call that begins the scene is completed when the guest goes on.
        self.start.emulated += 1;
    }

    /// Ends the scene: what the guest saw (in R11 to R14 of the call) and what it took.
    fn finish(&self, vm: &Vm) {
        let now = self.counts();
        let observed = [11, 12, 13, 14].map(guest_integer);
        if SCENES[self.scene].name == TRANSLATION {
            narrate::translation(vm, observed[3]);
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
