; While a VMCS is current memory is not looked at (specification, 2.1): a guest that can reach the page changes nothing
; but what a later VMLOAD or VMENTER reads, and checks again.
main:
    nested39 7
    put vmtrapcfg, PAUSES
    la t0, scribbler
    wrmsr vmpc, t0
    VMRESUME
    ; The guest filled the page with ones, paused, and reads its own state.
;= exit 0x14 at=scribbled
;= mem64[VMCS] = -1, mem64[VMCS+0x18] = -1, mem64[VMCS+0xff8] = -1
;= HPTBR = 0x8000700000080120, VMTRAPCFG = PAUSES, VMCSPTR = VMCS, STVEC = guest_trap, EXCMAP = 0
    complete 0
;= exit 0x0c at=after_scribbling, VMR5 = 0x600d
    ; VMENTER of the current VMCS does not read it.
    li R9, VMCS
    la t0, leave
    wrmsr vmpc, t0
    VMENTER R9
;= exit 0x0c at=leave
    ; VMLOAD does, and refuses it.
;= mark
    VMLOAD R9
;= refused 0
;= mark
    VMLOAD
;= refused 0
    ; With REVISION put right the next field is what is wrong.
    poke VMCS, 0x000141534956
;= mark
    VMLOAD R9
;= refused 0x010
    ; The live state goes on, and VMSAVE heals the page.
    VMSAVE
    VMLOAD
    go leave
;= exit 0x0c at=leave, mem64[VMCS+0x18] = 0x8000700000080120
    pass
scribbler:
    li R6, VMCS
    li R7, VMCS+4096
    li R8, -1
1:  sd R8, (R6)
    addi R6, R6, 8
    bne R6, R7, 1b
scribbled:
    pause
    li R5, 0x600d
after_scribbling:
    vmexit
