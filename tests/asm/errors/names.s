; Names that are close to what was meant, and names that are not.
        VMENTR  R1
        vmresum
        mov     R1, CR12
        mov     vmtrapcgf, a0
        csrr    a0, vmcuase
        add     a0, a1, b2
        add     a0, a1, fa2
        fadd.s  fa0, fa1, a2
        frobnicate a0, 5
        .gobl   start
        .option rvd
        lw      a0, conter
        li      a0, a1 + 4
counter: .word 0
