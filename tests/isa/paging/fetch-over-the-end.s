; An instruction over the end of a page. Each page that is not known is a miss; a page that faults misses each time.
.equ PAGE, 0x40000000
main:
    entry G_ROOT, 1, G_TABLE1, TABLE
    entry G_TABLE1, 0, G_TABLE2, TABLE
    entry G_TABLE2, 0, DATA, RX
    kernel39 5
    li t1, 0x00158593           ; addi R11, R11, 1
    li t2, DATA+0xffe
    sh t1, (t2)
    srli t1, t1, 16
    sh t1, 2(t2)
    put vmr11, 7
;= mark
    put vmpc, PAGE+0xffe
    put vmring, 0
    vmresume
; The first half is found; the second faults: at its address. The handler's page is a third miss.
;= VMCAUSE = 0x0c, VMCOUNT_TLBMISS += 3, SCAUSE = 12, STVAL = PAGE+0x1000, SEPC = PAGE+0xffe, VMR11 = 7
;= mark
    put vmpc, PAGE+0xffe
    put vmring, 0
    vmresume
;= VMCAUSE = 0x0c, VMCOUNT_TLBMISS += 1, SCAUSE = 12, STVAL = PAGE+0x1000, SEPC = PAGE+0xffe, VMR11 = 7
    pass
