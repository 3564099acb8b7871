; VINT_SEND between harts (specification, 6.1): Ring -1 to another hart's guest and to its Ring -1; a guest to another virtual CPU
; of its VM, without an exit. Hart 1 runs virtual CPU 1 of VM 5 and waits; hart 0 wakes it each time. DATA is where they meet.
;! harts 2
;! limit 400000
main:
    rdmsr R20, hartid
    bnez R20, second
    ; Hart 0: virtual CPU 0 of VM 5.
    base hptbr, SV39, 5, H_ROOT
    entry H_ROOT, 2, 0x80000000, RWX
    li R8, DATA
1:  ld t0, 0(R8)                    ; until hart 1 has made its VMCS current
    beqz t0, 1b
    put vmr10, 1<<16|12
    put vmr8, DATA
    run sender
;= exit 0x0c at=sender_end, HARTID = 0, VMCOUNT_EXIT = 1
;= mem64[DATA+8] = 12
    ; Ring -1 to the guest of hart 1.
    sd zero, 8(R8)
    li R10, 1<<16|13
    VINT_SEND R10
1:  ld t0, 8(R8)
    beqz t0, 1b
;= mem64[DATA+8] = 13, mem64[DATA+16] = 0
    ; Ring -1 to Ring -1: hart 1's guest exits with 0x16.
    li R10, 1<<63|1<<16
    VINT_SEND R10
1:  ld t0, 16(R8)
    beqz t0, 1b
;= mem64[DATA+16] = 0x16
    ; A hart that does not exist.
    li R10, 2<<16|1
    VINT_SEND R10
;= hv 24 tval=0
    pass

second:
    li R9, VMCS2
    VMLOAD R9
    put vcpuid, 1
    base hptbr, SV39, 5, H_ROOT
    la t0, receiver
    wrmsr vmpc, t0
    la t0, handler
    wrmsr stvec, t0
    put vicenab, -1
    put sie, 0x200
    put sstatus, 0x6002
    put hvie, 8
    put vmr8, DATA
    vmresume
;= exit 0x16 pc=VMPC host code=3, HARTID = 1, VMCOUNT_EXIT = 1
    VMCAUSE t0
    li R8, DATA
    sd t0, 16(R8)
    put hvip, 0
1:  wfi
    j 1b

sender:
    VINT_SEND R10
1:  ld R11, 8(R8)
    beqz R11, 1b
sender_end:
    vmexit
receiver:
    li R9, 1
    sd R9, 0(R8)
1:  HLT
    j 1b
.balign 4
handler:
    VINT_ACK R21
    sd R21, 8(R8)
    sret
