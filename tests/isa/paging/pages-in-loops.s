; Hot loops of loads that hop from page to page, each load's address out of the last: over pages whose memory lies upwards, downwards,
; and this way and that. An engine may guess where the next one is.
;! limit 400000
.equ AREA, 0x40000000
.equ PAGES, 16
.equ STEPS, 6000

; Pages of an area: what of R10 says where each lies, by exclusive or.
.macro area number, order
    li t2, 0
1:  li t3, \order
    xor t3, t3, t2
    slli t3, t3, 12
    li t4, DATA
    add t3, t3, t4
    srli t3, t3, 2
    ori t3, t3, RW
    li t4, G_TABLE2+8*PAGES*\number
    slli t5, t2, 3
    add t4, t4, t5
    sd t3, (t4)
    addi t2, t2, 1
    li t3, PAGES
    bne t2, t3, 1b
.endm
.macro hop number
    put vmr10, AREA+PAGES*4096*\number+16*\number
    go fill
;= VMCAUSE = 0x0c
    go chase
;= VMCAUSE = 0x0c, VMR11 = 0x0, VMR12 = 465000
.endm

main:
    entry G_ROOT, 1, G_TABLE1, TABLE
    entry G_TABLE1, 0, G_TABLE2, TABLE
    kernel39 5
    area 0, 0
    area 1, 15
    area 2, 5
    hop 0
    hop 1
    hop 2
    hop 1
    pass

; At R10 in each page: how far the next page is from the first, and a number.
.balign 4
fill:
    li R13, 0
1:  slli R14, R13, 12
    add R14, R14, R10
    addi R15, R13, 3
    andi R15, R15, PAGES-1
    slli R15, R15, 12
    sd R15, (R14)
    mul R15, R13, R13
    sd R15, 8(R14)
    addi R13, R13, 1
    li R15, PAGES
    bne R13, R15, 1b
    vmexit
chase:
    li R11, 0
    li R12, 0
    li R13, STEPS
1:  add R14, R10, R11
    ld R11, (R14)
    addi R13, R13, -1
    bnez R13, 1b
    li R11, 0
    li R13, STEPS
1:  add R14, R10, R11
    ld R11, (R14)
    ld R15, 8(R14)
    add R12, R12, R15
    addi R13, R13, -1
    bnez R13, 1b
    vmexit
