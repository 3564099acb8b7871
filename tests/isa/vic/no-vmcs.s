; Without a current VMCS the hart's controller is what its MSRs hold (specification, 2.1 and 6.1): VINT_SEND of Ring -1 reaches it,
; VINT_STAT and VINT_ACK act on it, and a VMLOAD replaces it, as all of the guest's state.
;! bare
_start:
    li R10, 9
    VINT_SEND R10
    VINT_STAT R11
;= R11 = 1<<9, VMCSPTR = -1
    put vicenab, -1
    VINT_ACK R11
;= R11 = 9, VICPEND = 0
    VINT_SEND R10
    make_vmcs VMCS
    li R9, VMCS
    VMLOAD R9
;= VMCSPTR = VMCS, VICPEND = 0, VICENAB = 0
    pass
guest_trap:
    vmexit
