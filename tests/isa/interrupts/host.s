; Ring -1's interrupts (specification, 1.4): software 3, timer 7, external 11 in HVIE and HVIP. In Ring -1 one is taken when
; HVSTATUS.HIE is set; in a guest it causes an exit whatever HIE is, with HOST. Order: external, software, timer.
main:
    la t0, handler
    wrmsr hvvec, t0
    ; The timer is pending while time >= HVTIMECMP. HVIP's software bit alone can be cleared, and not set.
    put hvip, -1
;= HVIP = 0
    put hvtimecmp, 0
;= HVIP = 0x80
    put hvip, 0
;= HVIP = 0x80
    put hvie, -1
;= HVIE = 0x888
    ; With HIE clear nothing is taken; WFI goes on at once.
    wfi
    ; With HIE set: HVEPC the next instruction, HVCAUSE, HVTVAL 0, HIE to HPIE, HIE clear.
    put hvtval, 77
    put hvstatus, 8
taken:
    nop
;= R20 = 0x8000000000000007, R21 = taken, R22 = 0, R23 = 0x80
;= HVSTATUS = 0x88
    ; (The handler has put HVTIMECMP to all ones, and HVRET set HIE to HPIE, and HPIE.)
;= HVIP = 0
    ; HVRET with HPIE clear leaves HIE clear.
    la t0, after
    wrmsr hvepc, t0
    put hvstatus, 8
    HVRET
after:
;= HVSTATUS = 0x80
    put hvvec, 0x80000007
;= HVVEC = 0x80000004
    put hvstatus, -1
;= HVSTATUS = 0x88
    put hvstatus, 0
    put hvepc, -1
;= HVEPC = -2
    la t0, skip_exception
    wrmsr hvvec, t0

    ; In a guest: an exit, before the next instruction, HIE clear. VMCODE 7; HOST; no instruction.
    put hvtimecmp, 0
    put hvie, 0x80
    run loop
;= exit 0x05 pc=loop host code=7
    run loop, 3
;= exit 0x05 pc=loop ring=3 host code=7
    ; Not enabled in HVIE: none.
    put hvie, 0x08
    run leave
;= exit 0x0c at=leave
    ; In the middle of a run, and out of a WFI: VMPC is the next instruction.
    put hvie, 0x80
    rdtime t1
    addi t1, t1, 10
    wrmsr hvtimecmp, t1
    put vmr10, 0
    run loop
;= VMCAUSE = 5, VMQUAL = 1<<14, VMCODE = 7
    rdtime t2
    sub t2, t2, t1
;= R7 = 0
    rdtime t1
    addi t1, t1, 1000
    wrmsr hvtimecmp, t1
    run wait
;= exit 0x05 pc=wait+4 host code=7
    ; The retry goes on after the wait.
    put hvtimecmp, -1
    retry
;= exit 0x0c at=wait+4

    ; Software: VINT_SEND to a hart's Ring -1. In the order of priority it comes before the timer.
    put hvtimecmp, 0
    li R10, 1<<63
    VINT_SEND R10
;= HVIP = 0x88
    put hvie, 0x888
    run loop
;= exit 0x16 pc=loop host code=3
    put hvip, 0
;= HVIP = 0x80
    run loop
;= exit 0x05 pc=loop host code=7
    ; External: the PLIC's context 0, by the UART's interrupt 10 (transmitter empty). It comes first.
    VINT_SEND R10
    li R11, 0x0c000028              ; priority of source 10
    li R12, 1
    sw R12, 0(R11)
    li R11, 0x0c002000              ; enabled in context 0
    li R12, 1<<10
    sw R12, 0(R11)
    li R11, 0x10000001              ; UART: interrupt when the transmitter is empty
    li R12, 2
    sb R12, 0(R11)
;= HVIP = 0x888
    run loop
;= exit 0x06 pc=loop host code=11
    ; Before the guest's own interrupts, and before b5.
    put sie, 0x222
    put sip, 2
    put sstatus, 0x6002
    put stimecmp, 0
    run loop, 0, TIMER
;= exit 0x06 pc=loop host code=11
    li R11, 0x10000001
    sb R0, 0(R11)
    li R11, 0x0c200004              ; claim and complete
    lw R13, 0(R11)
    sw R13, 0(R11)
    put hvip, 0
;= R13 = 10, HVIP = 0x80
    put hvie, 0
    run loop, 0, TIMER
;= exit 0x05 pc=loop code=5
    run loop, 0, 0
;= trap 1 interrupt at=loop from=0

    ; In Ring -1, by HIE: external, then software, then timer; the handler puts each down.
    la t0, handler
    wrmsr hvvec, t0
    put hvie, 0x888
    VINT_SEND R10
    put hvstatus, 8
    nop
    nop
;= R20 = 0x8000000000000007
;= R24 = 3, HVIP = 0
    pass
loop:
    addi R10, R10, 1
    j loop
wait:
    HLT
    vmexit
.balign 4
handler:
    rdmsr R20, hvcause
    rdmsr R21, hvepc
    rdmsr R22, hvtval
    rdmsr R23, hvstatus
    andi t0, R20, 15
    li t1, 7
    beq t0, t1, 1f
    mv R24, t0                      ; the last that was not the timer
    wrmsr hvip, zero
    hvret
1:  li t0, -1
    wrmsr hvtimecmp, t0
    hvret
