; The IOVMAP ranges in force are those of the current VMCS (specification, 5.3), also where two have one VMID, the same tables
; and the same CR3: what one has cached without a range serves no other that has one, and the reverse. Nothing is flushed.
;! ram 8M
.equ PAGE, 0x40003000
.macro both from, to
    li t0, VMCS
    VMLOAD t0
    put vmr11, \from
    go load
    rdmsr R10, vmr10
    li t0, VMCS2
    VMLOAD t0
    put vmr11, \from
    go load
.endm
.macro range page, kind, at, target
    poke \page+0xc00, \kind
    poke \page+0xc08, \at
    poke \page+0xc10, 0x1000
    poke \page+0xc18, \target
.endm
.macro tables page, hptbr, cr3
    poke \page+0x18, \hptbr
    poke \page+0x170, \cr3
.endm
main:
    nested39 5
    entry H_ROOT, 1, H_TABLE1, TABLE
    entry H_TABLE1, 0, H_TABLE2, TABLE
    entry H_TABLE2, 3, DATA, RWX
    entry G_ROOT, 2, 0x80000000, RWX
    entry G_ROOT, 1, G_TABLE1, TABLE
    entry G_TABLE1, 0, G_TABLE2, TABLE
    entry G_TABLE2, 3, PAGE, RWX
    poke DATA, 0x1111
    poke DATA+0x1000, 0x2222
    ; Trapped in the second VMCS alone, nested, twice each.
    tables VMCS, (8<<60)|(5<<44)|(H_ROOT>>12), 0
    tables VMCS2, (8<<60)|(5<<44)|(H_ROOT>>12), 0
    range VMCS2, 1, PAGE, 0x77
.rept 2
    both PAGE
;= R10 = 0x1111
;= exit 0x0b at=load read size=8 reg=10 gva=PAGE gpa=PAGE cookie=0x77
.endr
    ; With the first stage too.
    tables VMCS, (8<<60)|(5<<44)|(H_ROOT>>12), (8<<60)|(G_ROOT>>12)
    tables VMCS2, (8<<60)|(5<<44)|(H_ROOT>>12), (8<<60)|(G_ROOT>>12)
.rept 2
    both PAGE
;= R10 = 0x1111
;= exit 0x0b at=load read size=8 reg=10 gva=PAGE gpa=PAGE cookie=0x77
.endr
    ; Passed through to elsewhere.
    range VMCS2, 4, PAGE, DATA+0x1000
.rept 2
    both PAGE
;= R10 = 0x1111, VMCAUSE = 0x0c, VMR10 = 0x2222
.endr
    ; Both passed through, to different places.
    range VMCS, 4, PAGE, DATA
    poke DATA, 0x3333
.rept 2
    both PAGE
;= R10 = 0x3333, VMCAUSE = 0x0c, VMR10 = 0x2222
.endr
    ; Nothing translated, and the first stage alone.
    range VMCS, 0, 0, 0
    range VMCS2, 1, DATA, 0x78
    tables VMCS, 5<<44, 0
    tables VMCS2, 5<<44, 0
.rept 2
    both DATA
;= R10 = 0x3333
;= exit 0x0b at=load read size=8 reg=10 gva=DATA gpa=DATA cookie=0x78
.endr
    tables VMCS, 5<<44, (8<<60)|(G_ROOT>>12)
    tables VMCS2, 5<<44, (8<<60)|(G_ROOT>>12)
.rept 2
    both DATA
;= R10 = 0x3333
;= exit 0x0b at=load read size=8 reg=10 gva=DATA gpa=DATA cookie=0x78
.endr
    ; A VM of its own with the ranges of the second in between: they are no reason to keep what the first has.
    make_vmcs 0x80150000
    range 0x80150000, 1, DATA, 0x78
    poke 0x80150000+0x18, 6<<44
    li t0, VMCS
    VMLOAD t0
    put vmr11, DATA
    go load
;= VMCAUSE = 0x0c, VMR10 = 0x3333
    li t0, 0x80150000
    VMLOAD t0
    li t0, VMCS2
    VMLOAD t0
    put vmr11, DATA
    go load
;= exit 0x0b at=load read size=8 reg=10 gva=DATA gpa=DATA cookie=0x78
    pass
load:
    ld R10, 0(R11)
    vmexit
