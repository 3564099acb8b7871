; Results of 32 bits in a loop, for engines that extend them late: negative ones, in more registers than a host has for the whole
; loop, so that an inner loop takes the places of the outer one's.
.macro busy register
    addw \register, \register, \register
    addw \register, \register, \register
    addw \register, \register, \register
.endm
main:
    li R18, -5
    li R17, 0
    li R16, 1
    li R19, 3
    li R26, 1
    li R30, 400
outer:
    busy R17
    busy R16
    busy R19
    busy R20
    busy R21
    busy R22
    busy R23
    busy R24
    li R31, 3
    addw R18, R18, R17
    addw R18, R18, R17
    addw R18, R18, R17
    addw R18, R18, R17
    ; Taken each time: neither way extends R18, and the inner loop has no place for it.
    beq R17, R0, inner
    andi R18, R18, 15
inner:
    addi R26, R26, 3
    addi R27, R27, 5
    addi R28, R28, 7
    addi R31, R31, -1
    bne R31, R0, inner
    addi R30, R30, -1
    bne R30, R0, outer
;= R18 = 0xfffffffffffffffb, R17 = 0, R30 = 0, R31 = 0

    ; Words that are compared: as signed and unsigned, after overflow, while their extension is pending.
    li R10, 0x7fffffff
    li R11, 0
    li R30, 400
compare:
    addiw R12, R10, 1
    addw R13, R12, R12
    slt R14, R12, R13
    sltu R15, R13, R12
    sltiu R16, R12, 1
    addw R11, R11, R14
    addw R11, R11, R15
    addw R11, R11, R16
    bltu R12, R13, wrong
    bge R12, R13, wrong
    addi R30, R30, -1
    bne R30, R0, compare
;= R11 = 800, R12 = 0xffffffff80000000, R13 = 0
    pass
wrong:
    fail
