; WFI in Ring -1 (specification, 2.7): waits until an interrupt is pending and enabled in HVIE, or one of the guest's is pending
; in sip and enabled in sie, whatever HVSTATUS.HIE and sstatus.SIE are.
main:
    put hvie, 0x80
    rdtime t1
    addi t1, t1, 2000
    wrmsr hvtimecmp, t1
    wfi
    rdtime t2
    sub t2, t2, t1
;= R7 = 0, HVCAUSE = 0
    ; On behalf of the guest.
    put hvie, 0
    addi t1, t1, 2000
    wrmsr stimecmp, t1
    put sie, 0x20
    wfi
    rdtime t2
    sub t2, t2, t1
;= R7 = 0
    put stimecmp, -1
    put sie, 2
    put sip, 2
    rdtime t1
    wfi
    rdtime t2
    sub t2, t2, t1
;= R7 = 0
    pass
