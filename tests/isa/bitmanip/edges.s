; Zba, Zbb, Zbs at their edges, by hand.
main:
    li R10, 0
    li R11, -1
    li R12, 0x8000000000000001
    li R13, 0x00ff0100_80000040
    clz R5, R10
    ctz R6, R10
    clzw R7, R10
    ctzw R8, R10
;= R5 = 64, R6 = 64, R7 = 32, R8 = 32
    clz R5, R13
    ctz R6, R13
    clzw R7, R13
    cpop R8, R13
    cpopw R9, R13
;= R5 = 8, R6 = 6, R7 = 0, R8 = 11, R9 = 2
    rol R5, R12, R11                ; by 63
    ror R6, R12, R11
    rori R7, R12, 1
    rolw R8, R13, R11               ; by 31: 0x80000040 -> 0x40000020
    roriw R9, R13, 7                ; 0x80000040 -> 0x81000000
;= R5 = 0xc000000000000000, R6 = 3, R7 = 0xc000000000000000, R8 = 0x40000020, R9 = 0xffffffff81000000
    orc.b R5, R13
    rev8 R6, R13
    sext.b R7, R13
    sext.h R8, R11
    zext.h R9, R11
;= R5 = 0x00ffff00ff0000ff, R6 = 0x400000800001ff00, R7 = 0x40, R8 = -1, R9 = 0xffff
    add.uw R5, R13, R11             ; 0x80000040 - 1
    sh1add.uw R6, R11, R10
    sh3add R7, R11, R12
    slli.uw R8, R13, 4
;= R5 = 0x8000003f, R6 = 0x1fffffffe, R7 = 0x7ffffffffffffff9, R8 = 0x800000400
    max R5, R11, R10
    maxu R6, R11, R10
    min R7, R11, R10
    minu R8, R11, R10
;= R5 = 0, R6 = -1, R7 = -1, R8 = 0
    andn R5, R11, R12
    orn R6, R10, R12
    xnor R7, R10, R12
;= R5 = 0x7ffffffffffffffe, R6 = 0x7ffffffffffffffe, R7 = 0x7ffffffffffffffe
    bset R5, R10, R11               ; bit 63
    bclri R6, R12, 63
    binvi R7, R12, 0
    bexti R8, R12, 63
    bext R9, R12, R10
;= R5 = 0x8000000000000000, R6 = 1, R7 = 0x8000000000000000, R8 = 1, R9 = 1
    pass
