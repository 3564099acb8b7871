; VMSAVE stores guest state, controls, exit record and counters at the offsets of the VMCS table (specification, 2.7 and
; tables/vmcs.md); VMLOAD reads all but the exit record; what does not exist in a supervisor's MSR is dropped (2.6).
main:
    put vmtrapcfg, 0x2
    put hptbr, 0x8001000000080120
    put excmap, 0x104
    put msrmap, MSR_MAP
    put msrshadow, MSR_SHADOW
    put iomap, IO_MAP
    put timeoff, 0x1122
    put timescale, 0x80000000
    put vcpuid, 0x77
    put vmresult, 0x123
    put vminject, 0x456
    put vmpc, 0x80000002
    put vmring, 3
    put vmfcsr, 0xe1
    put sstatus, 0x6000|1<<8|1<<5|1<<1|1<<18|1<<19
    put sie, 0x222
    put sip, 2
    put stvec, 0x80000101
    put scounteren, 5
    put senvcfg, 1
    put sscratch, 0xabc
    put sepc, 0x80000202
    put scause, 0xd
    put stval, 0xdef
    put stimecmp, 0x999
    put gptbr, 0x9fff000000080130
    put vicpend, 0x12
    put vicenab, 0x34
    put victhresh, 0x3f
    put vmr1, 0x101
    put vmr31, 0x131
    put vmf0, 0x200
    put vmf31, 0x231
    li R9, VMCS2
    VMSAVE R9
;= mem64[VMCS2+0x000] = 0x000141534956
;= mem64[VMCS2+0x010] = 2, mem64[VMCS2+0x018] = 0x8001000000080120, mem64[VMCS2+0x020] = 0x104
;= mem64[VMCS2+0x028] = MSR_MAP, mem64[VMCS2+0x030] = MSR_SHADOW, mem64[VMCS2+0x038] = IO_MAP
;= mem64[VMCS2+0x040] = 0x1122, mem64[VMCS2+0x048] = 0x80000000, mem64[VMCS2+0x050] = 0x77
;= mem64[VMCS2+0x058] = 0, mem64[VMCS2+0x060] = 0x123, mem64[VMCS2+0x068] = 0x456
;= mem64[VMCS2+0x100] = 0x80000002, mem64[VMCS2+0x108] = 3, mem64[VMCS2+0x110] = 0xe1
; sstatus reads with UXL = 2 (bits 33:32) and, FS being dirty, SD (bit 63).
;= mem64[VMCS2+0x118] = 0x80000002000c6122
;= mem64[VMCS2+0x120] = 0x222, mem64[VMCS2+0x128] = 2, mem64[VMCS2+0x130] = 0x80000101
;= mem64[VMCS2+0x138] = 5, mem64[VMCS2+0x140] = 1, mem64[VMCS2+0x148] = 0xabc, mem64[VMCS2+0x150] = 0x80000202
;= mem64[VMCS2+0x158] = 0xd, mem64[VMCS2+0x160] = 0xdef, mem64[VMCS2+0x168] = 0x999
;= mem64[VMCS2+0x170] = 0x9fff000000080130
;= mem64[VMCS2+0x178] = 0x12, mem64[VMCS2+0x180] = 0x34, mem64[VMCS2+0x188] = 0x3f
;= mem64[VMCS2+0x200] = 0, mem64[VMCS2+0x208] = 0x101, mem64[VMCS2+0x2f8] = 0x131
;= mem64[VMCS2+0x300] = 0x200, mem64[VMCS2+0x3f8] = 0x231
    ; To another VMCS and back: everything is there again.
;= mark
    fresh
;= VMR31 = 0, EXCMAP = 0, VMCSPTR = VMCS, CR3 = 0
    VMLOAD R9
;= same except HR5 VMCSPTR
;= VMCSPTR = VMCS2

    ; The exit record is stored, and not loaded: VMLOAD leaves none. The counters are both.
    fresh
    run call
;= exit 0x07 at=call, VMCOUNT_EXIT = 1
    VMSAVE R9
;= mem64[VMCS2+0x400] = 7, mem64[VMCS2+0x408] = 0x04000000, mem64[VMCS2+0x410] = 0x73, mem64[VMCS2+0x500] = 1
    poke VMCS2+0x400, 3
    poke VMCS2+0x418, 0x1234
    poke VMCS2+0x500, 0x1000
    poke VMCS2+0x508, 0x2000
    poke VMCS2+0x510, 0x3000
    VMLOAD R9
;= VMCAUSE = 0, VMGVA = 0, VMQUAL = 0, VMINST = 0, VMCOUNT_EXIT = 0x1000, VMCOUNT_EMU = 0x2000, VMCOUNT_TLBMISS = 0x3000
    run call
;= VMCOUNT_EXIT = 0x1001

    ; Bits that do not exist are dropped, as a write of the MSR drops them.
    poke VMCS2+0x118, -1
    poke VMCS2+0x120, -1
    poke VMCS2+0x128, -1
    poke VMCS2+0x130, -1
    poke VMCS2+0x138, -1
    poke VMCS2+0x140, -1
    poke VMCS2+0x150, -1
    poke VMCS2+0x200, -1
    VMLOAD R9
;= CR0 = 0x80000002000c6122, SIE = 0x222, SIP = 2, STVEC = -3, SCOUNTEREN = 7, SENVCFG = 1, SEPC = -2, VMR0 = 0
    pass
call:
    ecall
