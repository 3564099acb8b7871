; IN and OUT in Ring 3 (specification, 3.2): with b1 exit 0x01, otherwise an illegal instruction; b0, b10 and b12 do not matter.
; The record holds the access (2.4): size, direction, port, value.
.macro wrong label, words
    run \label, 3, IO|PCI|VISA
;= trap 2 at=\label tval=inst from=3
;= same except SEPC SCAUSE STVAL SSTATUS VMPC VMRING VMC* VMV* VMQUAL VMINST
    run \label, 3, PRIV
;= exit 0x01 at=\label ring=3 \words
.endm
main:
    put vmr11, 0x1000
    put vmr12, 0xfedcba9876543210
    wrong in8, read reg=10 size=1 code=0x1001
    wrong in16, read reg=10 size=2 code=0x1001
    wrong in32, read reg=10 size=4 code=0x1001
    wrong out8, write size=1 code=0xcf8 value=0x10
    wrong out16, write size=2 code=0xcf8 value=0x3210
    wrong out32, write size=4 code=0xcf8 value=0x76543210
    ; A hypervisor may complete it.
    run in8, 3, PRIV
    put vmtrapcfg, PRIV
    complete 0x142
;= exit 0x01 at=in16 ring=3 read reg=10 size=2 code=0x1001
;= VMR10 = 0x42
    pass
in8:
;= mark
    IN R10, 1(R11)
in16:
;= mark
    INH R10, 1(R11)
in32:
;= mark
    INW R10, 1(R11)
out8:
;= mark
    OUT 0xCF8, R12
out16:
;= mark
    OUTH 0xCF8, R12
out32:
;= mark
    OUTW 0xCF8, R12
