//! What software virtualization did: counts, printed at the end of a run if the guest's command line has the word
//! `visa.stat`.

use visa_isa::cause::INTERRUPT;

macro_rules! kinds {
    ($( $name:ident $text:literal; )*) => {
        /// Kinds of emulated instructions that are counted apart.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Kind { $( #[doc = $text] $name, )* }

        /// What they are, in words.
        pub const KINDS: &[&str] = &[ $($text),* ];
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
/// Where interrupts begin.
pub const INTERRUPTS: usize = 16;

/// The counts of what Rust handles; the short paths have theirs in [`super::cpu::Cpu`].
pub struct Statistics {
    /// Traps that came to Rust, by cause: exceptions, then interrupts.
    pub traps: [u64; CAUSES],
    /// Instructions emulated in Rust, by kind.
    pub emulated: [u64; KINDS.len()],
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
