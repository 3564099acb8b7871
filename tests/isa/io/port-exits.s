; VMTRAPCFG b0 (specification, 3.1): IN and OUT in Ring 0 exit with 0x02; VMCODE is the port, VMVALUE what OUT writes, cut to
; its size (2.4). Complete gives the register the value, cut to the size and zero-extended, and counts (2.5).
;! exits io-access=8 vmexit-instruction=8
.macro in_exits label, size, value
    run \label, 0, IO
;= exit 0x02 at=\label read reg=10 size=\size code=0x1000, same except VMCAUSE VMQUAL VMINST VMCODE VMCOUNT_EXIT
    complete 0x1122334455667788
;= exit 0x0c at=\label+4, VMR10 = \value, VMCOUNT_EMU += 1
.endm
.macro out_exits label, size, value
    run \label, 0, IO
;= exit 0x02 at=\label write size=\size code=0x1123 value=\value
;= same except VMCAUSE VMQUAL VMINST VMCODE VMVALUE VMCOUNT_EXIT
    complete 0x1122334455667788
;= exit 0x0c at=\label+4, VMR10 = -1, VMR0 = 0, VMCOUNT_EMU += 1
.endm
main:
    put vmr10, -1
    put vmr11, 0xdead1000
    put vmr12, 0xfedcba9876543210
    in_exits in8, 1, 0x88
    in_exits in16, 2, 0x7788
    in_exits in32, 4, 0x55667788
    in_exits in_plain, 1, 0x88
    ; Into R0: nothing.
    run in_zero, 0, IO
;= exit 0x02 at=in_zero read reg=0 size=4 code=0x1000
    complete 0x99
;= exit 0x0c at=in_zero+4
;= VMR0 = 0
    put vmr10, -1
    out_exits out8, 1, 0x10
    out_exits out16, 2, 0x3210
    out_exits out32, 4, 0x76543210
    pass
in8:
;= mark
    INB R10, 0(R11)
    vmexit
in16:
;= mark
    INH R10, 0(R11)
    vmexit
in32:
;= mark
    INW R10, 0(R11)
    vmexit
in_plain:
;= mark
    IN R10, R11
    vmexit
in_zero:
    INW R0, 0(R11)
    vmexit
out8:
;= mark
    OUT 0x123(R11), R12
    vmexit
out16:
;= mark
    OUTH 0x123(R11), R12
    vmexit
out32:
;= mark
    OUTW 0x123(R11), R12
    vmexit
