; A vector is for a virtual CPU of a VM (specification, 6.1), not for whatever its hart runs by the time it comes. Hart 0's
; guest, in VM 5, sends to virtual CPU 1, which hart 1 has current until it sees that the guest is about to; then hart 1
; stores that VMCS and loads one of VM 6. Either the vector came before, and is in the VMCS, or the guest exits with 0x10.
;! harts 2
;! limit 2000000
.equ THIRD, 0x80150000
main:
    rdmsr R20, hartid
    li R8, DATA
    put vmr8, DATA
    bnez R20, other
    put hptbr, 5<<44
1:  ld t0, (R8)                     ; until hart 1 is ready
    beqz t0, 1b
    put vmr10, 1<<16|12
    run sender
    vmcause R21
1:  ld t0, 16(R8)                   ; until hart 1 has changed
    beqz t0, 1b
    li R22, VMCS2+0x178             ; VIC_PENDING of the VMCS that it has stored
    ld R22, (R22)
    li t0, 0x10
    beq R21, t0, unsent
    li t0, 1<<12
    bne R22, t0, lost
    pass
unsent:
    bnez R22, lost
    pass
lost:
    fail
other:
    make_vmcs THIRD
    li R9, THIRD
    VMLOAD R9
    put hptbr, 6<<44
    put vcpuid, 1
    VMSAVE
    li R10, VMCS2
    VMLOAD R10
    put hptbr, 5<<44
    put vcpuid, 1
    li t0, 1
    sd t0, (R8)
1:  ld t0, 8(R8)
    beqz t0, 1b
    VMSAVE
    VMLOAD R9
    li R11, 30000                   ; whatever is late has come by then
1:  addi R11, R11, -1
    bnez R11, 1b
;= VMCSPTR = THIRD, VICPEND = 0
    li t0, 1
    sd t0, 16(R8)
1:  wfi
    j 1b
sender:
    li R9, 1
    sd R9, 8(R8)
    VINT_SEND R10
    vmexit
