; Accesses off one register with branches between them, in hot loops: at a device, in memory over the end of a page, and in a page
; that holds code.
.equ UART, 0x10000000
main:
    li R20, UART
    li R5, 0x5a
    sb R5, 7(R20)
    li R12, 0
    li R13, 0
    li R14, 300
device:
    lbu R10, 5(R20)
    add R12, R12, R10
    beqz R10, out
    lbu R11, 7(R20)
    addi R14, R14, -1
    beqz R11, out
    lbu R15, 7(R20)
    add R13, R13, R11
    add R13, R13, R15
    bnez R14, device
;= R12 = 28800, R13 = 54000, R14 = 0
    la R20, page_end
    li R12, 0
    li R14, 300
over_the_end:
    ld R10, -8(R20)
    addi R10, R10, 1
    bltz R10, out
    ld R11, 0(R20)
    beq R10, R11, out
    ld R15, -16(R20)
    add R12, R12, R10
    sub R12, R12, R11
    add R12, R12, R15
    addi R14, R14, -1
    bnez R14, over_the_end
;= R12 = -900, R14 = 0
    li R14, 300
stores:
    sd R14, -8(R20)
    addi R14, R14, -1
    bltz R14, out
    sd R14, 0(R20)
    sd R14, -16(R20)
    bnez R14, stores
    ld R10, -8(R20)
    ld R11, 0(R20)
    ld R12, -16(R20)
;= R10 = 1, R11 = 0, R12 = 0
    la R20, beside_code
    li R14, 300
to_code:
    sd R14, -8(R20)
    addi R14, R14, -1
    bltz R14, out
    sd R14, 0(R20)
    sd R14, 8(R20)
    bnez R14, to_code
    ld R10, -8(R20)
    ld R11, 0(R20)
    ld R12, 8(R20)
;= R10 = 1, R11 = 0, R12 = 0
    pass
out:
    fail
.align 3
    .dword 0
beside_code: .dword 0, 0
.align 12
    .zero 4080
    .dword 3, 7
page_end: .dword 14
