; Walks remember where the first stage's lowest tables are (specification, 4.2): what depends on CR3, on HPTBR, and on what every fence says.
; (An implementation may forget more; this one keeps what nothing displaces, and the test holds it to that.)
;! ram 8M
; The page looked at is another one each time, so that the TLB knows nothing of it: page n of table A holds 0x100 + n, of B 0x200 + n.
.equ A, 0x80140000
.equ B, 0x80141000
.equ PAGES, 0x40000000
.equ POOL, 0x80200000
.equ G_TABLE4, 0x80134000
.equ ALIAS, 0x40000000              ; from the kernel's addresses of the program to the user's
.equ SPACE, 0x8000100000080130
.equ OTHER, 0x8000100000080133
.macro reads page, value
    put vmr11, PAGES+(\page)*4096
    go load
;= VMCAUSE = 0x0c, VMR10 = \value
.endm
.macro lowest table
    entry G_TABLE1, 0, \table, TABLE
.endm
.macro fence label
    put vmr13, 1
    go \label
.endm
.macro user page, label, cause       ; the illegal VMEXIT, if nothing came before it
    put vmr11, PAGES+(\page)*4096
    put scause, 0
    la t0, \label
    li t1, ALIAS
    add t0, t0, t1
    wrmsr vmpc, t0
    put vmring, 3
    vmresume
;= VMCAUSE = 0x0c, SCAUSE = \cause
.endm
.macro faults page, label, cause
    put vmr11, PAGES+(\page)*4096
    put scause, 0
    go \label
;= VMCAUSE = 0x0c, SCAUSE = \cause
.endm
main:
    li R5, A
    li R6, B
    li R7, POOL
    li R8, 0x100
1:  srli R9, R7, 2
    ori R9, R9, RW
    sd R9, (R5)
    sd R8, (R7)
    li R10, 0x40000                 ; 64 pages on
    add R7, R7, R10
    srli R9, R7, 2
    ori R9, R9, RW
    sd R9, (R6)
    addi R9, R8, 0x100
    sd R9, (R7)
    sub R7, R7, R10
    addi R5, R5, 8
    addi R6, R6, 8
    addi R8, R8, 1
    li R10, 4096
    add R7, R7, R10
    li R10, 0x140
    bne R8, R10, 1b
    entry G_ROOT, 2, 0x80000000, RWX
    entry G_ROOT, 1, G_TABLE1, TABLE
    lowest A
    entry G_TABLE3, 2, 0x80000000, RWX
    entry G_TABLE3, 1, G_TABLE4, TABLE
    entry G_TABLE4, 0, B, TABLE
    put gptbr, SPACE
    reads 0, 0x100
    reads 1, 0x101
    ; Another table, and no fence: what is remembered serves. Pages are read all the same, as they are now.
    lowest B
    reads 2, 0x102
    entry A, 3, POOL+0x45000, RW
    reads 3, 0x205
    ; A page that is not there is looked for from the root on, and what is remembered is what was found.
    entry A, 4, 0, 0
    reads 4, 0x204
    lowest A
    ; Fences of another address or ASID need not change that; the address's, any of the table's pages, does.
    put vmr11, PAGES+0x200000
    fence fence_address
    reads 5, 0x205
    put vmr11, PAGES+0x1ff000
    fence fence_address
    reads 6, 0x106
    lowest B
    reads 7, 0x107
    fence fence_both
    reads 8, 0x208
    lowest A
    fence fence_both
    reads 30, 0x11e
    lowest B
    reads 9, 0x109
    fence fence_space
    reads 10, 0x20a
    lowest A
    reads 11, 0x20b
    fence fence_all
    reads 12, 0x10c
    lowest B
    reads 13, 0x10d
    TLBFLUSHV
    reads 14, 0x20e
    lowest A
    reads 15, 0x20f
    li R10, 7                       ; of any VM
    li R11, POOL
    TLBFLUSHV R10, R11
    reads 16, 0x110
    ; CR3 says which tables are meant, whatever its ASID. A page of the TLB would be stale; none is looked at twice.
    put gptbr, OTHER
    reads 17, 0x211
    put gptbr, SPACE
    reads 18, 0x112
    ; And so does HPTBR, whatever its VMID: here A's own address leads to B.
    entry H_ROOT, 2, H_TABLE1, TABLE
    entry H_TABLE1, 0, H_TABLE2, TABLE
    entry H_TABLE1, 1, POOL, RWX
    li R5, H_TABLE2
    li R6, (0x80000000>>2)|RWX
    li R7, 512
1:  sd R6, (R5)
    addi R5, R5, 8
    addi R6, R6, 0x400
    addi R7, R7, -1
    bnez R7, 1b
    entry H_TABLE2, 0x140, B, RWX
    base hptbr, SV39, 0, H_ROOT
    reads 19, 0x213
    put hptbr, 0
    reads 20, 0x114
    base hptbr, SV39, 0, H_ROOT
    reads 21, 0x215
    entry H_TABLE2, 0x140, A, RWX
    reads 22, 0x216
    TLBFLUSHV
    reads 23, 0x117
    ; Permissions and bits to be set, where the table is remembered: as where it is not.
    entry A, 24, POOL, RW&~0xc0
    reads 24, 0x100
    li R10, A+24*8
    ld R10, (R10)
;= R10 = POOL>>2|RW&~0x80
    put vmr12, 0x55
    go store
;= VMCAUSE = 0x0c
    li R10, A+24*8
    ld R10, (R10)
;= R10 = POOL>>2|RW
    entry A, 25, POOL, RO
    faults 25, store, 15
    entry A, 26, POOL, RWX|0x10     ; a user's
    faults 26, load, 13
    entry A, 27, POOL, RW&~2        ; W without R
    faults 27, store, 15
    entry A, 28, POOL+(1<<56), RW   ; reserved
    faults 28, load, 13
    entry A, 29, POOL, RW&~1        ; not valid
    faults 29, load, 13
    entry A, 30, POOL, RWX&~2       ; nor is this well formed
    faults 30, jump, 12
    entry A, 31, POOL, RW
    faults 31, jump, 12
    ; In Ring 3: the kernel's pages, as walks find them and as the TLB knows them, and the user's own.
    entry G_ROOT, 3, 0x80000000, URWX
    user 33, load, 13
    user 34, store, 15
    reads 35, 0x123
    user 35, load, 13
    user 35, store, 15
    entry A, 36, POOL, URW
    user 36, load, 2
    user 36, store, 2
    put hptbr, 0
    entry A, 32, 0x40000000, RW     ; neither RAM nor a device
    faults 32, load, 5
    pass
load:
    ld R10, 0(R11)
    vmexit
jump:
    jr R11
store:
    sd R12, 0(R11)
    vmexit
    guest_fences
