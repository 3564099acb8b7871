; LR and SC (RISC-V unprivileged, A): SC stores only with the reservation of the last LR, at its address and size, and ends it;
; a world switch ends it. Atomics must be aligned.
main:
    poke DATA, 0x8877665544332211
    li R11, DATA
    li R12, 0x5555
    ; No reservation: fails, and stores nothing.
    sc.d R10, R12, (R11)
;= R10 = 1, mem64[DATA] = 0x8877665544332211
    lr.d R13, (R11)
    sc.d R10, R12, (R11)
;= R13 = 0x8877665544332211, R10 = 0, mem64[DATA] = 0x5555
    ; It is used up.
    sc.d R10, R13, (R11)
;= R10 = 1, mem64[DATA] = 0x5555
    ; Elsewhere: fails, and ends it.
    addi R14, R11, 8
    lr.d R13, (R11)
    sc.d R10, R12, (R14)
    sc.d R15, R12, (R11)
;= R10 = 1, R15 = 1, mem64[DATA+8] = 0
    ; Words are sign-extended.
    poke DATA, 0x80000001
    lr.w R13, (R11)
    sc.w R10, R12, (R11)
;= R13 = 0xffffffff80000001, R10 = 0, mem64[DATA] = 0x5555
    ; A world switch ends a reservation, each way.
    lr.d R13, (R11)
    run leave
    sc.d R10, R12, (R11)
;= R10 = 1
    put vmr11, DATA
    run reserve, 0, PAUSES
;= exit 0x14 at=reserve_pause
    complete 0
;= exit 0x0c at=reserve_end, VMR10 = 1
    ; Aligned to their size: LR raises load, SC and AMO store address misaligned, whatever the reservation.
    put vmr11, DATA+4
    run misaligned_lr
;= trap 4 at=misaligned_lr tval=DATA+4 from=0
    run misaligned_sc
;= trap 6 at=misaligned_sc tval=DATA+4 from=0
    run misaligned_amo
;= trap 6 at=misaligned_amo tval=DATA+4 from=0
    put vmr11, DATA+2
    run misaligned_word
;= trap 6 at=misaligned_word tval=DATA+2 from=0
    pass
reserve:
    lr.d R10, (R11)
reserve_pause:
    pause
    sc.d R10, R11, (R11)
reserve_end:
    vmexit
misaligned_lr:
    lr.d R10, (R11)
misaligned_sc:
    sc.d R10, R11, (R11)
misaligned_amo:
    amoswap.d R10, R11, (R11)
misaligned_word:
    amomaxu.w R10, R11, (R11)
