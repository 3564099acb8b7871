; The supervisor's MSRs and instructions in Ring 0 (specification, 1.2; RISC-V privileged, chapter 12): what is writable, CR names,
; traps and SRET, ECALL by ring, floating point off.
main:
    ; Everything that can be written, and what then reads.
    run all_ones
;= exit 0x0c at=all_ones_end
;= VMR10 = 0x80000002000c6122, VMR11 = 0x222, VMR12 = -3, VMR13 = 7, VMR14 = 1, VMR15 = -1, VMR16 = -2, VMR17 = -1
;= VMR18 = -1, VMR19 = 2, VMR20 = -1
    put sie, 0
    put sip, 0
    put stvec, 0
    la t0, guest_trap
    wrmsr stvec, t0
    ; CR names are the same registers: CR0 sstatus, CR1 stvec, CR2 stval, CR4 senvcfg, CR5 sie, CR6 sip, CR7 sscratch,
    ; CR8 scounteren, CR9 sepc, CR10 scause, CR11 stimecmp.
;= CR1 = guest_trap, CR2 = -1, CR4 = 1, CR5 = 0, CR6 = 0, CR7 = -1, CR8 = 7, CR9 = -2, CR10 = -1, CR11 = -1
    ; satp takes the modes 0, 8 and 9; a write of another changes nothing. ASID of 16 bits, root of 44.
    put vmr10, 0x1fffffffffffffff
    put vmr11, 0x0ffffffffffffff5
    run satp
;= exit 0x0c at=satp_end
;= VMR12 = 0, VMR13 = 0x0ffffffffffffff5
    put gptbr, 0

    ; A trap from Ring 3 and SRET back to it: SPP, SPIE, SIE.
    put sstatus, 0x6000
    la t0, handler
    wrmsr stvec, t0
    la t0, user
    wrmsr sepc, t0
    run sret_
;= exit 0x0c at=handler
;= SCAUSE = 8, SEPC = user, STVAL = 0, SSTATUS = 0x8000000200006000, VMRING = 0
    complete 0
    ; The handler stepped over ECALL and returned to Ring 3, whose EBREAK traps with SIE of Ring 0 still off.
;= exit 0x0c at=handler
;= SCAUSE = 3, SEPC = user+4, STVAL = user+4
    ; SRET to Ring 0: SPP is cleared, SIE = SPIE, SPIE = 1.
    la t0, guest_trap
    wrmsr stvec, t0
    la t0, leave
    wrmsr sepc, t0
    put sstatus, 0x6120
    run sret_
;= exit 0x0c at=leave
;= SSTATUS = 0x8000000200006022
    put sstatus, 0x6100
    run sret_
;= SSTATUS = 0x8000000200006020
    ; SRET in Ring 3 is illegal.
    run sret_, 3
;= trap 2 at=sret_ tval=0x10200073 from=3

    ; ECALL: 8 from Ring 3; from Ring 0 the hypercall, with all of EXCMAP clear.
    run call, 3
;= trap 8 at=call from=3
    run call
;= exit 0x07 at=call

    ; Floating point with FS off is illegal: arithmetic, loads, moves, fcsr. In Ring -1 it is always on.
    put sstatus, 0
    run add
;= trap 2 at=add tval=inst from=0
    run load
;= trap 2 at=load tval=inst from=0
    run move, 3
;= trap 2 at=move tval=inst from=3
    run flags
;= trap 2 at=flags tval=inst from=0
    fadd.s F1, F1, F1
    frcsr R5
    ; From clean it becomes dirty by a write of a register or of a flag, not by a read.
    put sstatus, 0x4000
    run read_float
;= exit 0x0c at=read_float_end, SSTATUS = 0x0000000200004000
    run move
;= exit 0x0c at=move+4, SSTATUS = 0x8000000200006000
    put sstatus, 0x2000
    run flags
;= exit 0x0c at=flags_end, SSTATUS = 0x8000000200006000
    ; A reserved rounding mode in frm is illegal where it is used.
    put vmfcsr, 0xa0
    run add
;= trap 2 at=add tval=inst from=0
    pass
all_ones:
    li R9, -1
    MOV CR0, R9
    MOV R10, CR0
    csrci sstatus, 2
    MOV CR5, R9
    MOV R11, CR5
    MOV CR1, R9
    MOV R12, CR1
    MOV CR8, R9
    MOV R13, CR8
    MOV CR4, R9
    MOV R14, CR4
    MOV CR7, R9
    MOV R15, CR7
    MOV CR9, R9
    MOV R16, CR9
    MOV CR10, R9
    MOV R17, CR10
    MOV CR2, R9
    MOV R18, CR2
    MOV CR6, R9
    MOV R19, CR6
    MOV CR11, R9
    MOV R20, CR11
all_ones_end:
    vmexit
satp:
    MOV CR3, R10
    MOV R12, CR3
    MOV CR3, R11
    MOV R13, CR3
satp_end:
    vmexit
sret_:
    sret
user:
    ecall
    ebreak
.balign 4
handler:
    vmexit
    MOV R5, CR9
    addi R5, R5, 4
    MOV CR9, R5
    sret
call:
    ecall
add:
    fadd.s F1, F2, F3
    vmexit
load:
    flw F1, 0(R11)
    vmexit
move:
    fmv.d.x F1, R10
    vmexit
flags:
    fsflagsi 1
flags_end:
    vmexit
read_float:
    fmv.x.d R10, F1
    frcsr R10
    feq.s R10, F1, F2
read_float_end:
    vmexit
