; A hypervisor that has taken the guest's halt, timer and external interrupt halts on its behalf: what the guest's sie enables ends
; WFI in Ring -1 whatever VMTRAPCFG keeps from the guest's sip (specification, 2.7).
main:
    put sie, 0x20
    put stimecmp, 2000
    run halts, 0, TIMER|HALT
;= exit 0x0a at=halts
    rdmsr R10, sip
;= R10 = 0
    wfi
    rdmsr R11, time
;= R11 = 2000
    ; The next entry finds it due.
    retry
;= exit 0x05 pc=halts code=5
    pass
halts:
    HLT
    vmexit
