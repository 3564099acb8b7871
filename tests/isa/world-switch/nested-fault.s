; Exits for guest-physical addresses that the second stage does not map for the access (specification, 4.1): VMGPA, VMGVA and
; the decoded access; *retry* after Ring -1 has mapped it; *complete* in its place.
main:
    entry H_ROOT, 2, 0x80000000, RX         ; RAM, but not writable
    base hptbr, SV39, 1, H_ROOT
    put vmr11, 0x40000000                   ; not mapped
    put vmr12, 0x1122334455667788
    put vmf10, 0
    run load
;= exit 0x09 at=load read signed size=2 reg=10 gva=0x40000004 gpa=0x40000004
;= same except VMC* VMQUAL VMINST VMG*
    complete 0x8888
;= exit 0x09 at=store write size=1 value=0x88 gva=0x40000005 gpa=0x40000005
;= VMR10 = -0x7778
    complete 0
;= exit 0x09 at=single read float size=4 reg=10 gva=0x40000008 gpa=0x40000008
    complete 0x3f800000
;= exit 0x09 at=atomic write read signed size=4 reg=13 value=0x55667788 gva=0x40000000 gpa=0x40000000
;= VMF10 = 0xffffffff3f800000
    complete 3
;= exit 0x09 at=compressed read size=8 reg=14 gva=0x40000000 gpa=0x40000000
;= VMR13 = 3
    complete 4
;= exit 0x0c at=compressed+2, VMR14 = 4, VMCOUNT_EMU = 5

    ; A fetch: the record has no instruction, for there is none (length 0): it cannot be completed.
    run jump
;= exit 0x09 pc=0x40000000 execute size=2 gva=0x40000000 gpa=0x40000000
    put vmaction, 1
;= mark
    vmresume
;= refused 0x058
    put vmaction, 0
    ; Mapped without X, it faults again; with X the guest goes on. Its code is DATA there.
    entry H_ROOT, 1, 0x80000000, RW
    TLBFLUSHV
    vmresume
;= exit 0x09 pc=0x40000000 execute size=2 gva=0x40000000 gpa=0x40000000

    ; A store where W is missing; retry after W is there.
    put vmr11, DATA
    run store
;= exit 0x09 at=store write size=1 value=0x88 gva=DATA+5 gpa=DATA+5
    entry H_ROOT, 2, 0x80000000, RWX
    retry
;= VMCAUSE = 0x0c, mem8[DATA + 5] = 0x88
    ; A load where R is missing, for the guest's code has X alone.
    entry H_ROOT, 2, 0x80000000, XO
    TLBFLUSHV
    run load
;= exit 0x09 at=load read signed size=2 reg=10 gva=DATA+4 gpa=DATA+4
    entry H_ROOT, 2, 0x80000000, RWX
    retry
;= VMCAUSE = 0x0c, VMR10 = 0xffffffffffff8800

    ; Above the 39 bits of the mode nothing is mapped, not even what has the same low bits: no sign extension.
    put vmr11, (1<<39)|DATA
    run load
;= exit 0x09 at=load read signed size=2 reg=10 gva=(1<<39)+DATA+4 gpa=(1<<39)+DATA+4
    put vmr11, -0x80000000
    run load
;= exit 0x09 at=load read signed size=2 reg=10 gva=0xffffffff80000004 gpa=0xffffffff80000004

    ; Over the end of a page: the address at fault is the second page's first byte. Size, direction, value are the access's.
    entry H_ROOT, 2, H_TABLE1, TABLE
    entry H_TABLE1, 0, H_TABLE2, TABLE
    entry H_TABLE2, 0, 0x80000000, RWX
    entry H_TABLE2, 1, 0x80001000, RWX
    entry H_TABLE2, 0x140, DATA, RWX
    TLBFLUSHV
    poke DATA+0xff8, 0x0807060504030201
    put vmr11, DATA+0xffa
    run store_double
;= exit 0x09 at=store_double write size=8 value=0x1122334455667788 gva=DATA+0x1000 gpa=DATA+0x1000
;= mem64[DATA + 0xff8] = 0x0807060504030201
    run load_double
;= exit 0x09 at=load_double read size=8 reg=10 gva=DATA+0x1000 gpa=DATA+0x1000
    entry H_TABLE2, 0x141, DATA+0x4000, RWX ; not the next physical page
    retry
;= VMCAUSE = 0x0c, VMR10 = 0x0000080706050403
    run store_double
;= VMCAUSE = 0x0c, mem64[DATA + 0xff8] = 0x3344556677880201, mem16[DATA + 0x4000] = 0x1122, mem64[DATA + 0x1000] = 0
    ; The first page missing: its address.
    put vmr11, DATA-4
    run load_double
;= exit 0x09 at=load_double read size=8 reg=10 gva=DATA-4 gpa=DATA-4
    pass
load:
;= mark
    lh R10, 4(R11)
store:
    sb R12, 5(R11)
single:
    flw F10, 8(R11)
atomic:
    amoadd.w R13, R12, (R11)
compressed:
    c.ld R14, 0(R11)
    vmexit
jump:
    jr R11
load_double:
    ld R10, 0(R11)
    vmexit
store_double:
    sd R12, 0(R11)
    vmexit
