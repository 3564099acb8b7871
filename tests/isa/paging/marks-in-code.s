; A page that is code and a page table: the walk of a fetch sets A in an entry that is also part of an instruction which
; has been executed often. From then on that instruction is another: its immediate has grown by 4 (the entry's bit 6).
;! limit 100000
.option norvc
main:
    kernel39
    entry G_ROOT, 1, G_TABLE1, TABLE
    la t0, page
    srli t0, t0, 2
    ori t0, t0, TABLE
    li t1, G_TABLE1
    sd t0, (t1)
    la t0, far
    srli t0, t0, 2
    ori t0, t0, 0x0f                ; without A
    la t1, page+0x200
    sd t0, (t1)
    fence.i
    put vmr8, DATA
    put vmr31, 100
    la t0, back
    wrmsr stvec, t0
    TLBFLUSHV
    run warm
;= VMCAUSE = 0x0c, VMR9 = 0, VMR11 = 200
    run through
;= VMCAUSE = 0x0c, VMR10 = VMR18+4, VMR11 = 201
    ; Once more, as nothing is set any more.
    run once
;= VMCAUSE = 0x0c, VMR10 = VMR18+4, VMR11 = 202
    pass
warm:
    li R9, 200
    la R16, code
1:  jalr R16
    addi R9, R9, -1
    bnez R9, 1b
    mv R18, R10
    vmexit
through:
    la R15, code
    la R1, end
    li R17, 0x40040000
    jr R17
once:
    la R16, code
    jalr R16
end:
    vmexit
.balign 4
back:                               ; behind the entry's lower half there is no instruction that ends well
    jr R1

.balign 4096
page:
.zero 0x1f0
code:
    addi R11, R11, 1
    nop
    nop
    .half 1
    .half 0x8513                    ; ADDI R10, R31, and the entry's bits 15 to 4 are the immediate
    .dword 0
.balign 4096
far:
    jr R15
