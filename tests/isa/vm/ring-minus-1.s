; The world-switch instructions where they belong, in Ring -1 (specification, 2.2, 2.3, 2.7), and VMSAVE and VMLOAD's
; edges: alignment, RAM, no current VMCS.
main:
    ; VMCAUSE reads the cause; after an exit by VMEXIT that is 0x0C.
    run leave
    VMCAUSE R5
;= R5 = 0x0c, VMCAUSE = 0x0c, VMCOUNT_EXIT = 1
    VMCAUSE R0
;= R0 = 0

    ; Entering and leaving changes the bank and moves nothing: Ring -1's registers are as they were, the guest's are its own.
    li R6, 0x1111
    li R7, 0x2222
    put vmr6, 0x3333
    run counts
;= exit 0x0c at=counts_end
;= R6 = 0x1111, R7 = 0x2222, VMR6 = 0x3334, VMR7 = 0x7777
    fmv.d.x f3, R6
;= F3 = 0x1111, VMF3 = 0

    ; VMENTER of the current VMCS does not load it: the live state goes on.
    put vmr6, 0x5000
    la t0, counts
    wrmsr vmpc, t0
    li R8, VMCS
    VMENTER R8
;= VMR6 = 0x5001, VMCSPTR = VMCS
    ; VMENTER of another loads it first; the first VM's live state is gone, for nobody saved it.
    li R8, VMCS2
    VMENTER R8
;= exit 0x0c at=guest_trap
;= VMCSPTR = VMCS2, VMR6 = 0, VMCOUNT_EXIT = 1

    ; VMSAVE with R0 writes the current page; VMLOAD with R0 reads it again.
    put vmr6, 0x7070
    VMSAVE
;= mem64[VMCS2 + 0x230] = 0x7070, mem64[VMCS2] = 0x000141534956
    put vmr6, 0x8080
    VMLOAD
;= VMR6 = 0x7070, VMCSPTR = VMCS2
    ; With a register that holds 0 the address is 0, where no RAM is.
    li R9, 0
save_at_0:
    VMSAVE R9
;= hv 7 at=save_at_0 tval=0
load_at_0:
    VMLOAD R9
;= hv 5 at=load_at_0 tval=0

    ; Not aligned, not in RAM, at the end of RAM: access faults of Ring -1, load for VMENTER and VMLOAD, store for VMSAVE.
.macro refuses address
    li R9, \address
;= mark
    VMENTER R9
;= hv 5 tval=\address, same except HV*
    VMLOAD R9
;= hv 5 tval=\address
    VMSAVE R9
;= hv 7 tval=\address, same except HV*
.endm
    refuses VMCS+8
    refuses VMCS+0x800
    refuses 0x7ffff000
    refuses END_OF_RAM
    refuses 0x10000000
    refuses -4096
    ; The last page of RAM is a page like another (REVISION is wrong there: field 0).
    li R9, END_OF_RAM-4096
;= mark
    VMLOAD R9
;= refused 0
    VMSAVE R9
    VMLOAD R9
;= VMCSPTR = END_OF_RAM - 4096, VMR6 = 0x7070
    pass

counts:
    addi R6, R6, 1
    li R7, 0x7777
counts_end:
    vmexit
