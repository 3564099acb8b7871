; The guest's time wraps, and its timer goes by what it is then (specification, 6.2): pending while the time is at or above stimecmp,
; also where that is all ones.
;! limit 2000000
.macro until_tick number
    put hvie, 0x80
    put hvtimecmp, \number
    wfi
    put hvtimecmp, -1
    put hvie, 0
.endm
main:
    ; All ones is a time.
    until_tick 1000
    put timeoff, -1001
    put stimecmp, -1
    run look
;= VMR11 = -1, VMR10 = 0x20
    ; One below is, too, and at all ones that is still pending.
    put stimecmp, -2
    run look
;= VMR11 = -1, VMR10 = 0x20
    ; The next tick is 0.
    until_tick 1001
    run look
;= VMR11 = 0, VMR10 = 0
    ; A tick is 2^31 of the guest's: at 2^33 ticks its time is 0 again, and 5 ticks later the timer ends a halt. Ring -1's is later.
    put timeoff, 0
    until_tick 1<<33
    put timescale, 1<<63
    put stimecmp, 5<<31
    put sie, 0x20
    run look
;= VMR11 = 0, VMR10 = 0
    put hvie, 0x80
    put hvtimecmp, (1<<33)+1000
    run halt
;= VMCAUSE = 0x0c, VMR11 = 5<<31
    ; Or interrupts a loop.
    put stimecmp, 20<<31
    put sstatus, 0x6002
    run loop
;= trap 5 interrupt from=0
    ; A tick is 3 * 2^30 now, and the time is not below stimecmp for 2^30: of three rounds two step over that. 2^34 + (2^34-1)/3 is
    ; the first tick that does not.
    put sstatus, 0x6000
    put hvtimecmp, -1
    put timescale, (1<<63)|(1<<62)
    put stimecmp, -(1<<30)
    run halt
;= VMCAUSE = 0x0c, VMR11 = -(1<<30)
    pass
look:
    rdmsr R10, sip
    rdtime R11
    vmexit
halt:
    HLT
    rdtime R11
    vmexit
loop:
    addi R5, R5, 1
    j loop
