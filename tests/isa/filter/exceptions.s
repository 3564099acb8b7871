; EXCMAP (specification, 3.4): bit n makes exception n of the guest exit with 0x12: VMCODE the number, VMGVA what stval would
; get, and the instruction as for other exits. With the bit clear it goes to Ring 0.
.macro exits_by number, label, ring, tval, words
    put excmap, 0
    go \label, \ring
;= trap \number at=\label tval=\tval from=\ring
    put excmap, 0x1ff&~(1<<(\number))       ; the others do not matter
    go \label, \ring
;= trap \number at=\label tval=\tval from=\ring
    put excmap, 1<<(\number)
    go \label, \ring
;= exit 0x12 at=\label ring=\ring code=\number gva=\tval \words
;= same except VMC* VMV* VMG* VMQUAL VMINST VMRESULT
.endm
main:
    put vmr11, DATA+2
    put vmr12, 0x8877665544332211
    put vmr13, 0x40000000
    ; 2: illegal instructions, with the bits as stval. FADD in R5's reserved rounding mode; the all-zero half; FP off.
    exits_by 2, reserved, 0, 0x00b55553
    exits_by 2, reserved, 3, 0x00b55553
    exits_by 2, zero_half, 0, 0
    put sstatus, 0
    exits_by 2, float_off, 0, 0x00b57553, read float reg=10
    put sstatus, 0x6000
    exits_by 2, ring3_only, 3, 0x10500073
    ; 3: EBREAK, with its address.
    exits_by 3, breakpoint, 0, breakpoint
    exits_by 3, breakpoint, 3, breakpoint
    exits_by 3, short_breakpoint, 0, short_breakpoint
    ; 4, 6: misaligned LR, and SC and AMO.
    exits_by 4, misaligned_lr, 0, DATA+2, read signed size=4 reg=10
    exits_by 6, misaligned_sc, 0, DATA+2, read signed size=4 reg=10 value=0x44332211
    exits_by 6, misaligned_amo, 3, DATA+2, read size=8 reg=10 value=0x8877665544332211
    ; 5, 7: where there is neither RAM nor device.
    exits_by 5, no_load, 0, 0x40000000, read signed size=4 reg=10
    exits_by 7, no_store, 0, 0x40000004, value=0x8877665544332211
    ; 8: ECALL in Ring 3. In Ring 0 it always exits with 0x07.
    exits_by 8, call, 3, 0
    put excmap, 1<<8
    go call, 0
;= exit 0x07 at=call
    ; 1: a fetch, which has no instruction.
    put excmap, 0
    go jump, 0
;= trap 1 pc=0x40000000 tval=0x40000000 from=0
    put excmap, 2
    go jump, 0
;= exit 0x12 pc=0x40000000 code=1 gva=0x40000000
    ; Complete steps past, and gives the register its value.
    put excmap, 1<<4
    go misaligned_lr, 0
    complete 0x80000000
;= VMR10 = 0xffffffff80000000, VMPC = guest_trap, SCAUSE = 6, SEPC = misaligned_sc
    put excmap, 4
    go zero_half, 0
    complete 0
;= trap 3 at=short_breakpoint tval=short_breakpoint from=0
    pass
reserved:
;= mark
    .word 0x00b55553
float_off:
;= mark
    fadd.s F10, F10, F11
ring3_only:
;= mark
    wfi
zero_half:
;= mark
    .half 0
short_breakpoint:
;= mark
    c.ebreak
breakpoint:
;= mark
    ebreak
misaligned_lr:
;= mark
    lr.w R10, (R11)
misaligned_sc:
;= mark
    sc.w R10, R12, (R11)
misaligned_amo:
;= mark
    amoadd.d R10, R12, (R11)
no_load:
;= mark
    lw R10, 0(R13)
no_store:
;= mark
    sd R12, 4(R13)
call:
;= mark
    ecall
jump:
    jr R13
