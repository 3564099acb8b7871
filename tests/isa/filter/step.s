; b9 STEP (specification, 3.1): an exit 0x0F after each instruction that retires; one that exits or traps is not stepped.
main:
    put vmr10, 3
    put vmr11, DATA
    run steps, 0, STEP
;= exit 0x0f pc=steps+4
;= VMR10 = 4
    retry
;= exit 0x0f pc=steps+6
;= VMR10 = 5
    retry                           ; the taken branch
;= exit 0x0f pc=target
    retry                           ; a store
;= exit 0x0f pc=target+4
;= mem64[DATA] = 5
    retry                           ; ECALL exits, and is not stepped
;= exit 0x07 at=call
    complete 0                      ; completed by Ring -1 it does not retire: the next one is stepped
;= exit 0x0f pc=breakpoint+4

    la t0, breakpoint2
    wrmsr vmpc, t0
    put vmring, 3
    retry                           ; a trap is not stepped, but the first instruction of the handler: that exits
;= trap 3 at=breakpoint2 tval=breakpoint2 from=3
    ; Off again.
    run steps, 0, 0
;= exit 0x07 at=call
    ; SRET is an instruction like another: the exit is from the ring that it went to.
    la t0, steps
    wrmsr sepc, t0
    put sstatus, 0x6000
    run sret_, 0, STEP
;= exit 0x0f pc=steps ring=3
    ; An interrupt is taken before an instruction; what is stepped is the handler's.
    put sstatus, 0x6002
    put sie, 2
    put sip, 2
    la t0, handler
    wrmsr stvec, t0
    run steps, 0, STEP
;= exit 0x0f pc=handler+4
;= SEPC = steps, SCAUSE = (1<<63)|1
    pass
steps:
    addi R10, R10, 1
    c.addi R10, 1
    j target
    vmexit
target:

    sd R10, 0(R11)
call:
    ecall
breakpoint:
    nop
breakpoint2:
    ebreak
sret_:
    sret
.balign 4
handler:
    nop
    vmexit
