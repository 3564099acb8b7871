; Ring -1's own exceptions (specification, 1.4): HVEPC, HVCAUSE, HVTVAL, HIE to HPIE; what is illegal in Ring -1 (1.1: SRET alone
; of the base; 2.3: VMEXIT).
main:
    put hvstatus, 0
;= mark
sret_:
    sret
;= hv 2 at=sret_ tval=0x10200073
vmexit_:
    VMEXIT
;= hv 2 at=vmexit_ tval=0x0400000b
call:
    ecall
;= hv 11 at=call tval=0
breakpoint:
    ebreak
;= hv 3 at=breakpoint tval=breakpoint
nothing:
    .word 0xffffffff
;= hv 2 at=nothing tval=0xffffffff
    ; Loads and stores where nothing is, misaligned atomics.
    li R11, 0x40000001
load:
    ld R10, 0(R11)
;= hv 5 at=load tval=0x40000001
store:
    sd R10, 0(R11)
;= hv 7 at=store tval=0x40000001
amo:
    amoadd.w R10, R10, (R11)
;= hv 6 at=amo tval=0x40000001
reserve:
    lr.d R10, (R11)
;= hv 4 at=reserve tval=0x40000001
    ; Atomics reach RAM alone.
    li R11, 0x0c000000
amo_device:
    amoadd.w R10, R10, (R11)
;= hv 7 at=amo_device tval=0x0c000000
lr_device:
    lr.w R10, (R11)
;= hv 5 at=lr_device tval=0x0c000000
    ; A device takes naturally aligned accesses alone.
    li R11, 0x0c000002
misaligned_device:
    lw R10, 0(R11)
;= hv 5 at=misaligned_device tval=0x0c000002
    ; Over the end of RAM.
    li R11, END_OF_RAM-4
half_outside:
    ld R10, 0(R11)
;= hv 5 at=half_outside tval=END_OF_RAM
half_stored:
    sd R10, 0(R11)
;= hv 7 at=half_stored tval=END_OF_RAM, mem32[END_OF_RAM-4] = 0
;= same except HV* HR10 HR11
    pass
