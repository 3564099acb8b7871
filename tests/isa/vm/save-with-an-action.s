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
    ; What is current is as it was, but for the exit record, which is the refusal's (2.7): there is nothing to complete any more.
;= VMACTION = 1, VMPC = call, VMCOUNT_EMU = 0
    vmresume
;= refused 0x058
    put vmaction, 2
    put vminject, 2
    put vmresult, 0x1234
    VMSAVE
    VMLOAD
    vmresume
;= trap 2 pc=call tval=0x1234 from=0
    pass
call:
    ecall
    vmexit
