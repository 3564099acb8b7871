; Code that changes (RISC-V unprivileged, Zifencei): after FENCE.I a hart sees its own stores to code. Whether it sees them
; before is not defined there, and not tested here.
.equ NEW_VALUE, 0x02a00513          ; li a0, 42
main:
    ; In the same block, just ahead.
    la R11, patched
    li R12, NEW_VALUE
    sw R12, 0(R11)
    fence.i
patched:
    li R10, 1
;= R10 = 42
    ; Code that ran before, changed and run again, and again.
    call routine
;= R10 = 7
    la R11, routine
    sw R12, 0(R11)
    fence.i
    call routine
;= R10 = 42
    li R13, 0x00900513              ; li a0, 9
    sw R13, 0(R11)
    fence.i
    call routine
;= R10 = 9
    ; By a byte, and by an atomic.
    li R13, 0x00
    sb R13, 3(R11)                  ; the upper immediate bits: 0x009 stays 9
    li R13, 0x00b00513^0x00900513
    amoxor.w R14, R13, (R11)
    fence.i
    call routine
;= R10 = 11
    ; In a page never executed before.
    li R11, DATA
    li R13, 0x00d00513              ; li a0, 13
    sw R13, 0(R11)
    li R13, 0x00008067              ; ret
    sw R13, 4(R11)
    fence.i
    jalr R11
;= R10 = 13
    ; An instruction over the end of a page, changed in its second half: li a0, 13 at DATA+0xffe.
    li R13, 0x0513
    li R11, DATA+0xffe
    sh R13, 0(R11)
    li R13, 0x00d0
    sh R13, 2(R11)
    li R13, 0x8067
    sh R13, 4(R11)
    sh R0, 6(R11)
    fence.i
    jalr R11
;= R10 = 13
    li R13, 0x00e0
    sh R13, 2(R11)
    fence.i
    jalr R11
;= R10 = 14
    ; A store over the end of that page, into code of both: li a0, 0x123 and a half of the next word.
    li R13, 0x12300513
    sw R13, 0(R11)
    fence.i
    jalr R11
;= R10 = 0x123
    ; A guest changes the code of its own, with translation on.
    kernel39
    run guest
;= exit 0x0c at=guest_end, VMR10 = 42
    pass
routine:
    li R10, 7
    ret
guest:
    la R11, 1f
    li R12, NEW_VALUE
    sw R12, 0(R11)
    fence.i
1:  li R10, 1
guest_end:
    vmexit
