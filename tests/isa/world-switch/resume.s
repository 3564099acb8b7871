; Resume actions (specification, 2.5), and what an exit leaves (2.3).
main:
    ; VMEXIT and ECALL leave VMPC at themselves; retry does them again, complete steps past. VMACTION is cleared.
    run twice
;= exit 0x07 at=twice
    retry
;= exit 0x07 at=twice, VMCOUNT_EMU = 0
    complete 0
;= exit 0x0c at=twice+4, VMCOUNT_EMU = 1, VMACTION = 0
    complete 0
;= exit 0x07 at=twice+8, VMCOUNT_EMU = 2
    ; An exit clears VMACTION, and VMRESULT is 0.
    put vmaction, 0
    run twice
;= exit 0x07 at=twice

    ; Inject an exception: as if it happened at VMPC. From Ring 3 with interrupts on.
    put sstatus, 0x6002
    put vmring, 3
    put vmpc, 0x12345678
    inject 13, 0xbad
;= trap 13 pc=0x12345678 tval=0xbad from=3
;= SSTATUS = 0x8000000200006020, VMRING = 0
    ; From Ring 0 with interrupts off: SPP set, SPIE clear.
    put sstatus, 0x6020
    put vmpc, 0x2000
    inject 2, -1
;= trap 2 pc=0x2000 tval=-1 from=0
;= SSTATUS = 0x8000000200006100
    ; Every number that may be injected. EXCMAP and b4 are for exceptions that happen in the guest, not for these.
.macro injects number
    put excmap, 0x1ff
    put vmtrapcfg, PF
    put vmpc, 0x3000
    put vmring, 3
    inject \number, 0x77
;= trap \number pc=0x3000 tval=0x77 from=3
    put vmtrapcfg, 0
.endm
    injects 0
    injects 1
    injects 2
    injects 3
    injects 4
    injects 5
    injects 6
    injects 7
    injects 8
    injects 9
    injects 12
    injects 13
    injects 15
    put excmap, 0

    ; Interrupts: stval is 0 as for one that comes by itself. Direct: the base; vectored: 4 * number above it.
    put vmpc, 0x4000
    inject (1<<63)|5, 0x77
;= trap 5 interrupt pc=0x4000 tval=0 from=0
;= VMPC = guest_trap
    la t0, vectors+1
    wrmsr stvec, t0
    put vmpc, 0x4000
    inject (1<<63)|1, 0
;= trap 1 interrupt pc=0x4000 from=0
;= VMPC = vectors + 4
    put vmpc, 0x4000
    inject (1<<63)|5, 0
;= VMPC = vectors + 20
    put vmpc, 0x4000
    inject (1<<63)|9, 0
;= VMPC = vectors + 36
    ; An exception goes to the base also when vectored.
    inject 7, 1
;= VMPC = vectors, SCAUSE = 7

    ; Complete after an MSR access writes rd as it is, and R0 not at all.
    la t0, guest_trap
    wrmsr stvec, t0
    put vmr10, 5
    run msr_swap, 0, MSRS
;= exit 0x03 at=msr_swap write read reg=11 code=0x140 value=5 result=0x0
    put vmtrapcfg, 0
    complete 0x8000000000000001
;= exit 0x0c at=msr_swap+4
;= VMR11 = 0x8000000000000001, CR7 = 0

    ; VMPC may be anything even: the guest is not looked at in advance.
    put vmpc, 0x2
    put vmring, 0
    vmresume
;= trap 1 pc=2 tval=2 from=0
    pass
twice:
    ecall
    vmexit
    ecall
msr_swap:
    csrrw R11, sscratch, R10
    vmexit
.balign 64
vectors:
    vmexit
    vmexit
    vmexit
    vmexit
    vmexit
    vmexit
    vmexit
    vmexit
    vmexit
    vmexit
