; VMSAVE stores a resume action that has not been done; *complete* needs the exit record, which VMLOAD does not load, so that such a
; VMCS is refused (specification, 2.5 and 2.7). *Inject* needs none, and is done after a VMLOAD.
main:
    run call
;= exit 0x07 at=call
    put vmaction, 1
    VMSAVE
;= mark
    VMLOAD
;= refused 0x058
    ; What is current is as it was, and can still be completed.
    vmresume
;= VMCAUSE = 0x0c, VMPC = call+4, VMCOUNT_EMU = 1
    put vmaction, 2
    put vminject, 2
    put vmresult, 0x1234
    VMSAVE
    VMLOAD
    vmresume
;= trap 2 pc=call+4 tval=0x1234 from=0
    pass
call:
    ecall
    vmexit
