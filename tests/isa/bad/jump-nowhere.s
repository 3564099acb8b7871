; A guest that jumps to nowhere, in each way: no memory, not mapped, not executable, an odd number, the last address. Its kernel
; hears of it (specification, 4.1); Ring -1 goes on.
main:
    put vmr11, 0x40000000
    run jump
;= trap 1 pc=0x40000000 tval=0x40000000 from=0
    put vmr11, 0x10000000           ; a device is not for fetches
    run jump
;= trap 1 pc=0x10000000 tval=0x10000000 from=0
    put vmr11, -1
    run jump
;= trap 1 pc=-2 tval=-2 from=0
    run jump, 3
;= trap 1 pc=-2 tval=-2 from=3
    put vmr11, 0
    run jump
;= trap 1 pc=0 tval=0 from=0
    ; Into data that is zero: an illegal instruction.
    put vmr11, DATA
    run jump
;= trap 2 pc=DATA tval=0 from=0
    nested39
    put vmr11, 0x40000000
    run jump
;= exit 0x09 pc=0x40000000 execute size=2 gva=0x40000000 gpa=0x40000000
    ; Up to the last address of the second stage, and past it.
    put vmr11, 0x7ffffffffe
    run jump
;= exit 0x09 pc=0x7ffffffffe execute size=2 gva=0x7ffffffffe gpa=0x7ffffffffe
    put vmr11, -1
    run jump
;= exit 0x09 pc=-2 execute size=2 gva=-2 gpa=-2
    pass
jump:
    jr R11
