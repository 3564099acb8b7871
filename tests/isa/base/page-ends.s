; Fetches at the ends of pages: compressed instructions up to the last half; an instruction of which only the first half is
; mapped faults with the address of the second half as stval, and its own as sepc (RISC-V privileged, 3.1.16); in a nested
; fault likewise VMGVA and VMPC.
.equ PAGE, 0x40000000
main:
    ; The page ends with c.li a0, 5 / c.addi a0, 1 / half of an instruction.
    li R11, DATA+0xffa
    li R12, 0x4515                  ; c.li a0, 5
    sh R12, 0(R11)
    li R12, 0x0505                  ; c.addi a0, 1
    sh R12, 2(R11)
    li R12, 0x0513                  ; the lower half of addi a0, a0, n has rs1 in both: 0x00150513
    sh R12, 4(R11)
    li R12, 0x0015                  ; ... the upper half
    li R11, DATA+0x5000
    sh R12, 0(R11)
    li R12, 0x9002                  ; c.ebreak
    sh R12, 2(R11)
    entry G_ROOT, 2, 0x80000000, RWX
    entry G_ROOT, 1, G_TABLE1, TABLE
    entry G_TABLE1, 0, G_TABLE2, TABLE
    entry G_TABLE2, 0, DATA, RX
    base gptbr, SV39, 0, G_ROOT
    put vmr11, PAGE+0xffa
    put vmr10, 0
    run jump
;= trap 12 pc=PAGE+0xffe tval=PAGE+0x1000 from=0
;= VMR10 = 6
    run jump, 0, PF
;= exit 0x04 pc=PAGE+0xffe execute size=2 gva=PAGE+0x1000 code=12
    ; Mapped to another physical page, not the next, it goes on.
    entry G_TABLE2, 1, DATA+0x5000, RX
    run jump
;= trap 3 pc=PAGE+0x1002 tval=PAGE+0x1002 from=0
;= VMR10 = 7
    ; Without X in the second half.
    entry G_TABLE2, 1, DATA+0x5000, RW
    TLBFLUSHV
    run jump
;= trap 12 pc=PAGE+0xffe tval=PAGE+0x1000 from=0
    ; The second stage lacks it.
    entry G_TABLE2, 1, 0x40000000, RX
    nested39
    TLBFLUSHV
    run jump
;= exit 0x09 pc=PAGE+0xffe execute size=2 gva=PAGE+0x1000 gpa=0x40000000
    ; The end of RAM, in Ring 0 without translation: an access fault at the first byte that is not there.
    put gptbr, 0
    put hptbr, 0
    li R11, END_OF_RAM-2
    li R12, 0x0513
    sh R12, 0(R11)
    put vmr11, END_OF_RAM-2
    run jump
;= trap 1 pc=END_OF_RAM-2 tval=END_OF_RAM from=0
    ; A compressed instruction there runs; the next is not there.
    li R12, 0x0505
    sh R12, 0(R11)
    put vmr10, 1
    run jump
;= trap 1 pc=END_OF_RAM tval=END_OF_RAM from=0
;= VMR10 = 2
    ; JALR clears bit 0 of the target: never misaligned.
    put vmr11, END_OF_RAM-1
    run jump
;= trap 1 pc=END_OF_RAM tval=END_OF_RAM from=0
    pass
jump:
    jr R11
