; cycle, time and instret (specification, chapter 7): instret counts what the hart retired in all rings; an instruction that traps or
; exits does not retire.
main:
    rdinstret R18
    rdinstret R19
    nop
    rdinstret R7
    sub R19, R19, R18
    sub R7, R7, R18
;= R19 = 1, R7 = 3
    ; VMENTER and VMRESUME retire; VMEXIT and ECALL do not. The guest retires three.
    rdinstret R18
    run three
    rdinstret R19
    sub R19, R19, R18
    ; rdinstret; run: la (2), wrmsr, li, wrmsr, li, wrmsr, vmresume = 8; three.
;= R19 = 12
    ; An exception: the instruction does not retire, the handler's VMEXIT neither.
    rdinstret R18
    go breakpoint
    rdinstret R19
    sub R19, R19, R18
    ; rdinstret; go: la (2), wrmsr, li, wrmsr, vmresume = 6.
;= R19 = 7
    ; Completed by Ring -1 it has not retired either.
    rdinstret R18
    li t1, 1
    wrmsr vmaction, t1
    vmresume
    rdinstret R19
    sub R19, R19, R18
;= R19 = 4
    pass
three:
    nop
    nop
    nop
    vmexit
breakpoint:
    ebreak
