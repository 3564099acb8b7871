# What is wrong with conditions, macros and repetitions, and where.
        .macro  store reg, place
        sw      \reg, \place
        addi    \reg, \reg, 5000
        .endm
        store   b0, 0(sp)
        store   a0, 0(ps)
        .irp    x, 1, z9
        addi    a0, a0, \x
        .endr
        .rept   2
        bogus   a0
        .endr
        .irpc   c, 1x
        .byte   \c
        .endr
        .endif
        .else
        .if     unknown_name
        bogus   here
        .else
        bogus   here
        .endif
        .if     1
        .else
        .else
        .endif
        .if     .
        .endif
        .elseif 1
        .rept   -1
        nop
        .endr
        .exitm
        .purgem nothing
        .ifc    a
        .endif
        .error  "\e[31mnot this"
        .macro  two a a
        .endm
        .include "nowhere.inc"
        .incbin nowhere
        .uleb128
        lw      a0, 8(a99)
        lw      a0, 8(sq)
        add     a0, x32, a1
        fadd.s  fa0, fa1, fa9
        vmsave  [r77]
        li      a0, VISA_VMCS_PCC
        csrr    a0, VISA_MSR_STAP
        .inclde "a"
        .word   VISA_TRAP_IO
        .if     VISA_EXIT_HALT == 10
VISA_EXIT_HALT:
        .endif
        .if     1
        .rept   5
