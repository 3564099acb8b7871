; Several loads, or stores, off one register in a hot loop where an engine may look at the TLB once for all of them. In the last round
; they fault. That is one miss, of the access that is executed first, whether that has the lowest address or not.
;! limit 300000
.equ PAGE, 0x40000000
.equ NEXT, PAGE+0x1000
.equ ROUNDS, 200
; The second time all is known but the page that is missing.
.macro rounds label
    put vmr11, PAGE+0x100
    go \label
    put vmr11, PAGE+0x100
;= mark
    go \label
.endm
main:
    entry G_ROOT, 1, G_TABLE1, TABLE
    entry G_TABLE1, 0, G_TABLE2, TABLE
    entry G_TABLE2, 0, DATA, RW
    kernel39 5
    rounds loads
;= VMCAUSE = 0x0c, VMCOUNT_TLBMISS += 1, SCAUSE = 13, STVAL = NEXT+0x118
    rounds stores
;= VMCAUSE = 0x0c, VMCOUNT_TLBMISS += 1, SCAUSE = 15, STVAL = NEXT+0x118
    ; The same in the second stage.
    entry H_ROOT, 1, H_TABLE1, TABLE
    entry H_TABLE1, 0, H_TABLE2, TABLE
    entry H_TABLE2, 0, DATA, RW
    base gptbr, 0, 0, 0
    nested39
    TLBFLUSHV
    rounds loads
;= VMCAUSE = 0x09, VMCOUNT_TLBMISS += 1, VMGVA = NEXT+0x118, VMGPA = NEXT+0x118
    rounds stores
;= VMCAUSE = 0x09, VMCOUNT_TLBMISS += 1, VMGVA = NEXT+0x118, VMGPA = NEXT+0x118
    pass

; The loops call a function, so that engines that optimise such loops as a whole do.
.balign 4
.macro loop access
    li R13, ROUNDS
1:  \access R15, 24(R11)
    \access R16, 8(R11)
    \access R17, 16(R11)
    call next
    bnez R11, 1b
.endm
loads:
    loop ld
stores:
    loop sd
next:
    addi R13, R13, -1
    seqz R14, R13
    slli R14, R14, 12
    add R11, R11, R14
    ret
