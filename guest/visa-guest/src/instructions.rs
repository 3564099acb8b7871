// Made by `cargo xtask generate` from the tables in crates/visa-isa. Do not edit.

//! A function for each of V-ISA's own instructions, in the groups of the specification.

use core::arch::asm;

/// VMENTER: enter the guest whose VMCS is at the physical address `vmcs`; goes on after the next VM exit. From Ring -1.
///
/// # Safety
/// The guest may change every byte that its translation reaches; none of it may be in use by Rust values. The host's registers are in a bank of their own and survive.
#[inline(always)]
pub unsafe fn vmenter(vmcs: u64) {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe { asm!(".insn r 0x0b, 0, 0, x0, {vmcs}, x0", vmcs = in(reg) vmcs, options(nostack)) };
}

/// VMRESUME: enter the current guest again, with the resume action; goes on after the next VM exit. From Ring -1.
///
/// # Safety
/// The guest may change every byte that its translation reaches; none of it may be in use by Rust values. The host's registers are in a bank of their own and survive.
#[inline(always)]
pub unsafe fn vmresume() {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe { asm!(".insn r 0x0b, 0, 1, x0, x0, x0", options(nostack)) };
}

/// VMSAVE: store the guest's state into the VMCS at rs1, or into the current one. From Ring -1.
///
/// Without an operand: the current VMCS.
///
/// # Safety
/// `vmcs` must be a VMCS that nothing else uses, or one must be current.
#[inline(always)]
pub unsafe fn vmsave_current() {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe { asm!(".insn r 0x0b, 0, 3, x0, x0, x0", options(nostack)) };
}

/// VMSAVE: store the guest's state into the VMCS at `vmcs`, or into the current one. From Ring -1.
///
/// # Safety
/// `vmcs` must be a VMCS that nothing else uses, or one must be current.
#[inline(always)]
pub unsafe fn vmsave(vmcs: u64) {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe { asm!(".insn r 0x0b, 0, 3, x0, {vmcs}, x0", vmcs = in(reg) vmcs, options(nostack)) };
}

/// VMLOAD: load the guest's state from the VMCS at rs1, which becomes current, or from the current one. From Ring -1.
///
/// Without an operand: the current VMCS.
///
/// # Safety
/// The VMCS must hold the state of a guest that is meant to run.
#[inline(always)]
pub unsafe fn vmload_current() {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe { asm!(".insn r 0x0b, 0, 4, x0, x0, x0", options(nostack)) };
}

/// VMLOAD: load the guest's state from the VMCS at `vmcs`, which becomes current, or from the current one. From Ring -1.
///
/// # Safety
/// The VMCS must hold the state of a guest that is meant to run.
#[inline(always)]
pub unsafe fn vmload(vmcs: u64) {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe { asm!(".insn r 0x0b, 0, 4, x0, {vmcs}, x0", vmcs = in(reg) vmcs, options(nostack)) };
}

/// VMCAUSE: the cause of the last VM exit. From Ring -1.
#[inline(always)]
pub fn vmcause() -> u64 {
    let result: u64;
    // SAFETY: the instruction changes no memory and no register but its result.
    unsafe {
        asm!(
            ".insn r 0x0b, 0, 5, {result}, x0, x0",
            result = lateout(reg) result,
            options(nomem, nostack),
        );
    }
    result
}

/// HVRET: return from a trap that Ring -1 took. From Ring -1.
///
/// # Safety
/// HVEPC and HVSTATUS must describe code that expects the registers as they are now.
#[inline(always)]
pub unsafe fn hvret() -> ! {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe { asm!(".insn r 0x0b, 0, 6, x0, x0, x0", options(noreturn)) }
}

/// VMEXIT: leave the guest for Ring -1 of its own will. From Ring 0.
///
/// # Safety
/// The hypervisor may change registers and memory of this guest.
#[inline(always)]
pub unsafe fn vmexit() {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe { asm!(".insn r 0x0b, 0, 2, x0, x0, x0", options(nostack)) };
}

/// LDGPTBR: GPTBR = `base`: the guest's page-table base (its CR3). From Ring -1.
///
/// # Safety
/// `base` must be the root of a page table that stays valid while it is in use.
#[inline(always)]
pub unsafe fn ldgptbr(base: u64) {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe { asm!(".insn r 0x0b, 1, 0, x0, {base}, x0", base = in(reg) base, options(nostack)) };
}

/// LDHPTBR: HPTBR = `base`: the second stage's page-table base, with the VMID. From Ring -1.
///
/// # Safety
/// `base` must be the root of a page table that stays valid while it is in use.
#[inline(always)]
pub unsafe fn ldhptbr(base: u64) {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe { asm!(".insn r 0x0b, 1, 1, x0, {base}, x0", base = in(reg) base, options(nostack)) };
}

/// TLBFLUSHV: flush combined translations: all, of the VMID in rs1, or of the guest-physical address rs2 in it. From Ring -1.
///
/// Without operands: all.
#[inline(always)]
pub fn tlbflushv() {
    // SAFETY: the instruction changes no memory and no register but its result.
    unsafe { asm!(".insn r 0x0b, 1, 2, x0, x0, x0", options(nostack)) };
}

/// TLBFLUSHV: flush combined translations: all, of the VMID in `vmid`, or of the guest-physical address rs2 in it. From Ring -1.
///
/// With one operand: one VM.
#[inline(always)]
pub fn tlbflushv_vmid(vmid: u64) {
    // SAFETY: the instruction changes no memory and no register but its result.
    unsafe { asm!(".insn r 0x0b, 1, 2, x0, {vmid}, x0", vmid = in(reg) vmid, options(nostack)) };
}

/// TLBFLUSHV: flush combined translations: all, of the VMID in `vmid`, or of the guest-physical address `guest_physical` in it. From Ring -1.
///
/// With two operands: one guest-physical address of one VM.
#[inline(always)]
pub fn tlbflushv_address(vmid: u64, guest_physical: u64) {
    // SAFETY: the instruction changes no memory and no register but its result.
    unsafe {
        asm!(
            ".insn r 0x0b, 1, 2, x0, {vmid}, {guest_physical}",
            vmid = in(reg) vmid,
            guest_physical = in(reg) guest_physical,
            options(nostack),
        );
    }
}

/// IOVMAP: bind a guest-physical range to a virtual device, by the descriptor at the physical address `descriptor`. From Ring -1.
///
/// # Safety
/// The descriptor must be valid memory, and a passthrough range must not reach memory in use here.
#[inline(always)]
pub unsafe fn iovmap(descriptor: u64) {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe {
        asm!(
            ".insn r 0x0b, 2, 0, x0, {descriptor}, x0",
            descriptor = in(reg) descriptor,
            options(nostack),
        );
    }
}

/// IOVMASK: set the policy `policy` for the ports `ports` names: default, pass, trap or absent. From Ring -1.
///
/// # Safety
/// A guest may reach the devices behind the ports that pass.
#[inline(always)]
pub unsafe fn iovmask(ports: u64, policy: u64) {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe {
        asm!(
            ".insn r 0x0b, 2, 1, x0, {ports}, {policy}",
            ports = in(reg) ports,
            policy = in(reg) policy,
            options(nostack),
        );
    }
}

/// INB: the byte at port `port`; IN is the same. From Ring 0.
///
/// # Safety
/// The device behind the port may do anything that its registers allow, such as writing to memory.
#[inline(always)]
pub unsafe fn inb(port: u16) -> u8 {
    let result: u64;
    // SAFETY: the caller keeps what the section above asks for.
    unsafe {
        asm!(
            ".insn i 0x2b, 0, {result}, {port}, 0",
            port = in(reg) port as u64,
            result = lateout(reg) result,
            options(nostack),
        );
    }
    result as u8
}

/// INH: the 16 bits at port `port`. From Ring 0.
///
/// # Safety
/// The device behind the port may do anything that its registers allow, such as writing to memory.
#[inline(always)]
pub unsafe fn inh(port: u16) -> u16 {
    let result: u64;
    // SAFETY: the caller keeps what the section above asks for.
    unsafe {
        asm!(
            ".insn i 0x2b, 1, {result}, {port}, 0",
            port = in(reg) port as u64,
            result = lateout(reg) result,
            options(nostack),
        );
    }
    result as u16
}

/// INW: the 32 bits at port `port`, zero-extended. From Ring 0.
///
/// # Safety
/// The device behind the port may do anything that its registers allow, such as writing to memory.
#[inline(always)]
pub unsafe fn inw(port: u16) -> u32 {
    let result: u64;
    // SAFETY: the caller keeps what the section above asks for.
    unsafe {
        asm!(
            ".insn i 0x2b, 2, {result}, {port}, 0",
            port = in(reg) port as u64,
            result = lateout(reg) result,
            options(nostack),
        );
    }
    result as u32
}

/// OUTB: the byte at port `port` = `value`; OUT is the same. From Ring 0.
///
/// # Safety
/// The device behind the port may do anything that its registers allow, such as writing to memory.
#[inline(always)]
pub unsafe fn outb(port: u16, value: u8) {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe {
        asm!(
            ".insn s 0x2b, 4, {value}, 0({port})",
            port = in(reg) port as u64,
            value = in(reg) value as u64,
            options(nostack),
        );
    }
}

/// OUTH: the 16 bits at port `port` = `value`. From Ring 0.
///
/// # Safety
/// The device behind the port may do anything that its registers allow, such as writing to memory.
#[inline(always)]
pub unsafe fn outh(port: u16, value: u16) {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe {
        asm!(
            ".insn s 0x2b, 5, {value}, 0({port})",
            port = in(reg) port as u64,
            value = in(reg) value as u64,
            options(nostack),
        );
    }
}

/// OUTW: the 32 bits at port `port` = `value`. From Ring 0.
///
/// # Safety
/// The device behind the port may do anything that its registers allow, such as writing to memory.
#[inline(always)]
pub unsafe fn outw(port: u16, value: u32) {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe {
        asm!(
            ".insn s 0x2b, 6, {value}, 0({port})",
            port = in(reg) port as u64,
            value = in(reg) value as u64,
            options(nostack),
        );
    }
}

/// VINT_SEND: make a virtual interrupt pending: vector and target in `interrupt`. From Ring 0.
///
/// # Safety
/// The target must be ready to take the interrupt.
#[inline(always)]
pub unsafe fn vint_send(interrupt: u64) {
    // SAFETY: the caller keeps what the section above asks for.
    unsafe {
        asm!(
            ".insn r 0x0b, 3, 0, x0, {interrupt}, x0",
            interrupt = in(reg) interrupt,
            options(nostack),
        );
    }
}

/// VINT_ACK: the most urgent pending virtual interrupt, which is no longer pending; 0 if none. From Ring 0.
#[inline(always)]
pub fn vint_ack() -> u64 {
    let result: u64;
    // SAFETY: the instruction changes no memory and no register but its result.
    unsafe { asm!(".insn r 0x0b, 3, 1, {result}, x0, x0", result = lateout(reg) result, options(nostack)) };
    result
}

/// VINT_STAT: the pending virtual interrupts, a bit each. From Ring 0.
#[inline(always)]
pub fn vint_stat() -> u64 {
    let result: u64;
    // SAFETY: the instruction changes no memory and no register but its result.
    unsafe {
        asm!(
            ".insn r 0x0b, 3, 2, {result}, x0, x0",
            result = lateout(reg) result,
            options(nomem, nostack),
        );
    }
    result
}
