; b4 (specification, 3.1): page faults of the guest's own tables exit with 0x04 from either ring, VMCODE 12, 13 or 15, VMGVA;
; otherwise they stay in the guest. The guest's kernel has gigabyte 2 for itself, its user gigabyte 4 (the same RAM).
.equ USER, 0x100000000
.macro faults label, ring, number, words
    go \label, \ring
;= trap \number at=\label tval=0x40000008 from=\ring
    put vmtrapcfg, PF
    go \label, \ring
;= exit 0x04 at=\label ring=\ring gva=0x40000008 code=\number \words
    put vmtrapcfg, 0
.endm
.macro user_faults label, number, words
    la t0, \label
    li t1, USER-0x80000000
    add t0, t0, t1
    wrmsr vmpc, t0
    put vmring, 3
    vmresume
;= trap \number pc=\label+USER-0x80000000 tval=0x40000008 from=3
    put vmtrapcfg, PF
    la t0, \label
    li t1, USER-0x80000000
    add t0, t0, t1
    wrmsr vmpc, t0
    put vmring, 3
    vmresume
;= exit 0x04 pc=\label+USER-0x80000000 ring=3 gva=0x40000008 code=\number \words
    put vmtrapcfg, 0
.endm
main:
    entry G_ROOT, 2, 0x80000000, RWX
    entry G_ROOT, 4, 0x80000000, URWX
    base gptbr, SV39, 0, G_ROOT
    put vmr11, 0x40000008
    put vmr12, 0x1122334455667788
    faults load, 0, 13, read size=8 reg=10
    faults store, 0, 15, write size=2 value=0x7788
    faults atomic, 0, 15, write read size=8 reg=10 value=0x1122334455667788
    faults reserve, 0, 13, read signed size=4 reg=10
    faults float_load, 0, 13, read float size=4 reg=10
    user_faults load, 13, read size=8 reg=10 len=4 inst=mem32[load]
    user_faults store, 15, write size=2 value=0x7788 len=4 inst=mem32[store]
    ; A fetch: the record has no instruction.
    run jump
;= trap 12 pc=0x40000008 tval=0x40000008 from=0
    run jump, 0, PF
;= exit 0x04 pc=0x40000008 execute size=2 gva=0x40000008 code=12
    ; Ring 0 in a page of Ring 3, and the other way round.
    put vmr11, USER
    run load, 0, PF
;= exit 0x04 at=load gva=USER code=13 read size=8 reg=10
    put vmr11, 0x80000000
    put vmpc, 0x80000000
    put vmring, 3
    vmresume
;= exit 0x04 pc=0x80000000 ring=3 execute size=2 gva=0x80000000 code=12
    ; Ring -1 may do the access itself and complete it.
    put vmr11, 0x40000008
    run load, 0, PF
    complete 0x55
;= exit 0x04 at=store gva=0x40000008 code=15 write size=2 value=0x7788
;= VMR10 = 0x55
    ; A fault of the second stage is none of these.
    put vmtrapcfg, PF
    entry H_ROOT, 2, 0x80000000, RWX
    base hptbr, SV39, 1, H_ROOT
    entry G_ROOT, 1, 0x40000000, RWX
    go load
;= exit 0x09 at=load gva=0x40000008 gpa=0x40000008 read size=8 reg=10
    pass
load:
    ld R10, 0(R11)
store:
    sh R12, 0(R11)
atomic:
    amoswap.d R10, R12, (R11)
reserve:
    lr.w R10, (R11)
float_load:
    flw F10, 0(R11)
jump:
    jr R11
