; VINT_SEND's operand (specification, 6.1): bits 5:0 the vector, 31:16 the target, others zero. Vector 0, an undefined bit, or in
; Ring -1 a hart that does not exist: exception 24 in Ring -1, an illegal instruction in a guest. A virtual CPU of the guest's VM
; that no hart has current: exit 0x10, with the operand in VMVALUE.
.macro guest_illegal operand
    put vmr10, \operand
    run send
;= trap 2 at=send tval=0x0005300b from=0
;= VICPEND = 0
.endm
.macro host_bad operand
    li R10, \operand
;= mark
    VINT_SEND R10
;= hv 24 tval=0, same except HV*
.endm
main:
    guest_illegal 0
    guest_illegal 1<<6|1
    guest_illegal 1<<15|1
    guest_illegal 1<<32|1
    guest_illegal 1<<63
    guest_illegal 1<<63|1
    guest_illegal -1
    ; Not resident.
    put vmr10, 1<<16|5
    run send
;= exit 0x10 at=send value=0x10005
;= VICPEND = 0
    complete 0
;= exit 0x0c at=send+4
    ; With b12 everything exits, resident or not.
    put vmr10, 5
    run send, 0, VISA
;= exit 0x10 at=send value=5
    run acknowledge, 0, VISA
;= exit 0x10 at=acknowledge read reg=11
    put vmtrapcfg, 0
    complete 0x2a
;= exit 0x0c at=acknowledge+4, VMR11 = 0x2a
    run status, 0, VISA
;= exit 0x10 at=status read reg=11
    ; Ring 3: not for it.
    run send, 3, VISA
;= trap 2 at=send tval=inst from=3
    run acknowledge, 3, 0
;= trap 2 at=acknowledge tval=inst from=3
    run status, 3, 0
;= trap 2 at=status tval=inst from=3
    run send, 3, PRIV
;= exit 0x01 at=send ring=3 value=5
    run acknowledge, 3, PRIV
;= exit 0x01 at=acknowledge ring=3 read reg=11
    run status, 3, PRIV
;= exit 0x01 at=status ring=3 read reg=11
;= VICPEND = 0

    ; Ring -1.
    host_bad 0
    host_bad 1<<6|1
    host_bad 1<<32|1
    host_bad 1<<62|1
    host_bad 1<<16|1                ; there is no hart 1
    host_bad 1<<63|1                ; the host bit goes with vector 0
    host_bad 1<<63|1<<16
    li R10, 9
    VINT_SEND R10
;= VICPEND = 1<<9
    put vicenab, 1<<9
    VINT_STAT R11
    VINT_ACK R12
    VINT_ACK R13
;= R11 = 1<<9, R12 = 9, R13 = 0, VICPEND = 0
    pass
send:
    VINT_SEND R10
    vmexit
acknowledge:
    VINT_ACK R11
    vmexit
status:
    VINT_STAT R11
    vmexit
