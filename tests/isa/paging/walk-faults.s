; The first stage's tables are guest-physical (specification, 4.1): reading an entry needs R, and setting A or D in it needs W, in
; the second stage. Otherwise exit 0x09 with WALK and the entry's address in VMGPA; direction, size and register are those of the
; access that needed it. G_ROOT, G_TABLE1 and G_TABLE2 each have a page of their own in the second stage.
.equ PAGE, 0x40003000
.macro tables root, middle, last
    entry H_TABLE2, 0x130, G_ROOT, \root
    entry H_TABLE2, 0x131, G_TABLE1, \middle
    entry H_TABLE2, 0x132, G_TABLE2, \last
    TLBFLUSHV
.endm
.set index, 0
main:
    entry H_ROOT, 2, H_TABLE1, TABLE
    entry H_TABLE1, 0, H_TABLE2, TABLE
.rept 16
    entry H_TABLE2, index, 0x80000000+index*0x1000, RWX
.set index, index+1
.endr
    entry H_TABLE2, 0x140, DATA, RWX
    base hptbr, SV39, 1, H_ROOT
    entry G_ROOT, 2, 0x80000000, RWX
    entry G_ROOT, 1, G_TABLE1, TABLE
    entry G_TABLE1, 0, G_TABLE2, TABLE
    entry G_TABLE2, 3, DATA, 0x0f
    base gptbr, SV39, 0, G_ROOT
    put vmr11, PAGE+8
    put vmr12, 0x55

    ; A level unmapped: the exit of each access.
    tables RWX, 0, RWX
    go load
;= exit 0x09 at=load walk read signed size=4 reg=10 gva=PAGE+8 gpa=G_TABLE1
    go store
;= exit 0x09 at=store walk write size=8 value=0x55 gva=PAGE+8 gpa=G_TABLE1
    go amo
;= exit 0x09 at=amo walk write read size=8 reg=10 value=0x55 gva=PAGE+8 gpa=G_TABLE1
    go jump
;= exit 0x09 pc=PAGE+8 walk execute size=2 gva=PAGE+8 gpa=G_TABLE1
    tables RWX, RWX, 0
    go load
;= exit 0x09 at=load walk read signed size=4 reg=10 gva=PAGE+8 gpa=G_TABLE2+24
    ; The root: no instruction can be fetched at all.
    tables 0, RWX, RWX
    go load
;= exit 0x09 pc=load walk execute size=2 gva=load gpa=G_ROOT+16
    ; It may be mapped, and the guest goes on where it was.
    tables RWX, RWX, 0
    retry
;= exit 0x09 at=load walk read signed size=4 reg=10 gva=PAGE+8 gpa=G_TABLE2+24

    ; X or W alone is not R.
    tables RWX, XO, RWX
    go load
;= exit 0x09 at=load walk read signed size=4 reg=10 gva=PAGE+8 gpa=G_TABLE1
    ; R alone: reading works, setting A does not, and nothing is set on the way.
    tables RWX, RWX, RO
    go load
;= exit 0x09 at=load walk read signed size=4 reg=10 gva=PAGE+8 gpa=G_TABLE2+24
;= mem64[G_TABLE2+24] = (DATA>>2)|0x0f
    ; With A set already a load needs no update, a store still does, for D.
    entry G_TABLE2, 3, DATA, 0x4f
    go load
;= VMCAUSE = 0x0c
    go store
;= exit 0x09 at=store walk write size=8 value=0x55 gva=PAGE+8 gpa=G_TABLE2+24
;= mem64[G_TABLE2+24] = (DATA>>2)|0x4f, mem64[DATA+8] = 0
    entry G_TABLE2, 3, DATA, 0xcf
    go store
;= VMCAUSE = 0x0c, mem64[DATA+8] = 0x55
    ; The second stage's own A and D: reading a table sets A of its page, updating it D too.
    entry G_TABLE2, 3, DATA, 0x0f
    tables RWX, 0x0f, 0x0f
    go load
;= VMCAUSE = 0x0c
;= mem64[H_TABLE2+0x131*8] = (G_TABLE1>>2)|0x4f, mem64[H_TABLE2+0x132*8] = (G_TABLE2>>2)|0xcf
    ; A table in an IOVMAP trap range is an access fault of the guest: no instruction could be completed.
    poke DESCRIPTOR, 1
    poke DESCRIPTOR+8, G_TABLE2
    poke DESCRIPTOR+16, 0x1000
    li R10, DESCRIPTOR
    IOVMAP R10
    go load
;= trap 5 at=load tval=PAGE+8 from=0
    pass
load:
    lw R10, 0(R11)
    vmexit
store:
    sd R12, 0(R11)
    vmexit
amo:
    amoadd.d R10, R12, (R11)
    vmexit
jump:
    jr R11
