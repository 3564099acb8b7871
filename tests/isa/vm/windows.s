; The guest's bank through MSRs (specification, 1.3): VMR0 to VMR31 at 0xBC0 (VMR0 reads as zero and ignores writes),
; VMF0 to VMF31 at 0xBE0, VMPC, VMFCSR, VMRING. The supervisor's MSRs exist once and are the guest's.
.set number, 0
main:
    put 0xbc0, 55
;= VMR0 = 0, R0 = 0
.rept 31
.set number, number+1
    li t1, number*0x101
    csrw 0xbc0+number, t1
    li t1, number*0x10001
    csrw 0xbe0+number, t1
.endr
    put vmfcsr, 0x5f
    put fcsr, 0x21
    run sum
    ; 0x101 * (1 + ... + 31) = 0x101 * 496 = 127472 = 0x1f1f0; R31 itself holds the sum.
;= exit 0x0c at=sum_end
;= VMR31 = 0x1f1f0, VMR1 = 0x101, VMF31 = 0x1f001f, VMF1 = 0x10001, VMFCSR = 0x5f, FCSR = 0x21
    rdmsr R5, VMR31
    rdmsr R6, VMF2
    MOV R7, VMPC
    rdmsr R8, VMRING
;= R5 = 0x1f1f0, R6 = 0x20002, R7 = sum_end, R8 = 0
    ; Set and clear forms work on them too.
    li R9, 0xf0
    csrrc R10, VMR31, R9
    csrrs R11, VMR30, R9
;= R10 = 0x1f1f0, VMR31 = 0x1f100, R11 = 0x1e1e, VMR30 = 0x1efe

    ; sscratch is the guest's, whoever writes it.
    MOV R5, CR7
    put sscratch, 0x4711
    run scratch
;= exit 0x0c at=scratch_end
;= VMR5 = 0x4711, CR7 = 0x815
    pass
sum:
    add R31, R31, R1
    add R31, R31, R2
    add R31, R31, R3
    add R31, R31, R4
    add R31, R31, R5
    add R31, R31, R6
    add R31, R31, R7
    add R31, R31, R8
    add R31, R31, R9
    add R31, R31, R10
    add R31, R31, R11
    add R31, R31, R12
    add R31, R31, R13
    add R31, R31, R14
    add R31, R31, R15
    add R31, R31, R16
    add R31, R31, R17
    add R31, R31, R18
    add R31, R31, R19
    add R31, R31, R20
    add R31, R31, R21
    add R31, R31, R22
    add R31, R31, R23
    add R31, R31, R24
    add R31, R31, R25
    add R31, R31, R26
    add R31, R31, R27
    add R31, R31, R28
    add R31, R31, R29
    add R31, R31, R30
sum_end:
    vmexit
scratch:
    MOV R5, CR7
    MOV R6, 0x815
    MOV CR7, R6
scratch_end:
    vmexit
