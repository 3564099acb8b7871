; Registers that a loop reads and never writes, while loops inside of it need more registers than a host has: whoever gives their
; places away must have kept their values. Each time, R10 has another value from outside, which only straight code has seen.
;! limit 300000
.macro busy first, second, third, fourth
    srli \first, R12, 43
    slli \second, R12, 21
    srli \third, R15, 32
    add \fourth, \fourth, R12
    or R13, \first, \second
    xor R14, R14, R15
    or R17, R17, \third
.endm
main:
    li R30, 300
    li R8, 0
    li R9, 0
    li R28, 1
    la R2, scratch
again:
    slli R10, R30, 4
    mv R26, R10
    li R12, 77
    li R15, 99
    call siblings
    bne R10, R26, wrong
    call nested
    bne R10, R26, wrong
    call left
    bne R10, R26, wrong
    addi R30, R30, -1
    bnez R30, again
;= R10 = 16, R26 = 16, R9 = 900, R8 = 6501600
    pass
wrong:
    fail

; Two loops inside of one: R10 is in the second alone, whose weight keeps it where it is between units. The first has other use for its
; place.
siblings:
    li R11, 0
1:  li R7, 2
2:  busy R6, R18, R19, R16
    addi R7, R7, -1
    bne R7, R28, 2b
3:  add R8, R8, R10
    xor R14, R14, R10
    sd R14, 40(R2)
    addi R11, R11, 1
    ld R15, 40(R2)
    sltiu R5, R11, 2
    bnez R5, 3b
    sltiu R5, R11, 3
    bnez R5, 1b
    addi R9, R9, 1
    ret

; The same, but that the first has one more inside, which needs yet others.
nested:
    li R11, 0
4:  li R7, 2
5:  busy R6, R18, R19, R16
    li R29, 2
6:  busy R20, R21, R22, R23
    addi R29, R29, -1
    bne R29, R28, 6b
    addi R7, R7, -1
    bne R7, R28, 5b
7:  add R8, R8, R10
    addi R11, R11, 1
    xor R14, R14, R10
    sltiu R5, R11, 2
    bnez R5, 7b
    sltiu R5, R11, 3
    bnez R5, 4b
    addi R9, R9, 1
    ret

; The first is left for the code behind both.
left:
    li R11, 0
8:  li R7, 3
9:  busy R6, R18, R19, R16
    addi R7, R7, -1
    sltiu R5, R11, 3
    beqz R5, gone
    bne R7, R28, 9b
10: add R8, R8, R10
    addi R11, R11, 1
    xor R14, R14, R10
    sltiu R5, R11, 2
    bnez R5, 10b
    j 8b
gone:
    addi R9, R9, 1
    ret

    .balign 64
scratch:
    .skip 64
