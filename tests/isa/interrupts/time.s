; The guest's time (specification, 6.2): (machine time * TIMESCALE) / 2^32 + TIMEOFF, modulo 2^64; Ring -1's is the machine's.
; A tick is 100 ns, an instruction 1 ns: the few instructions between two readings are less than a tick or two. To know the
; machine's time exactly, Ring -1 waits for a tick by HVTIMECMP first.
.macro at_tick number               ; the machine's time is `number`, for the next hundred instructions
    put hvie, 0x80
    put hvtimecmp, \number
    wfi
    put hvtimecmp, -1
    put hvie, 0
.endm
main:
    at_tick 1000
    rdtime R6
;= R6 = 1000
    run read
;= exit 0x0c at=read+4, VMR10 = 1000
    at_tick 2000
    put timeoff, 5000
    run read
;= VMR10 = 7000
    at_tick 3000
    put timeoff, -2000
    run read
;= VMR10 = 1000
    at_tick 4000
    put timeoff, -4001
    run read
;= VMR10 = -1
    put timeoff, 0
    at_tick 5000
    put timescale, ONE/2
    run read
;= VMR10 = 2500
    at_tick 6000
    put timescale, 3*ONE
    run read
;= VMR10 = 18000
    at_tick 7000                    ; a scale of 1/2^32: 7000/2^32 is 0
    put timescale, 1
    run read
;= VMR10 = 0
    at_tick 8000                    ; 8000 * (2^64-1) / 2^32 = 8000 * 2^32 - 1 (rounded down)
    put timescale, -1
    run read
;= VMR10 = 8000*0x100000000 - 1
    at_tick 9001                    ; 9001 * 1.5 = 13501.5, + 10
    put timescale, ONE+ONE/2
    put timeoff, 10
    run read, 3
;= trap 2 at=read+4 tval=inst from=3
;= VMR10 = 13511
    ; Ring -1's is not scaled.
    at_tick 10000
    rdtime R6
;= R6 = 10000

    ; stimecmp is in the guest's time: at scale 1/2 and offset 100, 6100 is machine time 12000.
    put timescale, ONE/2
    put timeoff, 100
    put stimecmp, 6100
    put sie, 0x20
    put sstatus, 0x6000
    run wait
;= exit 0x0c at=wait+8, VMR10 = 6100
    rdtime R6
;= R6 = 12000
    ; A scale that does not divide: 3/4. 10501 needs machine time 14001.33 + 1: the first tick with floor(t * 3/4) >= 10501 is
    ; 14002 (10501.5); 14001 gives 10500.75.
    put timescale, 3*(ONE/4)
    put timeoff, 0
    put stimecmp, 10501
    run wait
;= VMR10 = 10501
    rdtime R6
;= R6 = 14002
    ; A negative offset: the guest's time has not wrapped to 0 yet, and so is at or above any stimecmp.
    put timescale, ONE
    put timeoff, -1000000
    put stimecmp, 5
    run wait
;= exit 0x0c at=wait+8
    rdtime R6
;= R6 = 14002
    pass
read:
    rdtime R10
    vmexit
wait:
    HLT
    rdtime R10
    vmexit
