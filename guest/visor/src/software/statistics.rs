//! What software virtualization did: counts, printed at the end of a run if the guest's command line has the word
//! `visa.stat`.

use super::Hypervisor;
use super::cpu::Cpu;
use visa_isa::cause::{Exception, INTERRUPT};

macro_rules! kinds {
    ($( $name:ident $text:literal; )*) => {
        /// Kinds of emulated instructions that are counted apart.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Kind { $( #[doc = $text] $name, )* }

        const KINDS: &[&str] = &[ $($text),* ];
    };
}

kinds! {
    Status "sstatus";
    Space "satp, written";
    InterruptMask "sie, sip";
    Time "stimecmp, time";
    OtherCsr "another CSR";
    Return "sret";
    Fence "sfence.vma";
    Wait "wfi";
}

/// Causes that are counted apart: exceptions, then interrupts.
const CAUSES: usize = 32;
const INTERRUPTS: usize = 16;

/// The counts of what Rust handles; the short paths have theirs in [`Cpu`].
pub struct Statistics {
    traps: [u64; CAUSES],
    emulated: [u64; KINDS.len()],
    /// Exceptions that the guest took: its own faults.
    pub injected: u64,
    /// Instructions are to be counted in compiled sites too.
    pub counting: bool,
}

impl Statistics {
    /// Nothing yet.
    pub const fn new(counting: bool) -> Self {
        Statistics { traps: [0; CAUSES], emulated: [0; KINDS.len()], injected: 0, counting }
    }

    /// Counts a trap that came to Rust.
    pub fn trap(&mut self, cause: u64) {
        let interrupt = if cause & INTERRUPT != 0 { INTERRUPTS } else { 0 };
        self.traps[(cause as usize % INTERRUPTS) + interrupt] += 1;
    }

    /// Counts an instruction emulated in Rust.
    pub fn count(&mut self, kind: Kind) {
        self.emulated[kind as usize] += 1;
    }
}

/// Prints all counts, if they were asked for.
pub fn print(hypervisor: &Hypervisor, cpu: &Cpu) {
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
