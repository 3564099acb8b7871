; The virtual interrupt controller as a guest sees it (specification, 6.1): VINT_SEND to itself, VINT_ACK by urgency, VINT_STAT,
; threshold and enables, without an exit. Vectors 1 to 63, a lower number is more urgent.
;! exits vmexit-instruction=6
main:
    put vcpuid, 7
    base hptbr, 0, 3, 0
    put vmr10, 7<<16|40
    put vmr11, 7<<16|3
    put vmr12, 7<<16|63
    run sends
    ; Three are pending; none is enabled: none is acknowledged.
;= exit 0x0c at=sends_end, VMR13 = 1<<40|1<<3|1<<63, VMR14 = 0
;= VICPEND = 1<<40|1<<3|1<<63
    ; All enabled: 3, 40, 63 in this order, then 0.
    run acknowledges
;= exit 0x0c at=acknowledges_end
;= VMR15 = 3, VMR16 = 40, VMR17 = 63, VMR18 = 0, VMR19 = 1<<40|1<<63, VICPEND = 0
    ; Threshold 40: 40 itself is not below it, 3 is. 0: every vector.
    put vicpend, 1<<40|1<<3
    run threshold
;= exit 0x0c at=threshold_end
;= VMR15 = 3, VMR16 = 0, VMR17 = 40, VMR18 = 0
    ; VINT_ACK without a register takes it, too.
    put vicpend, 1<<9|1<<10
    run drops
;= exit 0x0c at=drops_end, VICPEND = 1<<10
    ; Interrupt: sip.SEIP; acknowledged, it is gone, and the guest returns. R20 counts.
    la t0, handler
    wrmsr stvec, t0
    put sie, 0x200
    put sstatus, 0x6002
    put vicpend, 0
    run interrupts
;= exit 0x0c at=interrupts_end
;= VMR20 = 2, VMR21 = 3, SCAUSE = (1<<63)|9, VICPEND = 0
    ; b1 does not matter in Ring 0: these are for it.
    la t0, guest_trap
    wrmsr stvec, t0
    put sie, 0
    put vicpend, 1<<9
    run drops, 0, PRIV|MSRS
;= exit 0x0c at=drops_end, VICPEND = 0
    pass
sends:
    VINT_SEND R10
    VINT_SEND R11
    VINT_SEND R12
    VINT_STAT R13
    VINT_ACK R14
sends_end:
    vmexit
acknowledges:
    li R5, -1
    wrmsr vicenab, R5
    VINT_ACK R15
    VINT_STAT R19
    VINT_ACK R16
    VINT_ACK R17
    VINT_ACK R18
acknowledges_end:
    vmexit
threshold:
    li R5, 40
    wrmsr victhresh, R5
    VINT_ACK R15
    VINT_ACK R16
    wrmsr victhresh, zero
    VINT_ACK R17
    VINT_ACK R18
threshold_end:
    vmexit
drops:
    VINT_ACK
drops_end:
    vmexit
interrupts:
    VINT_SEND R10
    VINT_SEND R11
interrupts_end:
    vmexit
.balign 4
handler:
    VINT_ACK R21
    addi R20, R20, 1
    sret
