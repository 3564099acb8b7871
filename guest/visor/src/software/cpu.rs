//! The virtual CPU as memory: what the trap code reaches by offsets from the real sscratch, and the virtual registers.
//!
//! While the guest runs, its integer and floating-point registers are in the hart's. Real registers that hold virtual
//! state: sstatus.FS and MXR, stimecmp, sip.SSIP. Everything else that the guest's kernel believes to be in a CSR is
//! here.

use core::mem::offset_of;

/// Compiled trap sites that are kept; a power of two.
pub const SITES: usize = 2048;
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

/// All zeros, so that an image need not hold it.
const NO_SITE_YET: Site = Site { pc: 0, ..NO_SITE };

/// The virtual CPU.
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
    pub views: [u64; super::shadow::VIEWS],
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
    /// Calls the Rust function in R30; and the one for SFENCE.VMA, with its operands.
    pub call: u64,
    /// See `call`.
    pub fence: u64,
    /// SFENCE.VMA's operands: address and ASID.
    pub fence_operands: [u64; 2],
    /// Which of them there are: bits 0 and 1.
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
    /// Compiled sites, by address.
    pub sites: [Site; SITES],
}

/// Offset of the sites: small enough for a load's.
pub const SITES_OFFSET: usize = offset_of!(Cpu, sites);
const _: () = assert!(SITES_OFFSET + size_of::<Site>() < 2048);

impl Cpu {
    /// At reset: the guest's kernel runs, untranslated, with interrupts off.
    pub const RESET: Cpu = Cpu {
        registers: [0; 32],
        status: 0,
        sscratch: 0,
        sepc: 0,
        scause: 0,
        stval: 0,
        stvec: 0,
        sie: 0,
        satp: 0,
        scounteren: 0,
        senvcfg: 0,
        masked: 0,
        user: 0,
        kernel_satp: 0,
        user_satp: 0,
        views: [0; super::shadow::VIEWS],
        kernel_vector: 0,
        user_vector: 0,
        sret: 0,
        unmask: 0,
        vector_site: NO_SITE_YET,
        status_real: 0,
        pc: 0,
        stack: 0,
        slow: 0,
        call: 0,
        fence: 0,
        fence_operands: [0; 2],
        fence_given: 0,
        chain: 0,
        forwarded_calls: 0,
        returns: 0,
        site_traps: 0,
        site_instructions: 0,
        sites: [NO_SITE_YET; SITES],
    };
}
