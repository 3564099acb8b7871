; Every AMO on words and double words, by hand: the old value sign-extended in rd, memory as the operation says; the word's upper
; half of memory stays. rd = rs2 works (the operand is read first).
.macro word instruction, old, operand, result
    poke DATA, 0x77777777_00000000|(\old)
    li R12, \operand
    \instruction R10, R12, (R11)
;= R10 = ((\old) ^ 0x80000000) - 0x80000000, mem64[DATA] = 0x7777777700000000|(\result)
.endm
.macro double instruction, old, operand, result
    poke DATA, \old
    li R12, \operand
    \instruction R10, R12, (R11)
;= R10 = \old, mem64[DATA] = \result
.endm
main:
    li R11, DATA
    word amoswap.w, 0x80000001, 0x1_2345_6789, 0x23456789
    word amoadd.w, 0xffffffff, 0xf_0000_0002, 0x00000001
    word amoxor.w, 0xff00ff00, 0x0ff00ff0, 0xf0f0f0f0
    word amoand.w, 0xff00ff00, 0x0ff00ff0, 0x0f000f00
    word amoor.w, 0xff00ff00, 0x0ff00ff0, 0xfff0fff0
    word amomin.w, 0x80000000, 1, 0x80000000
    word amomin.w, 5, 0xfffffffe, 0xfffffffe
    word amomax.w, 0x80000000, 1, 1
    word amominu.w, 0x80000000, 1, 1
    word amomaxu.w, 0x80000000, 1, 0x80000000
    word amomaxu.w, 0x7fffffff, 0xffffffff00000001, 0x7fffffff
    double amoswap.d, 0x8000000000000001, 5, 5
    double amoadd.d, -1, 2, 1
    double amoxor.d, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0xf0f0f0f0f0f0f0f0
    double amoand.d, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0x0f000f000f000f00
    double amoor.d, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0xfff0fff0fff0fff0
    double amomin.d, 0x8000000000000000, 1, 0x8000000000000000
    double amomax.d, 0x8000000000000000, 1, 1
    double amominu.d, 0x8000000000000000, 1, 1
    double amomaxu.d, 0x8000000000000000, 1, 0x8000000000000000
    poke DATA, 100
    li R12, 11
    amoadd.d R12, R12, (R11)
;= R12 = 100, mem64[DATA] = 111
    amoadd.d zero, R12, (R11)
;= R0 = 0, mem64[DATA] = 211
    pass
