; Encodings of the V-ISA instructions, by hand: custom-0 is 0x0b, custom-1 0x2b; funct3 the group (vm 0, paging 1, io 2,
; vic 3), funct7 the instruction, rs2 at bit 20, rs1 at 15, rd at 7 (specification, tables of the groups).
; R1 as rs1 is 1<<15 = 0x8000; R5 as rd is 5<<7 = 0x280; R2 as rs2 is 2<<20 = 0x200000.
main:
;= mem32[code + 0x00] = 0x0000800b
;= mem32[code + 0x04] = 0x0200000b
;= mem32[code + 0x08] = 0x0400000b
;= mem32[code + 0x0c] = 0x0600800b
;= mem32[code + 0x10] = 0x0600000b
;= mem32[code + 0x14] = 0x0800800b
;= mem32[code + 0x18] = 0x0a00028b
;= mem32[code + 0x1c] = 0x0c00000b
;= mem32[code + 0x20] = 0x0000900b
;= mem32[code + 0x24] = 0x0200900b
;= mem32[code + 0x28] = 0x0400100b
;= mem32[code + 0x2c] = 0x0420900b
;= mem32[code + 0x30] = 0x0000a00b
;= mem32[code + 0x34] = 0x0220a00b
;= mem32[code + 0x38] = 0x0000b00b
;= mem32[code + 0x3c] = 0x0200328b
;= mem32[code + 0x40] = 0x0400328b
;= mem32[code + 0x44] = 0x3f8002ab
;= mem32[code + 0x48] = 0x3f8092ab
;= mem32[code + 0x4c] = 0x3f80a2ab
;= mem32[code + 0x50] = 0x3e204c2b
;= mem32[code + 0x54] = 0x18009073
;= mem32[code + 0x58] = 0x180022f3
;= mem32[code + 0x5c] = 0x10500073
;= mem32[code + 0x60] = 0x7d009073
;= mem32[code + 0x64] = 0xdc0022f3
    pass
.balign 4
code:
    VMENTER R1
    VMRESUME
    VMEXIT
    VMSAVE R1
    VMSAVE
    VMLOAD [R1]
    VMCAUSE R5
    HVRET
    LDGPTBR R1
    LDHPTBR R1
    TLBFLUSHV
    TLBFLUSHV R1, R2
    IOVMAP R1
    IOVMASK R1, R2
    VINT_SEND R1
    VINT_ACK R5
    VINT_STAT R5
    IN R5, 0x3F8
    INH R5, 0x3F8(R1)
    INW R5, 0x3F8(R1)
    OUT 0x3F8, R2
    MOV CR3, R1
    MOV R5, CR3
    HLT
    WRMSR 0x7D0, R1
    RDMSR R5, VMCOUNT_EXIT
