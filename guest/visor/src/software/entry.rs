//! The assembly of the Ring 0 back end: its first instructions, and traps.
//!
//! A trap comes with every register the guest's. The real sscratch is exchanged for R31 (t6) and gives the [`Cpu`];
//! what the short paths need beside it (t3, t4, t5) goes to its registers' places. From the guest's kernel an illegal
//! instruction at a known site goes to the code that was made for it ([`super::sites`]); from user programs an ECALL
//! goes to the guest's kernel. Everything else saves all registers and goes to [`super::trap`].
//!
//! No floating-point instruction may stand on any of these ways, the Rust ones included: F registers and fcsr stay
//! the guest's.

use super::cpu::{Cpu, SITE_SHIFT, SITES, SITES_OFFSET, Site};
use super::symbols::{BOOT_ROOT, PHYSICAL, STACK, STACK_BYTES, WINDOW};
use core::arch::global_asm;
use core::mem::offset_of;

global_asm!(
    r#"
    .section .text.software, "ax"
    .balign 4096
    .globl __software_start
__software_start:
    .option push
    .option norvc

    # ---- the first instructions: untranslated, as a kernel starts ----
    .globl software_start
software_start:
    # The window: 512 pages of 1 GiB, for Ring 0 (V R W X G A D).
    lla     t0, {window}
    li      t1, 512
    li      t2, 0xef
    li      t3, 1 << 28
1:  sd      t2, 0(t0)
    addi    t0, t0, 8
    add     t2, t2, t3
    addi    t1, t1, -1
    bnez    t1, 1b

    # The first root: the window alone.
    lla     t0, {boot_root}
    lla     t1, {window}
    srli    t1, t1, 2
    ori     t1, t1, 1
    li      t2, 128 * 8
    add     t2, t2, t0
    sd      t1, 0(t2)

    # With translation on, the next fetch faults, and the trap vector is where the code goes on.
    li      t3, {physical}
    lla     t1, 2f
    add     t1, t1, t3
    csrw    stvec, t1
    srli    t0, t0, 12
    li      t1, 9
    slli    t1, t1, 60
    or      t0, t0, t1
    sfence.vma
    csrw    satp, t0
    .balign 4
2:  lla     sp, {stack}
    li      t0, {stack_bytes}
    add     sp, sp, t0
    call    {main}

    # ---- traps from the guest's kernel ----
    .balign 4
    .globl software_trap_kernel
software_trap_kernel:
    csrrw   t6, sscratch, t6
    sd      t5, {t5}(t6)
    csrr    t5, scause
    sd      t4, {t4}(t6)
    addi    t5, t5, -2
    sd      t3, {t3}(t6)
    bnez    t5, software_slow
    csrr    t4, sepc
    slli    t5, t4, {site_left}
    srli    t5, t5, {site_right}
    slli    t5, t5, {site_shift}
    add     t5, t5, t6
    addi    t5, t5, {sites}
    ld      t3, 0(t5)
    bne     t3, t4, 2f
1:  ld      t3, {code}(t5)
    jr      t3
    # A site whose place was taken is in the next one.
2:  addi    t5, t5, 1 << {site_shift}
    ld      t3, 0(t5)
    beq     t3, t4, 1b
    j       software_slow

    # ---- traps from user programs: ECALL to the guest's kernel ----
    .balign 4
    .globl software_trap_user
software_trap_user:
    csrrw   t6, sscratch, t6
    sd      t5, {t5}(t6)
    csrr    t5, scause
    sd      t4, {t4}(t6)
    addi    t4, t5, -8
    sd      t3, {t3}(t6)
    bnez    t4, software_slow
    csrr    t4, sepc
    sd      t5, {scause}(t6)
    sd      t4, {sepc}(t6)
    sd      zero, {stval}(t6)
    sd      zero, {user}(t6)
    # SPIE = SIE, SIE = 0, SPP = 0.
    ld      t5, {status}(t6)
    andi    t4, t5, 2
    slli    t4, t4, 4
    andi    t5, t5, -0x123
    or      t5, t5, t4
    sd      t5, {status}(t6)
    ld      t5, {kernel_vector}(t6)
    csrw    stvec, t5
    ld      t5, {kernel_satp}(t6)
    csrw    satp, t5
    ld      t5, {forwarded}(t6)
    addi    t5, t5, 1
    sd      t5, {forwarded}(t6)
    ld      t4, {stvec}(t6)
    ld      t3, {vector_site}+{code}(t6)
    andi    t4, t4, -4
    csrw    sepc, t4
    addi    t5, t6, {vector_site}
    jr      t3

    # ---- SRET of the guest's kernel ----
    .globl software_sret
software_sret:
    ld      t5, {status}(t6)
    ld      t4, {masked}(t6)
    andi    t3, t5, 0x100
    bnez    t4, 2f
1:  andi    t4, t5, 0x20
    srli    t4, t4, 4
    andi    t5, t5, -0x123
    or      t5, t5, t4
    ori     t5, t5, 0x20
    sd      t5, {status}(t6)
    bnez    t3, 3f
    li      t5, 1
    sd      t5, {user}(t6)
    ld      t5, {returns}(t6)
    addi    t5, t5, 1
    sd      t5, {returns}(t6)
    ld      t5, {user_vector}(t6)
    csrw    stvec, t5
    ld      t5, {user_satp}(t6)
    csrw    satp, t5
3:  ld      t4, {sepc}(t6)
    csrw    sepc, t4

    # ---- the ends of short paths ----
    .globl software_resume
software_resume:
    ld      t3, {t3}(t6)
    ld      t4, {t4}(t6)
    ld      t5, {t5}(t6)
    csrrw   t6, sscratch, t6
    sret

    # The real sie is masked: to a kernel with interrupts off it stays so, else it is the guest's again.
2:  beqz    t3, 4f
    andi    t4, t5, 0x20
    beqz    t4, 1b
4:  ld      t4, {sie}(t6)
    sd      zero, {masked}(t6)
    csrw    sie, t4
    j       1b

    .globl software_unmask
software_unmask:
    # The real sie is the guest's again: what is pending traps as soon as the guest goes on.
    ld      t5, {sie}(t6)
    sd      zero, {masked}(t6)
    csrw    sie, t5
    j       software_resume

    # ---- into Rust and back ----
    # Page faults and interrupts need none of the guest's registers: what Rust preserves stays where it is.
    .globl software_slow
software_slow:
    csrr    t5, scause
    addi    t4, t5, -12
    bltz    t5, software_light
    sltiu   t4, t4, 4
    bnez    t4, software_light
    csrrw   t5, sscratch, t6
    sd      t5, 31*8(t6)
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27
    sd      x\n, \n*8(t6)
    .endr
    mv      a0, t6
    ld      sp, {stack_top}(t6)
    call    {trap}
    csrr    a0, sscratch
    .globl software_enter
software_enter:
    mv      t6, a0
    # The code for the vector is for the shorter way below: here the guest is entered there.
    sd      zero, {chain}(t6)
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    ld      x\n, \n*8(t6)
    .endr
    ld      t6, 31*8(t6)
    sret

    # ---- with the registers alone that Rust does not preserve ----
software_light:
    lla     t5, {trap}
    .globl software_call
software_call:
    # To the function at R30 and back.
    csrrw   t4, sscratch, t6
    sd      t4, 31*8(t6)
    .irp n, 1,2,5,6,7,10,11,12,13,14,15,16,17
    sd      x\n, \n*8(t6)
    .endr
    mv      a0, t6
    ld      sp, {stack_top}(t6)
    jalr    t5
    csrr    t6, sscratch
    ld      t5, {chain}(t6)
    .irp n, 1,2,5,6,7,10,11,12,13,14,15,16,17
    ld      x\n, \n*8(t6)
    .endr
    bnez    t5, 1f
    ld      t3, {t3}(t6)
    ld      t4, {t4}(t6)
    ld      t5, {t5}(t6)
    ld      t6, 31*8(t6)
    sret
    # The guest's kernel has been given an exception: on with the code for its vector.
1:  ld      t3, {vector_site}+{code}(t6)
    sd      zero, {chain}(t6)
    ld      t4, 31*8(t6)
    addi    t5, t6, {vector_site}
    csrw    sscratch, t4
    jr      t3
    .option pop
    .text
"#,
    window = sym WINDOW,
    boot_root = sym BOOT_ROOT,
    stack = sym STACK,
    stack_bytes = const STACK_BYTES,
    physical = const PHYSICAL,
    main = sym super::ring0::main,
    trap = sym super::trap::trap,
    t3 = const offset_of!(Cpu, registers) + 28 * 8,
    t4 = const offset_of!(Cpu, registers) + 29 * 8,
    t5 = const offset_of!(Cpu, registers) + 30 * 8,
    // PC bits above bit 0, as many as index the sites.
    site_left = const 63 - SITES.ilog2(),
    site_right = const 64 - SITES.ilog2(),
    sites = const SITES_OFFSET,
    scause = const offset_of!(Cpu, scause),
    sepc = const offset_of!(Cpu, sepc),
    stval = const offset_of!(Cpu, stval),
    stvec = const offset_of!(Cpu, stvec),
    sie = const offset_of!(Cpu, sie),
    user = const offset_of!(Cpu, user),
    status = const offset_of!(Cpu, status),
    masked = const offset_of!(Cpu, masked),
    kernel_vector = const offset_of!(Cpu, kernel_vector),
    user_vector = const offset_of!(Cpu, user_vector),
    kernel_satp = const offset_of!(Cpu, kernel_satp),
    user_satp = const offset_of!(Cpu, user_satp),
    vector_site = const offset_of!(Cpu, vector_site),
    code = const offset_of!(Site, code),
    site_shift = const SITE_SHIFT,
    forwarded = const offset_of!(Cpu, forwarded_calls),
    returns = const offset_of!(Cpu, returns),
    chain = const offset_of!(Cpu, chain),
    stack_top = const offset_of!(Cpu, stack),
);
