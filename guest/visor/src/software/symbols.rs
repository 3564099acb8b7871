//! Places that assembly and Rust both know: the window on physical memory, stack and first root, and the labels of [`super::entry`].

use super::cpu::Cpu;

/// Where Ring 0 has physical memory: entry 128 of an Sv48 root, which no Sv39 address reaches.
pub const PHYSICAL: u64 = 0x4000_0000_0000;

/// Bytes of visor's stack in Ring 0.
pub const STACK_BYTES: usize = 32 << 10;

/// A page of entries, or a stack, that Rust never looks at.
#[repr(C, align(4096))]
pub struct Raw<const BYTES: usize>([u8; BYTES]);

/// Visor's part of every root: physical memory in pages of 1 GiB.
#[unsafe(link_section = ".bss.uncleared")]
pub static mut WINDOW: Raw<4096> = Raw([0; 4096]);
/// The root until the first space is there.
#[unsafe(link_section = ".bss.uncleared")]
pub static mut BOOT_ROOT: Raw<4096> = Raw([0; 4096]);
/// The stack.
#[unsafe(link_section = ".bss.uncleared")]
pub static mut STACK: Raw<STACK_BYTES> = Raw([0; STACK_BYTES]);

unsafe extern "C" {
    /// The first instruction of the back end, at its physical address: R10 the hart, R11 the machine's device tree.
    pub fn software_start();
    /// Traps while the guest's kernel runs.
    pub fn software_trap_kernel();
    /// Traps while user programs run.
    pub fn software_trap_user();
    /// Ends a short path at the guest's PC in the real sepc.
    pub fn software_resume();
    /// Goes on in Rust with what the short path has not changed.
    pub fn software_slow();
    /// Calls the function at R30 from a short path, and goes on where it has set sepc.
    pub fn software_call();
    /// Ends a short path with SRET.
    pub fn software_sret();
    /// Ends a short path that has enabled interrupts while the real sie was masked.
    pub fn software_unmask();
    /// Enters the guest with all that is in the Cpu (R10), and sepc, for the first time.
    pub fn software_enter(cpu: *mut Cpu) -> !;
}
