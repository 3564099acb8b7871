//! All that the back end has beside the [`Cpu`].

use super::Spaces;
use super::cpu::Cpu;
use super::sites::Sites;
use super::statistics::{INTERRUPTS, KINDS, Statistics};
use crate::devices::console::line;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use visa_isa::cause::Exception;

/// All that is not in [`Cpu`].
pub struct Hypervisor {
    /// The guest's address spaces.
    pub spaces: Spaces<'static>,
    /// Compiled trap sites.
    pub sites: Sites,
    /// Counts.
    pub statistics: Statistics,
}

static ACTIVE: AtomicBool = AtomicBool::new(false);
static mut HYPERVISOR: Option<Hypervisor> = None;

/// Whether this visor runs in Ring 0.
pub fn is_active() -> bool {
    ACTIVE.load(Relaxed)
}

/// This visor does.
pub fn activate() {
    ACTIVE.store(true, Relaxed);
}

/// Makes it the one of the trap code.
pub fn insert(hypervisor: Hypervisor) -> &'static mut Hypervisor {
    // SAFETY: there is one hart, and the guest does not run yet: nobody has a reference.
    unsafe { (*(&raw mut HYPERVISOR)).insert(hypervisor) }
}

/// The back end, for the trap code.
pub fn get() -> &'static mut Hypervisor {
    // SAFETY: there is one hart, and a trap is handled to its end before the next: nobody else has a reference.
    let hypervisor = unsafe { (*(&raw mut HYPERVISOR)).as_mut() };
    hypervisor.expect("the back end is there before the guest runs")
}

/// Prints all counts, if they were asked for.
pub fn print_statistics(hypervisor: &Hypervisor, cpu: &Cpu) {
    let own = &hypervisor.statistics;
    if !own.counting {
        return;
    }
    line!("visor: software-only virtualization, in numbers");
    let short = [
        ("system calls forwarded", cpu.forwarded_calls),
        ("sret", cpu.returns),
        ("traps of compiled sites", cpu.site_traps),
        ("instructions emulated by them", cpu.site_instructions),
    ];
    for (name, count) in short {
        line!("visor: {count:>10} {name}, short path");
    }
    for (cause, count) in own.traps.iter().enumerate().filter(|(_, count)| **count != 0) {
        match Exception::from_number(cause as u64) {
            Some(exception) if cause < INTERRUPTS => {
                line!("visor: {count:>10} traps in full: {}", exception.name())
            }
            _ => line!("visor: {count:>10} traps in full: interrupt {}", cause - INTERRUPTS),
        }
    }
    for (name, count) in KINDS.iter().zip(own.emulated).filter(|(_, count)| *count != 0) {
        line!("visor: {count:>10} emulated in full: {name}");
    }
    let (spaces, shadow) = (&hypervisor.spaces, &hypervisor.spaces.shadow);
    let memory = [
        ("exceptions of the guest's own, injected", own.injected),
        ("shadow entries filled on a fault", shadow.fills),
        ("shadow entries filled ahead", shadow.fills_ahead),
        ("address spaces made", spaces.made),
        ("times that all shadow tables were dropped", spaces.drops),
        ("shadow tables in use", shadow.tables() as u64),
        ("sites compiled", hypervisor.sites.compiled),
        ("times that all sites were dropped", hypervisor.sites.drops),
    ];
    for (name, count) in memory {
        line!("visor: {count:>10} {name}");
    }
}
