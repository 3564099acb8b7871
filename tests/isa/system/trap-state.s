; What a kernel's trap handler does with its MSRs (RISC-V privileged, 12.1), and a trap to the next instruction.
main:
    put sscratch, 0x55
    put sstatus, 0x6000
    put vmr10, 0x1234
    put vmr13, 0x77
    run state
;= exit 0x0c at=state_end
;= VMR11 = 0x55, VMR12 = 0x1234, VMR10 = 0x1234, CR7 = 0x1234
;= VMR14 = 0x76, VMR15 = 0x76, VMR16 = 0x1f, CR9 = 0x76, CR10 = 0x77, CR2 = 0x1f
    ; SIE and SPP come and go; what cannot be written stays; SD follows FS.
    run status
;= exit 0x0c at=status_end
;= VMR11 = 0x8000000200006000, VMR12 = 0x8000000200006102, VMR13 = 0x8000000200006102, VMR14 = 0x8000000200006100
;= VMR15 = 0x8000000200006100, VMR16 = 0x0000000200000100, VMR17 = 0x0000000200004100, SSTATUS = 0x8000000200006100
    ; The last of these changes FS while the host may be computing.
    run computes
;= exit 0x0c at=computes_end
;= VMR11 = 0x8000000200006000, VMR12 = 0x8000000200006000, VMF2 = 0x4000000000000000, SSTATUS = 0x200002000
    ; EBREAK does not retire, even if the handler is behind it: one instruction from one reading to the other.
    put sstatus, 0x6000
    la t0, behind
    wrmsr stvec, t0
    run before
;= exit 0x0c at=behind_end
;= VMR12 = 1, SCAUSE = 3, SSTATUS = 0x8000000200006100
    pass

state:
    csrrw R11, sscratch, R10
    csrr R12, sscratch
    csrrw R10, sscratch, R10        ; with itself
    csrw sepc, R13
    csrrw R14, sepc, R13            ; bit 0 is not there
    csrr R15, sepc
    csrw scause, R13
    csrwi stval, 31
    csrr R16, stval
state_end:
    vmexit
status:
    csrr R11, sstatus
    li R5, 0x100
    csrrs R0, sstatus, R5
    csrsi sstatus, 2
    csrr R12, sstatus
    csrrci R13, sstatus, 2
    csrr R14, sstatus
    li R5, 0x6000
    csrrc R15, sstatus, R5
    csrr R16, sstatus
    li R6, 0x4100
    csrw sstatus, R6
    li R6, 0x6100
    csrrw R17, sstatus, R6
status_end:
    vmexit
computes:
    li R5, 0x3ff0000000000000
    fmv.d.x F1, R5
    li R5, 0x6000
    csrw sstatus, R5
    csrr R11, sstatus
    fadd.d F2, F1, F1
    li R5, 0x2000
    csrrw R12, sstatus, R5
computes_end:
    vmexit
.balign 4
before:
    csrr R10, instret
    ebreak
behind:
    csrr R11, instret
    sub R12, R11, R10
behind_end:
    vmexit
