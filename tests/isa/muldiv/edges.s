; Division by zero and overflow (RISC-V unprivileged, M): the quotient is all ones, the remainder the dividend; the most negative
; by -1 is itself, with remainder 0. Upper halves of products by hand.
main:
    li R10, 0x8000000000000000
    li R11, -1
    li R12, 0
    li R13, 7
    div R5, R10, R11
    rem R6, R10, R11
    div R7, R13, R12
    rem R8, R13, R12
;= R5 = R10, R6 = 0, R7 = -1, R8 = 7
    divu R5, R13, R12
    remu R6, R13, R12
    divu R7, R10, R11
    remu R8, R10, R11
;= R5 = -1, R6 = 7, R7 = 0, R8 = R10
    li R14, -7
    li R15, 2
    div R5, R14, R15
    rem R6, R14, R15
    rem R7, R13, R14
    div R8, R14, R14
;= R5 = -3, R6 = -1, R7 = 0, R8 = 1
    ; Words: the low 32 bits, results sign-extended.
    li R16, 0x1_80000000
    divw R5, R16, R11
    remw R6, R16, R11
    divuw R7, R16, R15
    divw R8, R16, R12
;= R5 = 0xffffffff80000000, R6 = 0, R7 = 0x40000000, R8 = -1
    remw R5, R16, R12
    remuw R6, R16, R12
    divuw R7, R11, R12
    remuw R8, R11, R15
;= R5 = 0xffffffff80000000, R6 = 0xffffffff80000000, R7 = -1, R8 = 1
    ; (-1) * (-1): signed 1, unsigned (2^64-1)^2 = 2^128 - 2^65 + 1, mixed -(2^64-1).
    mul R5, R11, R11
    mulh R6, R11, R11
    mulhu R7, R11, R11
    mulhsu R8, R11, R11
;= R5 = 1, R6 = 0, R7 = -2, R8 = -1
    mulh R5, R10, R10
    mulhu R6, R10, R10
    mulhsu R7, R10, R10
    mulw R8, R16, R11
;= R5 = 0x4000000000000000, R6 = 0x4000000000000000, R7 = 0xc000000000000000, R8 = 0xffffffff80000000
    pass
