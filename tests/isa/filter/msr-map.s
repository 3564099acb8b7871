; b2 and the MSR map (specification, 3.1, 3.3): default (b2 decides), pass, trap, shadow; reads and writes; control registers
; exit with 0x03 when written, everything else with 0x08. fflags, frm, fcsr do not trap by b2, but obey the map. The map cannot
; grant what the ring may not use.
; Two bits for each number: sscratch 0x140 is in byte 0x50, bits 1:0; satp 0x180 in byte 0x60; stimecmp 0x14d in byte 0x53,
; bits 3:2; cycle 0xc00 in byte 0x300; fcsr 3 in byte 0, bits 7:6.
.macro policy number, value
    poke MSR_MAP+((\number)>>2), (\value)<<(((\number)&3)*2)
.endm
main:
    put sscratch, 0x5c
    put vmr10, 0xa5
    ; b2 alone.
    run swap, 0, 0
;= exit 0x0c at=swap+4, VMR11 = 0x5c, CR7 = 0xa5
    put sscratch, 0x5c
    run swap, 0, MSRS
;= exit 0x03 at=swap write read reg=11 code=0x140 value=0xa5 result=0x5c
;= CR7 = 0x5c
    run set, 0, MSRS
;= exit 0x03 at=set write read reg=11 code=0x140 value=0xfd result=0x5c
    run clear, 0, MSRS
;= exit 0x03 at=clear write read reg=11 code=0x140 value=0x58 result=0x5c
    run swap_immediate, 0, MSRS
;= exit 0x03 at=swap_immediate write read reg=11 code=0x140 value=0x1f result=0x5c
    run set_immediate, 0, MSRS
;= exit 0x03 at=set_immediate write read reg=11 code=0x140 value=0x5f result=0x5c
    run clear_immediate, 0, MSRS
;= exit 0x03 at=clear_immediate write read reg=11 code=0x140 value=0x40 result=0x5c
    run write, 0, MSRS
;= exit 0x03 at=write write read reg=0 code=0x140 value=0xa5 result=0x5c
    ; Reads, and the set and clear forms with R0 or 0, which do not write.
    run read, 0, MSRS
;= exit 0x08 at=read read reg=11 code=0x140 result=0x5c
    run clear_nothing, 0, MSRS
;= exit 0x08 at=clear_nothing read reg=11 code=0x140 result=0x5c
    run set_nothing, 0, MSRS
;= exit 0x08 at=set_nothing read reg=11 code=0x140 result=0x5c
    ; An MSR that is no control register exits with 0x08 when written, too: victhresh 0x5c1.
    run write_threshold, 0, MSRS
;= exit 0x08 at=write_threshold write read reg=0 code=0x5c1 value=0xa5 result=0
    ; Ring 3 may read the counters; b2 is for either ring.
    run read_cycle, 3, 0
;= trap 2 at=read_cycle+4 tval=inst from=3
    run read_cycle, 3, MSRS
;= VMCAUSE = 0x08, VMCODE = 0xc00, VMRING = 3, VMQUAL = 0x34002000|11<<16
    ; b2 also for satp: write 0x03 without b3, read 0x08.
    run read_satp, 0, MSRS
;= exit 0x08 at=read_satp read reg=11 code=0x180
    run write_satp, 0, MSRS
;= exit 0x03 at=write_satp write read reg=0 code=0x180 value=0xa5

    put msrmap, MSR_MAP
    ; Default.
    policy 0x140, 0
    run swap, 0, MSRS
;= exit 0x03 at=swap write read reg=11 code=0x140 value=0xa5 result=0x5c
    ; Pass: no exit, whatever b2 says.
    policy 0x140, 1
    run swap, 0, MSRS
;= exit 0x0c at=swap+4, VMR11 = 0x5c, CR7 = 0xa5
    ; ... and, for satp, b3.
    policy 0x180, 1
    put vmr10, 0x0000100000000000
    run write_satp, 0, MSRS|CR3W
;= exit 0x0c at=write_satp+4, CR3 = 0x0000100000000000
    policy 0x180, 0
    run write_satp, 0, CR3W
;= exit 0x03 at=write_satp write read reg=0 code=0x180 value=0x0000100000000000 result=0x0000100000000000
    put gptbr, 0
    put vmr10, 0xa5
    ; Trap, whatever b2 says.
    policy 0x140, 2
    put sscratch, 0x5c
    run swap, 0, 0
;= exit 0x03 at=swap write read reg=11 code=0x140 value=0xa5 result=0x5c
    run read, 0, 0
;= exit 0x08 at=read read reg=11 code=0x140 result=0x5c
    policy 0x180, 2
    run read_satp, 0, 0
;= exit 0x08 at=read_satp read reg=11 code=0x180
    policy 0x180, 0
    ; Shadow: reads come from the table; without a table they are zero; accesses that write exit, with the old value that reads give.
    policy 0x140, 3
    put vmr11, -1
    run read, 0, MSRS
;= exit 0x0c at=read+4, VMR11 = 0
    put msrshadow, MSR_SHADOW
    poke MSR_SHADOW+0x140*8, 0x123456789abcdef0
    run read, 0, MSRS
;= exit 0x0c at=read+4, VMR11 = 0x123456789abcdef0, CR7 = 0x5c
    run clear_nothing, 0, 0
;= exit 0x0c at=clear_nothing+4, VMR11 = 0x123456789abcdef0
    run swap, 0, 0
;= exit 0x03 at=swap write read reg=11 code=0x140 value=0xa5 result=0x123456789abcdef0
    run set, 0, 0
;= exit 0x03 at=set write read reg=11 code=0x140 value=0x123456789abcdef5 result=0x123456789abcdef0
    ; A change of map or table takes effect at once.
    poke MSR_SHADOW+0x140*8, 7
    run read, 0, 0
;= VMR11 = 7

    ; Floating-point MSRs.
    put vmfcsr, 0x61
    run read_fcsr, 0, MSRS
;= exit 0x0c at=read_fcsr+4, VMR11 = 0x61
    run read_fcsr, 3, MSRS
;= trap 2 at=read_fcsr+4 tval=inst from=3
    policy 3, 2
    run read_fcsr, 0, 0
;= exit 0x08 at=read_fcsr read reg=11 code=3 result=0x61
    run read_fcsr, 3, 0
;= exit 0x08 at=read_fcsr ring=3 read reg=11 code=3 result=0x61
    run write_fcsr, 3, 0
;= exit 0x08 at=write_fcsr ring=3 write read reg=0 code=3 value=0xa5 result=0x61
    policy 3, 3
    poke MSR_SHADOW+3*8, 0x1f
    run read_fcsr, 3, 0
;= trap 2 at=read_fcsr+4 tval=inst from=3
;= VMR11 = 0x1f

    ; The map cannot grant: Ring -1's MSRs to Ring 0, Ring 0's to Ring 3, writes of read-only ones, numbers that are no MSR.
    poke MSR_MAP+(0x7c2>>2), 0x5555555555555555
    poke MSR_MAP+(0xc00>>2), 0x5555555555555555
    poke MSR_MAP+(0x180>>2), 0x5555555555555555
    run read_hvscratch, 0, 0
;= trap 2 at=read_hvscratch tval=inst from=0
    run write_satp, 3, 0
;= trap 2 at=write_satp tval=inst from=3
    run write_cycle, 0, 0
;= trap 2 at=write_cycle tval=inst from=0
    run read_none, 0, MSRS|PRIV|VISA
;= trap 2 at=read_none tval=inst from=0
    ; ... and forbids nothing that is illegal anyway: an MSR that does not exist with policy trap.
    poke MSR_MAP+(0x17f>>2), -1
    run read_none, 0, 0
;= trap 2 at=read_none tval=inst from=0
    pass
swap:
    csrrw R11, sscratch, R10
    vmexit
set:
    csrrs R11, sscratch, R10
    vmexit
clear:
    csrrc R11, sscratch, R10
    vmexit
swap_immediate:
    csrrwi R11, sscratch, 31
    vmexit
set_immediate:
    csrrsi R11, sscratch, 31
    vmexit
clear_immediate:
    csrrci R11, sscratch, 31
    vmexit
write:
    WRMSR sscratch, R10
    vmexit
read:
    RDMSR R11, 0x140
    vmexit
clear_nothing:
    csrrc R11, sscratch, zero
    vmexit
set_nothing:
    csrrsi R11, sscratch, 0
    vmexit
write_threshold:
    WRMSR 0x5C1, R10
    vmexit
read_cycle:
    rdcycle R11
    vmexit
read_satp:
    MOV R11, CR3
    vmexit
write_satp:
    MOV CR3, R10
    vmexit
read_fcsr:
    frcsr R11
    vmexit
write_fcsr:
    fscsr R10
    vmexit
read_hvscratch:
    rdmsr R11, hvscratch
write_cycle:
    csrw cycle, R10
read_none:
    csrr R11, 0x17f
