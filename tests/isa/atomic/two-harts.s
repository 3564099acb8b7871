; Two harts add under a lock of LR and SC: no addition is lost, whoever watches.
;! harts 2
;! limit 2000000
.equ TIMES, 500
main:
    rdmsr R20, hartid
    li R8, DATA
    li R9, TIMES
take:
    lr.w R10, (R8)
    bnez R10, take
    li R11, 1
    sc.w R10, R11, (R8)
    bnez R10, take
    ld R12, 8(R8)
    addi R12, R12, 1
    sd R12, 8(R8)
    fence
    sw zero, (R8)
    addi R9, R9, -1
    bnez R9, take
    addi R10, R8, 16
    li R11, 1
    amoadd.w zero, R11, (R10)
    bnez R20, rest
both:
    lw R12, (R10)
    addi R12, R12, -2
    bnez R12, both
;= mem64[DATA+8] = 2*TIMES
    pass
rest:
    wfi
    j rest
