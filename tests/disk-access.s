; How a program in Ring -1 lets the first disk reach all of memory (specification, 5.3): by a VMCS that no guest ever runs with, whose second
; stage is bare. For other programs to begin with; uses R5 (t0) alone.
        la      t0, lender
        vmload  t0
        ldhptbr zero
        la      t0, lent_range
        iovmap  t0
        j       lent
        .align  12
lender: .dword  0x000141534956
        .space  64
        .dword  1<<32                   ; TIMESCALE
        .space  4096 - 80
lent_range:
        .dword  4, 0x10001000, 0x1000, 0x10001000
lent:
