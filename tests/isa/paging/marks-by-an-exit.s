; A and D of the first stage's entry are set for an access that the first stage allows, also if the second stage refuses it then, or its other
; page; memory and the second stage's D are as they were (specification, 2.3). An access that the first stage refuses marks nothing.
;! ram 4M
.equ ONE_, 0x40003000
.equ TWO, 0x40004000
main:
    nested39 1
    entry H_ROOT, 1, H_TABLE1, TABLE
    entry H_TABLE1, 0, H_TABLE2, TABLE
    entry H_TABLE2, 3, DATA, RO
    entry H_TABLE2, 4, DATA+0x1000, RO
    entry G_ROOT, 2, 0x80000000, RWX
    entry G_ROOT, 1, G_TABLE1, TABLE
    entry G_TABLE1, 0, G_TABLE2, TABLE
    entry G_TABLE2, 3, ONE_, 0x0f           ; neither A nor D
    entry G_TABLE2, 4, TWO, 0x0f
    base gptbr, SV39, 0, G_ROOT
    put vmr12, -1
    put vmr11, ONE_+8
    go load
;= VMCAUSE = 0x0c, mem64[G_TABLE2+24] = (ONE_>>2)|0x4f
    entry G_TABLE2, 3, ONE_, 0x0f
    TLBFLUSHV
    go store
;= exit 0x09 at=store write size=8 value=-1 gva=ONE_+8 gpa=ONE_+8
;= mem64[G_TABLE2+24] = (ONE_>>2)|0xcf, mem64[DATA+8] = 0
    entry G_TABLE2, 3, ONE_, 0x0f
    TLBFLUSHV
    go atomic
;= exit 0x09 at=atomic read write size=8 reg=10 value=-1 gva=ONE_+8 gpa=ONE_+8
;= mem64[G_TABLE2+24] = (ONE_>>2)|0xcf, mem64[DATA+8] = 0
    ; Not to be written by the first stage: nothing is marked.
    entry G_TABLE2, 3, ONE_, 0x0b
    TLBFLUSHV
    go store
;= trap 15 at=store tval=ONE_+8 from=0
;= mem64[G_TABLE2+24] = (ONE_>>2)|0x0b
    ; Over the end: the first page could be written, the second not, by the second stage or by the first. The record has the first
    ; byte that cannot, and the size of the whole access; what could be written was not.
    entry G_TABLE2, 3, ONE_, 0x0f
    entry H_TABLE2, 3, DATA, 0x47           ; without D
    TLBFLUSHV
    put vmr11, TWO-3
    go store
;= exit 0x09 at=store write size=8 value=-1 gva=TWO gpa=TWO
;= mem64[G_TABLE2+24] = (ONE_>>2)|0xcf, mem64[G_TABLE2+32] = (TWO>>2)|0xcf, mem64[DATA+0xff8] = 0
    entry G_TABLE2, 4, TWO, 0x0b            ; not to be written
    TLBFLUSHV
    go store
;= trap 15 at=store tval=TWO from=0
;= mem64[G_TABLE2+32] = (TWO>>2)|0x0b, mem64[DATA+0xff8] = 0
    ; And when both may be, all is marked and written.
    entry G_TABLE2, 4, TWO, 0x0f
    entry H_TABLE2, 4, DATA+0x1000, 0x07
    TLBFLUSHV
    go store
;= VMCAUSE = 0x0c, mem64[G_TABLE2+24] = (ONE_>>2)|0xcf, mem64[G_TABLE2+32] = (TWO>>2)|0xcf
;= mem64[H_TABLE2+24] = (DATA>>2)|0xc7, mem64[H_TABLE2+32] = ((DATA+0x1000)>>2)|0xc7, mem64[DATA+0xffd] = -1
    pass
load:
    ld R10, (R11)
    vmexit
store:
    sd R12, (R11)
    vmexit
atomic:
    amoadd.d R10, R12, (R11)
    vmexit
