; A virtual CPU is the target of VINT_SEND from the instruction on that makes it current, and no longer than that (specification,
; 6.1): hart 0's guest sends when it has read what hart 1 stores behind its VMLOAD. Then hart 1 has the vector. What hart 1
; stores behind the VMLOAD of another virtual CPU, likewise, comes too late for it: the guest exits with 0x10.
;! harts 3
;! limit 4000000
main:
    rdmsr R20, hartid
    li R8, DATA
    li t0, 1
    beq R20, t0, target
    beqz R20, sender_hart
idle:
    sd R20, 24(R8)                  ; hart 2 has loaded the VMCS of all that the prelude makes, before it says anything else
1:  wfi
    j 1b
target:
    ld t0, 24(R8)
    beqz t0, target
    nested39 5
    put vcpuid, 1
    VMSAVE
    li R9, VMCS2
    VMLOAD R9
    base hptbr, SV39, 5, H_ROOT
    put vcpuid, 7
    VMSAVE
    li R21, 30000
1:  addi R21, R21, -1
    bnez R21, 1b
    li R10, VMCS
    VMLOAD R10
    sd R20, (R8)                    ; virtual CPU 1 is current
1:  ld t0, 8(R8)
    beqz t0, 1b
;= HARTID = 1, VICPEND = 1<<12
    VMLOAD R9
    sd R20, 16(R8)                  ; it is not
1:  wfi
    j 1b
sender_hart:
    make_vmcs 0x80150000
    li R9, 0x80150000
    VMLOAD R9
    nested39 5
    put vmr8, DATA
    put vmr10, 1<<16|12
    run first
;= exit 0x0c at=first_end
    li t0, 1
    sd t0, 8(R8)
    run second
;= exit 0x10 at=second_end value=1<<16|12
    pass
first:
    ld R9, (R8)
    beqz R9, first
    VINT_SEND R10
first_end:
    vmexit
second:
    ld R9, 16(R8)
    beqz R9, second
second_end:
    VINT_SEND R10
    vmexit
