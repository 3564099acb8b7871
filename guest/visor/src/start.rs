//! The first instructions of every hart, and the last of a panic (specification, 1.5 and 8.1).
//!
//! visor is linked at address 0 and runs wherever the machine has loaded it. Until hart 0 has applied the relocations
//! nothing here may use a pointer from memory; `lla` is relative to the program counter and needs none.

use core::arch::global_asm;
use core::panic::PanicInfo;
use visor::cpu::{STACK_BYTES, STACKS};

/// ELF relocation R_RISCV_RELATIVE: the word is the addend plus where the image is.
const RELATIVE: usize = 3;

global_asm!(
    r#"
    .section .text.start, "ax"
    .globl _start
_start:
    # R10 is the hart, R11 the machine's device tree. A hart without a stack stays here.
    li      t0, {harts}
    bgeu    a0, t0, park
    lla     sp, {stacks}
    addi    t0, a0, 1
    li      t1, {stack_bytes}
    mul     t0, t0, t1
    add     sp, sp, t0
    lla     t0, trap_entry
    csrw    {hvvec}, t0
    bnez    a0, secondary

    # Hart 0: clear what the image does not hold (nothing is on the stack yet).
    lla     t0, __bss_start
    lla     t1, __bss_end
1:  bgeu    t0, t1, 2f
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       1b

    # Apply the relocations: offset, type, addend, of 8 bytes each.
2:  lla     t0, __relocations_start
    lla     t1, __relocations_end
    lla     t2, __image_start
3:  bgeu    t0, t1, 4f
    ld      t3, 8(t0)
    li      t4, {relative}
    bne     t3, t4, unknown_relocation
    ld      t3, 0(t0)
    ld      t4, 16(t0)
    add     t3, t3, t2
    add     t4, t4, t2
    sd      t4, 0(t3)
    addi    t0, t0, 24
    j       3b

4:  fence   rw, rw
    fence.i
    lla     t0, relocated
    li      t1, 1
    sw      t1, 0(t0)
    call    {boot}

    # The other harts: wait until hart 0 is through with the above.
secondary:
    lla     t0, relocated
5:  lw      t1, 0(t0)
    beqz    t1, 5b
    fence   rw, rw
    fence.i
    call    {join}

park:
    csrw    {hvie}, zero
6:  wfi
    j       6b

unknown_relocation:
    ebreak

    # A trap of Ring -1's own: visor never expects one. Start again on an empty stack to report it.
    .balign 4
trap_entry:
    csrr    a0, {hartid}
    lla     sp, {stacks}
    addi    t0, a0, 1
    li      t1, {stack_bytes}
    mul     t0, t0, t1
    add     sp, sp, t0
    csrr    a0, {hvcause}
    csrr    a1, {hvepc}
    csrr    a2, {hvtval}
    call    {trap}

    .section .data.start, "aw"
    .balign 4
relocated:
    .word   0
    .text
"#,
    harts = const visor::cpu::HARTS_MAX,
    stacks = sym STACKS,
    stack_bytes = const STACK_BYTES,
    relative = const RELATIVE,
    hvvec = const visa_isa::msr::HVVEC,
    hvie = const visa_isa::msr::HVIE,
    hartid = const visa_isa::msr::HARTID,
    hvcause = const visa_isa::msr::HVCAUSE,
    hvepc = const visa_isa::msr::HVEPC,
    hvtval = const visa_isa::msr::HVTVAL,
    boot = sym visor::boot::boot,
    join = sym visor::boot::join,
    trap = sym visor::boot::trap,
);

#[panic_handler]
fn panic(information: &PanicInfo<'_>) -> ! {
    visor::boot::panicked(information)
}
