; The combined TLB is tagged with VMID and ASID (specification, 4.2): neither a write of CR3 nor a world switch flushes, and
; entries of one space never serve another. What is stale stays so until SFENCE.VMA or TLBFLUSHV (4.3) drops it. (An
; implementation may drop more; this one keeps a page that nothing displaces, and the test holds it to that.)
;! ram 8M
; Two address spaces: roots G_ROOT and G_TABLE3, in which PAGE is DATA and DATA+0x1000. GLOBAL is a global page in both.
.equ PAGE,   0x40000000
.equ GLOBAL, 0x40001000
.equ SPACE1, 0x8000100000080130
.equ SPACE2, 0x8000200000080133
.macro reads value
    go load
;= VMCAUSE = 0x0c, VMR10 = \value
.endm
.macro space cr3
    put gptbr, \cr3
.endm
.macro remap address                ; PAGE of space 1
    entry G_TABLE2, 0, \address, RWX
.endm
.equ G_TABLE4, 0x80134000
.equ G_TABLE5, 0x80135000
main:
    poke DATA, 0x11
    poke DATA+0x1000, 0x22
    poke DATA+0x2000, 0x33
    poke DATA+0x3000, 0x44
    entry G_ROOT, 2, 0x80000000, RWX
    entry G_ROOT, 1, G_TABLE1, TABLE
    entry G_TABLE1, 0, G_TABLE2, TABLE
    entry G_TABLE3, 2, 0x80000000, RWX
    entry G_TABLE3, 1, G_TABLE4, TABLE
    entry G_TABLE4, 0, G_TABLE5, TABLE
    remap DATA
    entry G_TABLE5, 0, DATA+0x1000, RWX
    entry G_TABLE2, 1, DATA+0x2000, RWX|0x20
    entry G_TABLE5, 1, DATA+0x2000, RWX|0x20
    put vmr11, PAGE

    ; ASIDs: each space has its own page, before and after the other ran.
    space SPACE1
    reads 0x11
    space SPACE2
    reads 0x22
    space SPACE1
    reads 0x11
    ; The guest itself may switch; no flush.
    put vmr12, SPACE2
    go switch
;= VMCAUSE = 0x0c, VMR10 = 0x22, CR3 = SPACE2

    ; Stale until fenced. SFENCE.VMA of the address and ASID, of another, of the address, of the ASID, of all.
    space SPACE1
    reads 0x11
    remap DATA+0x1000
    reads 0x11
    put vmr13, 2                    ; the other ASID
    go fence_both
    reads 0x11
    put vmr11, PAGE+0x5000          ; the other address
    put vmr13, 1
    go fence_both
    put vmr11, PAGE
    reads 0x11
    go fence_both
    reads 0x22
    remap DATA
    reads 0x22
    go fence_address                ; every space's
    reads 0x11
    remap DATA+0x1000
    put vmr13, 2
    go fence_space
    reads 0x11
    put vmr13, 1
    go fence_space
    reads 0x22
    remap DATA
    go fence_all
    reads 0x11
    ; Only the low 16 bits of the ASID count.
    remap DATA+0x1000
    put vmr13, 0xabc0001
    go fence_space
    reads 0x22
    remap DATA
    go fence_all
    reads 0x11

    ; Global pages: fences of an ASID do not touch them, those of an address without an ASID do.
    put vmr11, GLOBAL
    reads 0x33
    entry G_TABLE2, 1, DATA+0x3000, RWX|0x20
    entry G_TABLE5, 1, DATA+0x3000, RWX|0x20
    put vmr13, 1
    go fence_space
    reads 0x33
    go fence_both
    reads 0x33
    space SPACE2                    ; it serves this space, too
    reads 0x33
    go fence_address
    reads 0x44
    space SPACE1
    reads 0x44
    entry G_TABLE2, 1, DATA+0x2000, RWX|0x20
    entry G_TABLE5, 1, DATA+0x2000, RWX|0x20
    go fence_all
    reads 0x33

    ; VMIDs. VM 1 and VM 2 have the same CR3 and different second stages: PAGE is guest-physical 0x40000000.
    entry H_ROOT, 2, 0x80000000, RWX
    entry H_ROOT, 1, 0x80000000, RWX
    entry H_TABLE1, 2, 0x80000000, RWX
    entry H_TABLE1, 1, H_TABLE2, TABLE
    entry H_TABLE2, 0, H_TABLE3, TABLE
    entry H_TABLE3, 0, DATA+0x3000, RWX
    entry G_TABLE2, 0, 0x40000000+DATA-0x80000000, RWX
    entry G_TABLE5, 0, 0x40000000, RWX
    base hptbr, SV39, 1, H_ROOT
    put vmr11, PAGE
    reads 0x11
    base hptbr, SV39, 2, H_TABLE1
    space SPACE2
    reads 0x44
    base hptbr, SV39, 1, H_ROOT
    space SPACE1
    reads 0x11
    ; A second stage that changed: stale until TLBFLUSHV of the VMID, of the address in it, of all, or SFENCE.VMA in Ring -1.
    base hptbr, SV39, 2, H_TABLE1
    space SPACE2
    entry H_TABLE3, 0, DATA, RWX
    reads 0x44
    li R10, 1
    TLBFLUSHV R10
    reads 0x44
    li R10, 2
    TLBFLUSHV R10
    reads 0x11
    entry H_TABLE3, 0, DATA+0x1000, RWX
    li R11, 0x40001000              ; another guest-physical page
    TLBFLUSHV R10, R11
    reads 0x11
    li R10, 1
    li R11, 0x40000abc
    TLBFLUSHV R10, R11              ; another VM
    reads 0x11
    li R10, 2
    TLBFLUSHV R10, R11              ; any address of the page
    reads 0x22
    entry H_TABLE3, 0, DATA+0x2000, RWX
    reads 0x22
    TLBFLUSHV R0, R11               ; of every VM
    reads 0x33
    entry H_TABLE3, 0, DATA+0x3000, RWX
    TLBFLUSHV
    reads 0x44
    entry H_TABLE3, 0, DATA, RWX
    reads 0x44
    sfence.vma
    reads 0x11
    ; LDHPTBR and LDGPTBR flush nothing.
    entry H_TABLE3, 0, DATA+0x1000, RWX
    rdmsr R10, hptbr
    LDHPTBR R10
    rdmsr R10, gptbr
    LDGPTBR R10
    reads 0x11
    ; SFENCE.VMA in a guest drops only its own VMID's translations: VM 1 keeps what VM 2 fences.
    base hptbr, SV39, 1, H_ROOT
    space SPACE1
    reads 0x11
    entry G_TABLE2, 0, 0x40000000+DATA-0x80000000+0x1000, RWX
    base hptbr, SV39, 2, H_TABLE1
    space SPACE2
    go fence_all
    reads 0x22
    base hptbr, SV39, 1, H_ROOT
    space SPACE1
    reads 0x11
    go fence_all
    reads 0x22

    ; A large page of the first stage over small ones of the second: a fence of any address of the large page drops it all.
    entry G_TABLE1, 2, 0x40200000, RWX              ; virtual 0x40400000 is guest-physical 0x40200000, 2 MiB
    entry G_TABLE4, 2, 0x40200000, RWX
    entry H_TABLE2, 1, 0x80124000, TABLE
    entry 0x80124000, 3, DATA, RWX
    entry 0x80124000, 9, DATA+0x1000, RWX
    entry H_TABLE2, 2, 0x80600000, RWX
    base hptbr, SV39, 2, H_TABLE1
    space SPACE2
    put vmr11, 0x40403000
    reads 0x11
    put vmr11, 0x40409000
    reads 0x22
    entry G_TABLE4, 2, 0x40400000, RWX              ; now guest-physical 0x40400000, which is 0x80600000
    poke 0x80603000, 0x55
    poke 0x80609000, 0x66
    reads 0x22
    put vmr11, 0x40403000
    reads 0x11
    put vmr11, 0x40409ff8
    go fence_address
    put vmr11, 0x40403000
    reads 0x55
    put vmr11, 0x40409000
    reads 0x66

    ; A global page does not serve where CR3 is in mode bare: guest-physical GLOBAL is not DATA.
    put vmr11, GLOBAL
    reads 0x33
    entry H_TABLE3, 1, DATA+0x1000, RWX
    put gptbr, 0
    reads 0x22
    pass
load:
    ld R10, 0(R11)
    vmexit
switch:
    ld R10, 0(R11)
    MOV CR3, R12
    ld R10, 0(R11)
    vmexit
    guest_fences
