; Loads and stores need no alignment (specification leaves it to the base, which lets an implementation do them): in a page and
; over its end, also where the pages are not neighbours; a fault in the second page has that page's address as stval, and
; nothing is stored.
.equ PAGE, 0x40000000
main:
    poke DATA, 0x0807060504030201
    poke DATA+8, 0x100f0e0d0c0b0a09
    li R11, DATA
    lh R10, 1(R11)
;= R10 = 0x0302
    lw R10, 3(R11)
;= R10 = 0x07060504
    ld R10, 5(R11)
;= R10 = 0x0d0c0b0a09080706
    li R12, 0xfffefdfcfbfaf9f8
    sd R12, 3(R11)
;= mem64[DATA] = 0xfcfbfaf9f8030201, mem64[DATA+8] = 0x100f0e0d0cfffefd
    sh R12, 7(R11)
;= mem64[DATA] = 0xf8fbfaf9f8030201, mem64[DATA+8] = 0x100f0e0d0cfffef9
    fld F10, 1(R11)
;= F10 = 0xf9f8fbfaf9f80302
    ; Over a page's end in Ring -1.
    li R11, DATA+0xffd
    li R12, 0x8877665544332211
    sd R12, 0(R11)
    lw R10, 0(R11)
    ld R13, 0(R11)
    lhu R14, 2(R11)
;= R10 = 0x44332211, R13 = 0x8877665544332211, R14 = 0x4433, mem8[DATA+0xfff] = 0x33, mem8[DATA+0x1000] = 0x44

    ; In a guest, pages that are not neighbours; each access size; then the second page read-only and absent.
    entry G_ROOT, 2, 0x80000000, RWX
    entry G_ROOT, 1, G_TABLE1, TABLE
    entry G_TABLE1, 0, G_TABLE2, TABLE
    entry G_TABLE2, 0, DATA, RW
    entry G_TABLE2, 1, DATA+0x4000, RW
    base gptbr, SV39, 0, G_ROOT
    put vmr11, PAGE+0xfff
    put vmr12, 0x1122334455667788
    run store
;= VMCAUSE = 0x0c, mem8[DATA+0xfff] = 0x88, mem32[DATA+0x4000] = 0x44556677, mem64[DATA+0x4000] = 0x0011223344556677
    run load
;= VMCAUSE = 0x0c, VMR10 = 0x1122334455667788
    poke DATA+0xff8, 0
    entry G_TABLE2, 1, DATA+0x4000, RO
    TLBFLUSHV
    run store
;= trap 15 at=store tval=PAGE+0x1000 from=0
;= mem64[DATA+0xff8] = 0
    entry G_TABLE2, 1, 0, 0
    TLBFLUSHV
    run load
;= trap 13 at=load tval=PAGE+0x1000 from=0
    ; Both absent: the first.
    entry G_TABLE2, 0, 0, 0
    TLBFLUSHV
    run load
;= trap 13 at=load tval=PAGE+0xfff from=0
    ; The end of the address space: the access wraps around to address 0.
    put gptbr, 0
    put vmr11, -1
    run load
;= trap 5 at=load tval=-1 from=0
    pass
load:
    ld R10, 0(R11)
    vmexit
store:
    sd R12, 0(R11)
    vmexit
