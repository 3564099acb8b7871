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
    la R2, scratch
again:
    ; Both must see the same.
    slli R10, R30, 4
    mv R26, R10
    li R11, 0
    li R12, 77
    li R15, 99
    call inside
    bne R10, R26, wrong
    call siblings
    bne R10, R26, wrong
    call left
    bne R10, R26, wrong
    addi R30, R30, -1
    bnez R30, again
;= R10 = 16, R26 = 16, R9 = 900, R8 = 4334400
    pass
wrong:
    fail

; One loop inside, which does not name R10; the loop around it stores through R10 and R2.
inside:
    li R28, 0
outer:
    li R27, 3
1:  busy R6, R18, R19, R16
    addi R27, R27, -1
    bnez R27, 1b
    add R5, R2, R28
    sd R10, 0(R5)
    ld R25, 0(R5)
    add R8, R8, R25
    addi R28, R28, 8
    li R29, 24
    bltu R28, R29, outer
    addi R9, R9, 1
    ret

; Two loops inside, one after the other, and one more in the second: each displaces others.
siblings:
    li R28, 0
2:  li R27, 2
3:  busy R20, R21, R22, R23
    addi R27, R27, -1
    bnez R27, 3b
    li R27, 2
4:  busy R6, R18, R19, R16
    li R7, 2
5:  busy R20, R21, R22, R23
    add R24, R24, R6
    addi R7, R7, -1
    bnez R7, 5b
    addi R27, R27, -1
    bnez R27, 4b
    addi R28, R28, 1
    add R8, R8, R10
    li R29, 2
    bltu R28, R29, 2b
    addi R9, R9, 1
    ret

; Left out of the middle of the inner loop.
left:
    li R28, 0
6:  li R27, 4
7:  busy R20, R21, R22, R23
    add R24, R24, R28
    addi R27, R27, -1
    beqz R28, 8f
    beqz R27, gone
    j 7b
8:  bnez R27, 7b
    addi R28, R28, 1
    add R8, R8, R10
    bnez R28, 6b
gone:
    addi R9, R9, 1
    ret

    .balign 64
scratch:
    .skip 64
