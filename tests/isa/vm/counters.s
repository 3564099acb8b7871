; VMCOUNT_EXIT, VMCOUNT_EMU and VMCOUNT_TLBMISS (specification, chapter 7): read-only in every ring, readable in Ring 0 and
; Ring -1, not in Ring 3; with b12 a read in Ring 0 exits with 0x10.
main:
    ; Ring -1: reads work, writes are illegal. CSRRW 0xDC0, R1: 0xdc0<<20 | 1<<15 | 1<<12 | 0x73.
    run leave
    rdmsr R5, VMCOUNT_EXIT
    rdmsr R6, VMCOUNT_EMU
    rdmsr R7, VMCOUNT_TLBMISS
;= R5 = 1, R6 = 0, R7 = 0
;= mark
write0:
    wrmsr VMCOUNT_EXIT, R1
;= hv 2 at=write0 tval=0xdc009073
write1:
    csrs VMCOUNT_EMU, R1
;= hv 2 at=write1 tval=0xdc10a073
write2:
    csrwi VMCOUNT_TLBMISS, 1
;= hv 2 at=write2 tval=0xdc20d073
;= same except HV*

    ; Ring 0 and Ring 3: an illegal instruction of the guest, whatever b1, b2 and b12 say (3.2).
.macro guest_write label
    run \label, 0, PRIV|VISA|MSRS
;= trap 2 at=\label tval=inst from=0
    run \label, 3, PRIV|VISA|MSRS
;= trap 2 at=\label tval=inst from=3
    run \label, 0, 0
;= trap 2 at=\label tval=inst from=0
.endm
    guest_write guest_write0
    guest_write guest_write1
    guest_write guest_write2

    ; Reads: Ring 0 yes. So far 1 + 9 exits.
    run read0
;= exit 0x0c at=read0_end, VMR5 = 10, VMR6 = 0, VMR7 = 0
    run read0, 0, VISA
;= exit 0x10 at=read0 read reg=5 code=0xdc0 result=11
    ; Complete counts in VMCOUNT_EMU, and gives R5 what Ring -1 says.
    put vmtrapcfg, 0
    complete 0x99
;= exit 0x0c at=read0_end, VMR5 = 0x99, VMR6 = 1, VMCOUNT_EXIT = 13
    ; b2 makes MSR reads exit with 0x08.
    run read0, 0, MSRS
;= exit 0x08 at=read0 read reg=5 code=0xdc0 result=13
    ; Ring 3: not at all.
    run read0, 3, 0
;= trap 2 at=read0 tval=inst from=3
    run read0, 3, PRIV
;= exit 0x01 at=read0 ring=3 read reg=5 code=0xdc0
    ; They go with the VMCS.
    fresh
;= VMCOUNT_EXIT = 0, VMCOUNT_EMU = 0
    pass
read0:
    rdmsr R5, VMCOUNT_EXIT
    rdmsr R6, VMCOUNT_EMU
    rdmsr R7, VMCOUNT_TLBMISS
read0_end:
    vmexit
guest_write0:
    wrmsr VMCOUNT_EXIT, R1
guest_write1:
    csrs VMCOUNT_EMU, R1
guest_write2:
    csrwi VMCOUNT_TLBMISS, 1
