; Three exceptions delivered to Ring 0 without an instruction of the guest retiring in between exit with 0x0D, shutdown
; (specification, 2.3). Here the trap vector cannot be fetched.
;! exits shutdown=2 vmexit-instruction=1 exception=1
main:
    put stvec, 0x40000000
    run breakpoint
    ; 1: the breakpoint; 2: the fetch at stvec; 3: again, which is the exit.
;= exit 0x0d pc=0x40000000 code=1 gva=0x40000000
;= SCAUSE = 1, SEPC = 0x40000000, STVAL = 0x40000000
    ; With an instruction in between it is none: the handler executes one and traps again, many times; here it is the guest's
    ; 10th breakpoint that leaves.
    la t0, handler
    wrmsr stvec, t0
    put vmr10, 10
    run breakpoint
;= exit 0x0c at=out_
;= VMR10 = 0
    ; Exceptions that exit do not count, and an entry starts the count anew.
    put stvec, 0x40000000
    put excmap, 2
    run breakpoint
;= exit 0x12 pc=0x40000000 code=1 gva=0x40000000
    put excmap, 0
    retry
;= exit 0x0d pc=0x40000000 code=1 gva=0x40000000
    pass
breakpoint:
    ebreak
.balign 4
handler:
    addi R10, R10, -1
    beqz R10, out_
    ebreak
out_:
    vmexit
