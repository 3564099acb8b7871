; "Checks on entry" (specification, 2.6), with the field wrong in the live state: VMRESUME, and VMENTER of the current VMCS.
; VMCAUSE is 0x0E, VMQUAL names the field's offset in bits 63:48, nothing else has changed, and Ring -1 goes on at the next
; instruction. VICENAB and VICTHRESH cannot hold what would be wrong, and there is no REVISION: those are in page.s.
.macro bad offset, msr, value
    fresh
    put \msr, \value
    li R8, VMCS
;= mark
    VMRESUME
;= refused \offset
;= mark
    VMENTER R8
;= refused \offset
.endm
.macro good msr, value
    fresh
    put \msr, \value
    la t0, leave
    wrmsr vmpc, t0
    VMRESUME
;= VMCAUSE = 0x0c
.endm
main:
    ; TRAPCFG: no undefined bits. b12 is the last.
    bad 0x010, vmtrapcfg, 1<<13
    bad 0x010, vmtrapcfg, 1<<63
    bad 0x010, vmtrapcfg, -1
    ; NESTED_BASE: mode 0, 8, 9; bits 59:58 zero; the root in RAM.
    bad 0x018, hptbr, 1<<60
    bad 0x018, hptbr, 7<<60|0x80120
    bad 0x018, hptbr, 10<<60|0x80120
    bad 0x018, hptbr, 15<<60|0x80120
    bad 0x018, hptbr, 8<<60|1<<58|0x80120
    bad 0x018, hptbr, 8<<60|1<<59|0x80120
    bad 0x018, hptbr, 8<<60|0x7ffff
    bad 0x018, hptbr, 8<<60|0x80200
    bad 0x018, hptbr, 9<<60|0xfffffffffff
    bad 0x018, hptbr, 1<<58
    ; EXCEPTION_MAP: bits 8:0.
    bad 0x020, excmap, 1<<9
    bad 0x020, excmap, 1<<12
    bad 0x020, excmap, 1<<63
    good excmap, 0x1ff
    ; Maps: 0, or a multiple of 4096 with all of the map in RAM (1 KiB, 32 KiB, 16 KiB).
    bad 0x028, msrmap, MSR_MAP+8
    bad 0x028, msrmap, MSR_MAP+0x400
    bad 0x028, msrmap, END_OF_RAM
    bad 0x028, msrmap, 0x1000
    bad 0x028, msrmap, -4096
    good msrmap, END_OF_RAM-0x1000
    bad 0x030, msrshadow, MSR_SHADOW+8
    bad 0x030, msrshadow, END_OF_RAM-0x7000
    bad 0x030, msrshadow, 0x7ffff000
    good msrshadow, END_OF_RAM-0x8000
    bad 0x038, iomap, IO_MAP+1
    bad 0x038, iomap, END_OF_RAM-0x3000
    bad 0x038, iomap, 0x10000000
    good iomap, END_OF_RAM-0x4000
    bad 0x048, timescale, 0
    good timescale, 1
    good timescale, -1
    bad 0x050, vcpuid, 0x10000
    bad 0x050, vcpuid, -1
    good vcpuid, 0xffff
    ; ACTION: 0, 1, 2; complete only after an instruction's exit, and there has been none.
    bad 0x058, vmaction, 3
    bad 0x058, vmaction, -1
    bad 0x058, vmaction, 1
    ; INJECT, if the action is inject: the exceptions 0 to 9, 12, 13, 15, the interrupts 1, 5, 9.
.macro bad_inject value
    fresh
    put vmaction, 2
    put vminject, \value
;= mark
    VMRESUME
;= refused 0x068
.endm
    bad_inject 10
    bad_inject 11
    bad_inject 14
    bad_inject 16
    bad_inject 24
    bad_inject 1<<62
    bad_inject 1<<63
    bad_inject 1<<63|2
    bad_inject 1<<63|3
    bad_inject 1<<63|7
    bad_inject 1<<63|11
    bad_inject 1<<63|64
    bad_inject 1<<63|65
    bad_inject -1
    ; Otherwise it does not matter.
    good vminject, -1
    bad 0x100, vmpc, 0x80000001
    bad 0x100, vmpc, -1
    bad 0x108, vmring, 1
    bad 0x108, vmring, 2
    bad 0x108, vmring, 4
    bad 0x108, vmring, 0xff
    bad 0x108, vmring, -1
    bad 0x108, vmring, 0x100000000
    bad 0x110, vmfcsr, 0x100
    bad 0x110, vmfcsr, 0x80000000
    good vmfcsr, 0xff
    ; PAGE_TABLE_BASE: LDGPTBR takes what the next entry refuses; MOV CR3 ignores a mode that does not exist, as in the base.
    bad 0x170, gptbr, 1<<60
    bad 0x170, gptbr, 10<<60
    fresh
    put gptbr, 0x8000000000080130
    put satp, 10<<60
;= CR3 = 0x8000000000080130
    put gptbr, 10<<60|5
;= CR3 = 0xa000000000000005
    bad 0x178, vicpend, 1
    good vicpend, 0xfffffffffffffffe
    fresh
    put vicenab, -1
    put victhresh, -1
;= VICENAB = 0xfffffffffffffffe, VICTHRESH = 63

    ; The order: with everything wrong at once, each repair shows the next.
    fresh
    put vmtrapcfg, -1
    put hptbr, -1
    put excmap, -1
    put msrmap, 1
    put msrshadow, 1
    put iomap, 1
    put timescale, 0
    put vcpuid, -1
    put vmaction, 3
    put vminject, -1
    put vmpc, 1
    put vmring, 1
    put vmfcsr, 0x100
    put gptbr, -1
    put vicpend, 1
.macro next offset, msr, value
;= mark
    VMRESUME
;= refused \offset
    put \msr, \value
.endm
    next 0x010, vmtrapcfg, 0
    next 0x018, hptbr, 0
    next 0x020, excmap, 0
    next 0x028, msrmap, 0
    next 0x030, msrshadow, 0
    next 0x038, iomap, 0
    next 0x048, timescale, ONE
    next 0x050, vcpuid, 0
    next 0x058, vmaction, 1
    next 0x058, vmaction, 2
    next 0x068, vminject, 2
    next 0x100, vmpc, 0x2000
    next 0x108, vmring, 3
    next 0x110, vmfcsr, 0
    next 0x170, gptbr, 0
    next 0x178, vicpend, 0
    VMRESUME
;= trap 2 pc=0x2000 from=3

    ; A failed entry leaves the rest of the last exit's record alone (nothing else changes), but for VMQUAL: with that the
    ; instruction's length is gone, so that it can no longer be completed.
    fresh
    put vmr11, 0x1234
    run port, 0, IO
;= exit 0x02 at=port write size=1 code=0x1234
    put vmpc, 1
;= mark
    VMRESUME
;= refused 0x100
;= VMCODE = 0x1234, VMINST = mem32[port]
    put vmpc, 0x2000
    put vmaction, 1
;= mark
    VMRESUME
;= refused 0x058
    pass
port:
    OUT R11, R0
