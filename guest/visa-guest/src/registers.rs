// Made by `cargo xtask generate` from the tables in crates/visa-isa. Do not edit.

//! A module for each MSR, with the accesses that it allows.

/// MSR 0x001: accrued floating-point exceptions: NX, UF, OF, DZ, NV from bit 0.
pub mod fflags {
    crate::access::read_write!("FFLAGS", 0x001);
}

/// MSR 0x002: dynamic rounding mode.
pub mod frm {
    crate::access::read_write!("FRM", 0x002);
}

/// MSR 0x003: fflags in bits 4:0, frm in bits 7:5.
pub mod fcsr {
    crate::access::read_write!("FCSR", 0x003);
}

/// MSR 0x100 (CR0): status of Ring 0: SIE, SPIE, UBE, SPP, FS, SUM, MXR, SD. From Ring 0.
pub mod sstatus {
    crate::access::read_write!("SSTATUS", 0x100);
}

/// MSR 0x104 (CR5): interrupts that Ring 0 takes. From Ring 0.
pub mod sie {
    crate::access::read_write!("SIE", 0x104);
}

/// MSR 0x105 (CR1): trap vector of Ring 0; bit 0 set: vectored. From Ring 0.
pub mod stvec {
    crate::access::read_write!("STVEC", 0x105);
}

/// MSR 0x106 (CR8): counters that Ring 3 may read: cycle, time, instret from bit 0. From Ring 0.
pub mod scounteren {
    crate::access::read_write!("SCOUNTEREN", 0x106);
}

/// MSR 0x10a (CR4): environment of Ring 3: FIOM alone. From Ring 0.
pub mod senvcfg {
    crate::access::read_write!("SENVCFG", 0x10a);
}

/// MSR 0x140 (CR7): scratch of Ring 0. From Ring 0.
pub mod sscratch {
    crate::access::read_write!("SSCRATCH", 0x140);
}

/// MSR 0x141 (CR9): address that a trap to Ring 0 came from. From Ring 0.
pub mod sepc {
    crate::access::read_write!("SEPC", 0x141);
}

/// MSR 0x142 (CR10): cause of the last trap to Ring 0. From Ring 0.
pub mod scause {
    crate::access::read_write!("SCAUSE", 0x142);
}

/// MSR 0x143 (CR2): faulting address or instruction of the last trap to Ring 0. From Ring 0.
pub mod stval {
    crate::access::read_write!("STVAL", 0x143);
}

/// MSR 0x144 (CR6): interrupts pending for Ring 0; SSIP alone is writable. From Ring 0.
pub mod sip {
    crate::access::read_write!("SIP", 0x144);
}

/// MSR 0x14d (CR11): the guest's timer: STIP is pending while time >= stimecmp (Sstc). From Ring 0.
pub mod stimecmp {
    crate::access::read_write!("STIMECMP", 0x14d);
}

/// MSR 0x180 (CR3): page-table base of the guest: mode, ASID, root (see paging); GPTBR is the same register. From Ring 0.
pub mod satp {
    crate::access::read_write!("SATP", 0x180);
}

/// MSR 0x5c0: virtual interrupt vectors that are enabled, a bit each; bit 0 is zero. From Ring 0.
pub mod vicenab {
    crate::access::read_write!("VICENAB", 0x5c0);
}

/// MSR 0x5c1: 0: every vector; else only vectors below it are delivered. From Ring 0.
pub mod victhresh {
    crate::access::read_write!("VICTHRESH", 0x5c1);
}

/// MSR 0x7c0: status of Ring -1: HIE bit 3, HPIE bit 7. From Ring -1.
pub mod hvstatus {
    crate::access::read_write!("HVSTATUS", 0x7c0);
}

/// MSR 0x7c1: trap vector of Ring -1, a multiple of 4. From Ring -1.
pub mod hvvec {
    crate::access::read_write!("HVVEC", 0x7c1);
}

/// MSR 0x7c2: scratch of Ring -1. From Ring -1.
pub mod hvscratch {
    crate::access::read_write!("HVSCRATCH", 0x7c2);
}

/// MSR 0x7c3: address that a trap of Ring -1 came from. From Ring -1.
pub mod hvepc {
    crate::access::read_write!("HVEPC", 0x7c3);
}

/// MSR 0x7c4: cause of the last trap of Ring -1. From Ring -1.
pub mod hvcause {
    crate::access::read_write!("HVCAUSE", 0x7c4);
}

/// MSR 0x7c5: faulting address, instruction or descriptor offset of the last trap of Ring -1. From Ring -1.
pub mod hvtval {
    crate::access::read_write!("HVTVAL", 0x7c5);
}

/// MSR 0x7c6: interrupts that Ring -1 takes, from a guest as VM exits: software 3, timer 7, external 11. From Ring -1.
pub mod hvie {
    crate::access::read_write!("HVIE", 0x7c6);
}

/// MSR 0x7c7: interrupts pending for Ring -1; software (bit 3) alone can be cleared. From Ring -1.
pub mod hvip {
    crate::access::read_write!("HVIP", 0x7c7);
}

/// MSR 0x7c8: Ring -1's timer: pending while the machine's time >= hvtimecmp. From Ring -1.
pub mod hvtimecmp {
    crate::access::read_write!("HVTIMECMP", 0x7c8);
}

/// MSR 0x7d0: trap filter of the current VM. From Ring -1.
pub mod vmtrapcfg {
    crate::access::read_write!("VMTRAPCFG", 0x7d0);
}

/// MSR 0x7d1: second-stage page-table base of the current VM: mode, VMID, root. From Ring -1.
pub mod hptbr {
    crate::access::read_write!("HPTBR", 0x7d1);
}

/// MSR 0x7d2: the guest's page-table base, its CR3, as Ring -1 sees it. From Ring -1.
pub mod gptbr {
    crate::access::read_write!("GPTBR", 0x7d2);
}

/// MSR 0x7d3: exceptions that exit, a bit for each cause number. From Ring -1.
pub mod excmap {
    crate::access::read_write!("EXCMAP", 0x7d3);
}

/// MSR 0x7d4: physical address of the MSR map, a multiple of 4096; 0: none. From Ring -1.
pub mod msrmap {
    crate::access::read_write!("MSRMAP", 0x7d4);
}

/// MSR 0x7d5: physical address of the MSR shadow table, a multiple of 4096; 0: none. From Ring -1.
pub mod msrshadow {
    crate::access::read_write!("MSRSHADOW", 0x7d5);
}

/// MSR 0x7d6: physical address of the I/O permission map, a multiple of 4096; 0: none. From Ring -1.
pub mod iomap {
    crate::access::read_write!("IOMAP", 0x7d6);
}

/// MSR 0x7d7: what is added to the guest's time, after scaling. From Ring -1.
pub mod timeoff {
    crate::access::read_write!("TIMEOFF", 0x7d7);
}

/// MSR 0x7d8: what the machine's time is multiplied by for the guest, as 32.32 fixed point. From Ring -1.
pub mod timescale {
    crate::access::read_write!("TIMESCALE", 0x7d8);
}

/// MSR 0x7d9: number of this virtual CPU in its VM. From Ring -1.
pub mod vcpuid {
    crate::access::read_write!("VCPUID", 0x7d9);
}

/// MSR 0x7da: virtual interrupt vectors that are pending, a bit each. From Ring -1.
pub mod vicpend {
    crate::access::read_write!("VICPEND", 0x7da);
}

/// MSR 0x7e0: what VMRESUME does first: 0 retry, 1 complete, 2 inject. From Ring -1.
pub mod vmaction {
    crate::access::read_write!("VMACTION", 0x7e0);
}

/// MSR 0x7e1: complete: the value for the destination register; inject: the trap value. An exit presets it with the old value. From Ring -1.
pub mod vmresult {
    crate::access::read_write!("VMRESULT", 0x7e1);
}

/// MSR 0x7e2: inject: the cause, with bit 63 for an interrupt. From Ring -1.
pub mod vminject {
    crate::access::read_write!("VMINJECT", 0x7e2);
}

/// MSR 0x7e3: the guest's PC. From Ring -1.
pub mod vmpc {
    crate::access::read_write!("VMPC", 0x7e3);
}

/// MSR 0x7e4: the guest's ring: 0 or 3. From Ring -1.
pub mod vmring {
    crate::access::read_write!("VMRING", 0x7e4);
}

/// MSR 0x7e5: the guest's fcsr. From Ring -1.
pub mod vmfcsr {
    crate::access::read_write!("VMFCSR", 0x7e5);
}

/// MSR 0xc00: cycles; without the cycle model, retired instructions.
pub mod cycle {
    crate::access::read_only!("CYCLE", 0xc00);
}

/// MSR 0xc01: time in ticks of 100 ns, scaled and offset in a guest.
pub mod time {
    crate::access::read_only!("TIME", 0xc01);
}

/// MSR 0xc02: retired instructions of this hart.
pub mod instret {
    crate::access::read_only!("INSTRET", 0xc02);
}

/// MSR 0xdc0: VM exits of the current VM. From Ring 0.
pub mod vmcount_exit {
    crate::access::read_only!("VMCOUNT_EXIT", 0xdc0);
}

/// MSR 0xdc1: instructions of the current VM that Ring -1 completed in software. From Ring 0.
pub mod vmcount_emu {
    crate::access::read_only!("VMCOUNT_EMU", 0xdc1);
}

/// MSR 0xdc2: combined TLB misses of the current VM. From Ring 0.
pub mod vmcount_tlbmiss {
    crate::access::read_only!("VMCOUNT_TLBMISS", 0xdc2);
}

/// MSR 0xfc0: cause of the last VM exit. From Ring -1.
pub mod vmcause {
    crate::access::read_only!("VMCAUSE", 0xfc0);
}

/// MSR 0xfc1: decoded access of the last VM exit (see vmcs). From Ring -1.
pub mod vmqual {
    crate::access::read_only!("VMQUAL", 0xfc1);
}

/// MSR 0xfc2: bits of the instruction that exited; 0 if none. From Ring -1.
pub mod vminst {
    crate::access::read_only!("VMINST", 0xfc2);
}

/// MSR 0xfc3: guest-virtual address of the access that exited. From Ring -1.
pub mod vmgva {
    crate::access::read_only!("VMGVA", 0xfc3);
}

/// MSR 0xfc4: guest-physical address of the access that exited. From Ring -1.
pub mod vmgpa {
    crate::access::read_only!("VMGPA", 0xfc4);
}

/// MSR 0xfc5: the value that the instruction writes. From Ring -1.
pub mod vmvalue {
    crate::access::read_only!("VMVALUE", 0xfc5);
}

/// MSR 0xfc6: port, MSR, exception or interrupt number of the last VM exit. From Ring -1.
pub mod vmcode {
    crate::access::read_only!("VMCODE", 0xfc6);
}

/// MSR 0xfc7: cookie of the virtual device that was accessed. From Ring -1.
pub mod vmcookie {
    crate::access::read_only!("VMCOOKIE", 0xfc7);
}

/// MSR 0xfc8: physical address of the current VMCS; all ones if none. From Ring -1.
pub mod vmcsptr {
    crate::access::read_only!("VMCSPTR", 0xfc8);
}

/// MSR 0xfc9: number of this hart. From Ring -1.
pub mod hartid {
    crate::access::read_only!("HARTID", 0xfc9);
}
