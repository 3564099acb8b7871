; MSRs in rings that may not use them (specification, 1.2, 3.2): bits 9:8 of the number are 0 for Ring 3, 1 for Ring 0, 3 for
; Ring -1; bits 11:10 both set make it read-only. V-ISA's in Ring 0 with b12: 0x10; with b1: 0x01; else illegal instruction.
.macro wrong_in_ring3 label, words
    run \label, 3, VISA
;= trap 2 at=\label tval=inst from=3
;= same except SEPC SCAUSE STVAL SSTATUS VMPC VMRING VMC* VMV* VMQUAL VMINST VMRESULT
    run \label, 3, PRIV|VISA
;= exit 0x01 at=\label ring=3 \words
;= same except VMC* VMV* VMQUAL VMINST VMRESULT
.endm
.macro wrong_in_ring0 label, words
    run \label, 0, 0
;= trap 2 at=\label tval=inst from=0
;= same except SEPC SCAUSE STVAL SSTATUS VMPC VMRING VMC* VMV* VMQUAL VMINST VMRESULT
    run \label, 0, PRIV
;= exit 0x01 at=\label \words
    run \label, 0, VISA
;= exit 0x10 at=\label \words
    run \label, 0, VISA|PRIV
;= exit 0x10 at=\label \words
;= same except VMC* VMV* VMQUAL VMINST VMRESULT
.endm
main:
    put vmr10, 0x1111
    put sscratch, 0x22
    put timeoff, 0x33
    put hvscratch, 0x44
    ; Ring 0's in Ring 3.
    wrong_in_ring3 read_sscratch, read reg=11 code=0x140
    wrong_in_ring3 write_sscratch, write read reg=0 code=0x140 value=0x1111
    wrong_in_ring3 read_threshold, read reg=11 code=0x5c1
    wrong_in_ring3 write_threshold, write read reg=0 code=0x5c1 value=0x1111
    ; In Ring 0 these are what it uses; the VIC's are V-ISA's, and b12 is for them (3.1), b1 is not.
    run read_sscratch, 0, PRIV|VISA
;= exit 0x10 at=read_threshold read reg=11 code=0x5c1
;= VMR11 = 0x22
    run write_threshold, 0, VISA
;= exit 0x10 at=write_threshold write read reg=0 code=0x5c1 value=0x1111
    put victhresh, 0
    run write_threshold, 0, PRIV
;= exit 0x01 at=read_timeoff read reg=11 code=0x7d7
;= VICTHRESH = 0x11
    put victhresh, 0
    ; Ring -1's.
    wrong_in_ring0 read_timeoff, read reg=11 code=0x7d7
    wrong_in_ring3 read_timeoff, read reg=11 code=0x7d7
    wrong_in_ring0 write_timeoff, write read reg=0 code=0x7d7 value=0x1111
    wrong_in_ring3 write_timeoff, write read reg=0 code=0x7d7 value=0x1111
    wrong_in_ring0 read_window, read reg=11 code=0xbca
    wrong_in_ring3 read_window, read reg=11 code=0xbca
    wrong_in_ring0 write_pc, write read reg=0 code=0x7e3 value=0x1111
    wrong_in_ring0 read_hartid, read reg=11 code=0xfc9
    wrong_in_ring3 read_hartid, read reg=11 code=0xfc9
    wrong_in_ring0 write_hvvec, write read reg=0 code=0x7c1 value=0x1111
    ; Writes of read-only MSRs and numbers that are none: illegal everywhere, whatever the filter says.
.macro illegal label
    run \label, 0, PRIV|VISA|MSRS
;= trap 2 at=\label tval=inst from=0
    run \label, 3, PRIV|VISA|MSRS
;= trap 2 at=\label tval=inst from=3
.endm
    illegal write_hartid
    illegal write_time
    illegal read_none
    illegal read_machine_status
    illegal read_hypervisor_status
    illegal read_gap
    ; ... in Ring -1 too.
own_write:
    wrmsr hartid, R10
;= hv 2 at=own_write tval=inst
own_read:
    rdmsr R10, 0x300
;= hv 2 at=own_read tval=inst
own_exit_record:
    wrmsr vmcause, R10
;= hv 2 at=own_exit_record tval=inst

    ; Counters in Ring 3: as scounteren says, bit 0 cycle, 1 time, 2 instret. Otherwise illegal, and no matter of b1.
    put scounteren, 5
    run read_cycle, 3, PRIV
;= trap 2 at=read_time tval=inst from=3
    put scounteren, 7
    run read_cycle, 3, PRIV
;= trap 3 at=counters_end tval=counters_end from=3
    put scounteren, 0
    run read_cycle, 0, PRIV
;= trap 3 at=counters_end tval=counters_end from=0
    run read_cycle, 3, 0
;= trap 2 at=read_cycle tval=inst from=3
    pass
read_sscratch:
;= mark
    MOV R11, CR7
read_threshold:
;= mark
    rdmsr R11, victhresh
write_sscratch:
;= mark
    MOV CR7, R10
write_threshold:
;= mark
    wrmsr victhresh, R10
read_timeoff:
;= mark
    rdmsr R11, timeoff
write_timeoff:
;= mark
    wrmsr timeoff, R10
read_window:
;= mark
    rdmsr R11, vmr10
write_pc:
;= mark
    MOV VMPC, R10
read_hartid:
;= mark
    rdmsr R11, hartid
write_hvvec:
;= mark
    wrmsr hvvec, R10
write_hartid:
    wrmsr hartid, R10
write_time:
    csrw time, R10
read_none:
    csrr R11, 0x1ff
read_machine_status:
    csrr R11, 0x300
read_hypervisor_status:
    csrr R11, 0x600
read_gap:
    csrr R11, 0x5c2
read_cycle:
    rdcycle R11
read_time:
    rdtime R11
    rdinstret R11
counters_end:
    ebreak
