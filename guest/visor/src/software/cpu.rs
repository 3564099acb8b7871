//! The virtual CPU as memory: what the trap code reaches by offsets from the real sscratch, and the virtual registers.
//!
//! While the guest runs, its integer and floating-point registers are in the hart's. Real registers that hold virtual
//! state: sstatus.FS and MXR, stimecmp, sip.SSIP. Everything else that the guest's kernel believes to be in a CSR is
//! here.

use core::mem::offset_of;

/// Compiled trap sites that are kept; a power of two.
pub const SITES: usize = 8192;
/// The most instructions of one site.
pub const RUN_MAX: usize = 8;

/// A place in the guest's kernel that traps, and the code that does what it would.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Site {
    /// Address of the instruction in the guest; odd if unused.
    pub pc: u64,
    /// Address of the code.
    pub code: u64,
    /// Where visor sees the guest's instructions.
    pub physical: u64,
    /// The instructions that the code was made of.
    pub words: [u32; RUN_MAX],
    /// Makes the size a power of two.
    pub unused: u64,
}

/// The size of a site is this power of two.
pub const SITE_SHIFT: u32 = size_of::<Site>().ilog2();
const _: () = assert!(size_of::<Site>() == 1 << SITE_SHIFT);

/// No site.
pub const NO_SITE: Site = Site { pc: 1, code: 0, physical: 0, words: [0; RUN_MAX], unused: 0 };

/// The virtual CPU. All zeros but for the pointers and [`NO_SITE`] is the state at reset.
#[repr(C, align(4096))]
pub struct Cpu {
    /// The guest's integer registers, while visor has the hart's.
    pub registers: [u64; 32],
    /// SIE, SPIE, SPP and SUM of the virtual sstatus.
    pub status: u64,
    /// Virtual sscratch.
    pub sscratch: u64,
    /// Virtual sepc.
    pub sepc: u64,
    /// Virtual scause.
    pub scause: u64,
    /// Virtual stval.
    pub stval: u64,
    /// Virtual stvec.
    pub stvec: u64,
    /// Virtual sie.
    pub sie: u64,
    /// Virtual satp.
    pub satp: u64,
    /// Virtual scounteren.
    pub scounteren: u64,
    /// Virtual senvcfg.
    pub senvcfg: u64,
    /// Not 0: the real sie is 0, because an interrupt is pending that the guest's kernel does not take now.
    pub masked: u64,
    /// Not 0: the guest runs in its Ring 3.
    pub user: u64,
    /// The real satp for the guest's kernel, as SUM is.
    pub kernel_satp: u64,
    /// The real satp for the guest's user programs.
    pub user_satp: u64,
    /// The real satp of the views.
    pub views: [u64; crate::isolate::shadow::layout::VIEWS],
    /// The real stvec while the guest's kernel runs.
    pub kernel_vector: u64,
    /// The real stvec while user programs run.
    pub user_vector: u64,
    /// See [`Cpu::slow`]: the end that is SRET.
    pub sret: u64,
    /// The end with interrupts enabled while the real sie is masked.
    pub unmask: u64,
    /// The site of the instruction at stvec; its code goes straight on to the guest if there is none.
    pub vector_site: Site,
    /// Bits of the real sstatus that the virtual one shows.
    pub status_real: u64,
    /// The guest's PC, while visor is in Rust.
    pub pc: u64,
    /// The top of visor's stack.
    pub stack: u64,
    /// Where the trap code goes when its short paths end: into Rust.
    pub slow: u64,
    /// Calls the Rust function in R30.
    pub call: u64,
    /// The function for SFENCE.VMA.
    pub fence: u64,
    /// The function for writes of satp.
    pub space: u64,
    /// The function for WFI.
    pub wait: u64,
    /// What they get: an address and an ASID, or the new satp.
    pub operands: [u64; 2],
    /// Which of SFENCE.VMA's operands there are: bits 0 and 1.
    pub fence_given: u64,
    /// Not 0: an exception or interrupt has just been given to the guest's kernel, whose PC is at stvec.
    pub chain: u64,
    /// ECALLs of user programs that were forwarded.
    pub forwarded_calls: u64,
    /// SRETs done by the short path.
    pub returns: u64,
    /// Traps that compiled sites took; 0 unless counting is on.
    pub site_traps: u64,
    /// Instructions that compiled sites did; likewise.
    pub site_instructions: u64,
    /// Compiled sites, by address: each in its place or the next.
    pub sites: [Site; SITES + 1],
}

/// Offset of the sites: small enough for a load's.
pub const SITES_OFFSET: usize = offset_of!(Cpu, sites);
const _: () = assert!(SITES_OFFSET + size_of::<Site>() < 2048);

impl Cpu {
    /// Forgets the compiled sites; without one for stvec, forwarded traps go on at an address.
    pub fn forget_sites(&mut self, resume: u64) {
        self.sites.iter_mut().for_each(|site| site.pc = NO_SITE.pc);
        self.vector_site = Site { code: resume, ..NO_SITE };
    }
}
