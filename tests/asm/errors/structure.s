# Statements that are not whole, or that contradict each other.
start:  add     a0, a1
        vmenter
        vmenter R1, R2, R3
        ret     a0
start:  nop
        addi    a0, a0,
        addi    a0, a0, (1 + 2
        addi    a0 a0, 1
        ld      a0, 8[sp]
        .word   1 / 0
        j       1b
        j       2f
        .ascii  "no end
        .ascii  "bad \q"
        .space  -1
        .space  0x7fffffffffff
        .insn   r 0x0b, 8, 0, x0, x0, x0
        %
        fence   wr, r
.equ    round, about
.equ    about, round
        li      a0, round
        .bss
        .word   1
        .macro  never
        nop
