; There is one time (RISC-V unprivileged, Zicntr: the harts' clocks are within a tick): hart 1 reads nothing earlier than what hart 0
; had read and stored before. Hart 0 reads in Ring -1, hart 1 in a guest.
;! harts 2
;! limit 4000000
main:
    rdmsr R20, hartid
    li R8, DATA
    put vmr8, DATA
    beqz R20, teller
    run reader
;= HARTID = 1, VMR9 = 0, VMR13 = 0
    pass
teller:
    rdtime t0
    sd t0, (R8)
    j teller
reader:
    li R9, 20000
1:  ld R10, (R8)
    rdtime R11
    bltu R11, R10, 2f
    addi R9, R9, -1
    bnez R9, 1b
    vmexit
2:  sub R13, R10, R11
    vmexit
