; A loop whose body is a straight run, longer than an engine may want to execute between two looks around.
.macro ten
    addi R10, R10, 1
    addi R11, R11, 2
    addi R10, R10, 1
    addi R11, R11, 2
    addi R10, R10, 1
    addi R11, R11, 2
    addi R10, R10, 1
    addi R11, R11, 2
    addi R10, R10, 1
    addi R11, R11, 2
.endm
main:
    li R10, 0
    li R11, 0
    li R12, 400
again:
    ten
    ten
    ten
    ten
    ten
    ten
    ten
    addi R12, R12, -1
    bne R12, R0, again
;= R10 = 14000, R11 = 28000, R12 = 0
    pass
