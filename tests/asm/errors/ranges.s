# Operands out of range.
        addi    a0, a0, 2048
        addi    a0, a0, -2049
        slli    a0, a0, 64
        slliw   a0, a0, 32
        csrwi   vmaction, 32
        csrr    a0, 4096
        lui     a0, 0x100000
        IN      R1, 0x1000
        OUT     70000, R1
        MOV     CR3, 32
        jal     a0, . + 3
        jal     a0, . + 0x200000
        c.addi  a0, 32
        c.lw    a0, 0(t0)
        c.addi4spn a0, sp, 6
        .byte   256
        .align  21
        lr.w    a0, 4(a1)
        lui     a0, %hi(here)
here:
