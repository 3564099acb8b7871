; Large pages of the second stage that lie side by side, and their neighbours that are not like them (specification, 4.1 and
; 4.2): whatever walks remember, each page is mapped as its own entry says.
;! ram 32M
.equ GUEST, 0x100000000
.equ SHIFT, 0x80000000          ; from physical to guest-physical, where the pages follow one another
.macro reads address, value
    put vmr11, \address
    go load
;= VMCAUSE = 0x0c, VMR10 = \value
.endm
.macro misses address
    put vmr11, \address
    go load
;= exit 0x09 at=load read size=8 reg=10 gva=\address gpa=\address+SHIFT
.endm
main:
    ; Pages 0 to 3 and 5 in a row; 4 missing; 6 read-only; 7 elsewhere; 8 in the row again; 9 to 11 not dirty.
    entry H_ROOT, 4, H_TABLE1, TABLE
    entry H_TABLE1, 0, 0x80000000, RWX
    entry H_TABLE1, 1, 0x80200000, RWX
    entry H_TABLE1, 2, 0x80400000, RWX
    entry H_TABLE1, 3, 0x80600000, RWX
    entry H_TABLE1, 5, 0x80a00000, RWX
    entry H_TABLE1, 6, 0x80c00000, RO
    entry H_TABLE1, 7, 0x80200000, RWX
    entry H_TABLE1, 8, 0x81000000, RWX
    entry H_TABLE1, 9, 0x81200000, 0x4f
    entry H_TABLE1, 10, 0x81400000, 0x4f
    entry H_TABLE1, 11, 0x81600000, 0x0f
    entry G_ROOT, 2, GUEST, RWX
    poke 0x80200008, 0x101
    poke 0x80600008, 0x103
    poke 0x80800008, 0x104
    poke 0x80a00008, 0x105
    poke 0x80c00008, 0x106
    poke 0x81000008, 0x108
    poke 0x81600008, 0x10b
    base gptbr, SV39, 3, G_ROOT+SHIFT
    base hptbr, SV39, 9, H_ROOT
    TLBFLUSHV
    reads 0x80200008, 0x101
    reads 0x80600008, 0x103
    misses 0x80800008
    reads 0x80a00008, 0x105
    reads 0x80c00008, 0x106
    reads 0x80e00008, 0x101
    reads 0x81000008, 0x108
    put vmr11, 0x80c00010
    go store
;= exit 0x09 at=store write size=8 value=VMR12 gva=0x80c00010 gpa=0x80c00010+SHIFT
    ; A store makes its own page dirty, and no other; a load makes only its own accessed.
    reads 0x81400008, 0
    put vmr11, 0x81200008
    put vmr12, 0x109
    go store
;= VMCAUSE = 0x0c, mem64[0x81200008] = 0x109
;= mem64[H_TABLE1+72] = (0x81200000>>2)|0xcf, mem64[H_TABLE1+80] = (0x81400000>>2)|0x4f, mem64[H_TABLE1+88] = (0x81600000>>2)|0x0f
    reads 0x81600008, 0x10b
;= mem64[H_TABLE1+80] = (0x81400000>>2)|0x4f, mem64[H_TABLE1+88] = (0x81600000>>2)|0x4f
    ; The same after many walks that end at the page behind the gaps.
    put vmr11, 0x81000008
    put vmr5, 600
    go many
;= VMCAUSE = 0x0c, VMR10 = 0x108
    reads 0x80600008, 0x103
    misses 0x80800008
    reads 0x80a00008, 0x105
    reads 0x80e00008, 0x101
    ; What TLBFLUSHV follows is seen: a page that no walk needed before, and one that many did.
    entry H_TABLE1, 2, 0x80600000, RWX
    entry H_TABLE1, 8, 0x80a00000, RWX
    TLBFLUSHV
    reads 0x80400008, 0x103
    reads 0x81000008, 0x105
    ; An IOVMAP range inside one of the pages.
    entry H_TABLE1, 2, 0x80400000, RWX
    poke DESCRIPTOR, 1
    poke DESCRIPTOR+8, GUEST+0x600000
    poke DESCRIPTOR+16, 0x1000
    poke DESCRIPTOR+24, 0x77
    li R10, DESCRIPTOR
    IOVMAP R10
    reads 0x80200008, 0x101
    put vmr11, 0x80600008
    go load
;= exit 0x0b at=load read size=8 reg=10 gva=0x80600008 gpa=GUEST+0x600008 cookie=0x77
    reads 0x80601008, 0
    reads 0x80a00008, 0x105
    pass
load:
    ld R10, 0(R11)
    vmexit
store:
    sd R12, 0(R11)
    vmexit
many:
    sfence.vma R11
    ld R10, 0(R11)
    addi R5, R5, -1
    bnez R5, many
    vmexit
