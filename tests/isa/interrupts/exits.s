; b5 and b6 (specification, 3.1, 6.4): the guest's timer and its external interrupt line exit instead of interrupting it, as
; long as they are due; sip.STIP and the line read as zero. b6 is not for the virtual interrupt controller.
main:
    put sie, 0x222
    put sstatus, 0x6002
    put stimecmp, 0
    run loop, 0, TIMER
;= exit 0x05 pc=loop code=5
;= SIP = 0
    retry                           ; still due
;= exit 0x05 pc=loop code=5
    run loop, 3, TIMER
;= exit 0x05 pc=loop ring=3 code=5
    put stimecmp, -1
    run leave, 0, TIMER
;= exit 0x0c at=leave
    ; sie does not matter for the exit.
    put sie, 0
    put stimecmp, 0
    run loop, 0, TIMER
;= exit 0x05 pc=loop code=5
    ; It ends a wait.
    rdtime t1
    addi t1, t1, 1000
    wrmsr stimecmp, t1
    run wait, 0, TIMER
;= exit 0x05 pc=wait+4 code=5
    rdtime t2
    sub t2, t2, t1
;= R7 = 0

    ; The external line: the PLIC's context 1, UART interrupt 10.
    put stimecmp, -1
    li R11, 0x0c000028
    li R12, 1
    sw R12, 0(R11)
    li R11, 0x0c002080              ; enabled in context 1
    li R12, 1<<10
    sw R12, 0(R11)
    li R11, 0x10000001
    li R12, 2
    sb R12, 0(R11)
;= SIP = 0x200, HVIP = 0
    put sie, 0x222
    run loop, 0, 0
;= trap 9 interrupt at=loop from=0
    put sstatus, 0x6002
    run loop, 0, EXT
;= exit 0x06 pc=loop code=9
;= SIP = 0
    ; The virtual controller's go to the guest also then.
    li R11, 0x10000001
    sb R0, 0(R11)
    li R11, 0x0c201004              ; claim and complete: what was pending stays so until then
    lw R13, 0(R11)
    sw R13, 0(R11)
;= R13 = 10, SIP = 0
    put vicpend, 2
    put vicenab, 2
    put sstatus, 0x6002
    run loop, 0, EXT
;= trap 9 interrupt at=loop from=0
    ; Both: b5 before b6.
    li R11, 0x10000001
    sb R12, 0(R11)
    put stimecmp, 0
    put sstatus, 0x6002
    run loop, 0, TIMER|EXT
;= exit 0x05 pc=loop code=5
    put stimecmp, -1
    run loop, 0, TIMER|EXT
;= exit 0x06 pc=loop code=9
    pass
loop:
    addi R10, R10, 1
    j loop
wait:
    HLT
    vmexit
