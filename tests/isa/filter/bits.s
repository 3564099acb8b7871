; Every bit of VMTRAPCFG set and clear (specification, 3.1), but b0 and b10 (io/), b5 and b6 (interrupts/), b9 (step.s).
main:
    ; b1 PRIV: SRET in Ring 0.
    put sepc, 0x80000000
    la t0, leave
    wrmsr sepc, t0
    put sstatus, 0x6100             ; SPP: Ring 0
    run sret_, 0, 0
;= exit 0x0c at=leave
    put sstatus, 0x6100
    run sret_, 0, PRIV
;= exit 0x01 at=sret_
;= SSTATUS = 0x8000000200006100
    run sret_, 0, VISA|MSRS|HALT|FLUSH|PAUSES|CR3W|PF
;= exit 0x0c at=leave

    ; b7 HALT: WFI in Ring 0. Without, it waits; an interrupt that is pending and enabled in sie ends the wait at once.
    put sie, 2
    put sip, 2
    run hlt_, 0, 0
;= exit 0x0c at=hlt_+4
    run hlt_, 0, HALT
;= exit 0x0a at=hlt_
    ; In Ring 3 it is not for use (3.2): b7 does not matter.
    run hlt_, 3, HALT
;= trap 1 interrupt at=hlt_ from=3
    put sip, 0
    run hlt_, 3, HALT
;= trap 2 at=hlt_ tval=0x10500073 from=3
    run hlt_, 3, HALT|PRIV
;= exit 0x01 at=hlt_ ring=3

    ; b8 FLUSH: SFENCE.VMA in Ring 0. VMGVA = rs1, VMVALUE = rs2, VMCODE bit 0: rs1 is not R0, bit 1: rs2 is not R0.
    put vmr10, 0x1234567812345678
    put vmr11, 0x4567
    run fence_all, 0, 0
;= exit 0x0c at=fence_all+16
    run fence_all, 0, FLUSH
;= exit 0x13 at=fence_all code=0
    run fence_address, 0, FLUSH
;= exit 0x13 at=fence_address code=1 gva=0x1234567812345678
    run fence_space, 0, FLUSH
;= exit 0x13 at=fence_space code=2 value=0x4567
    run fence_both, 0, FLUSH
;= exit 0x13 at=fence_both code=3 gva=0x1234567812345678 value=0x4567
    run fence_all, 3, FLUSH
;= trap 2 at=fence_all tval=0x12000073 from=3
    run fence_all, 3, PRIV
;= exit 0x01 at=fence_all ring=3

    ; b11 PAUSE, in either ring.
    run pause_, 0, 0
;= exit 0x0c at=pause_+4
    run pause_, 0, PAUSES
;= exit 0x14 at=pause_
    run pause_, 3, PAUSES
;= exit 0x14 at=pause_ ring=3
    run pause_, 3, 0
;= trap 2 at=pause_+4 tval=inst from=3

    ; b3 CR3: writes of satp, in each form; reads do not exit. VMCODE 0x180, VMVALUE the new value, VMRESULT the old.
    put gptbr, 0
    put vmr10, 0x0000f00000000000
    run write_cr3, 0, CR3W
;= exit 0x03 at=write_cr3 write read reg=0 code=0x180 value=0x0000f00000000000 result=0
    run read_cr3, 0, CR3W
;= exit 0x0c at=read_cr3+8, VMR11 = 0
    put gptbr, 0x0000300000000001
    run set_cr3, 0, CR3W
;= exit 0x03 at=set_cr3 write read reg=12 code=0x180 value=0x0000f00000000001 result=0x0000300000000001
    run clear_cr3, 0, CR3W
;= exit 0x03 at=clear_cr3 write read reg=12 code=0x180 value=0x0000000000000001 result=0x0000300000000001
;= CR3 = 0x0000300000000001
    run clear_cr3, 0, 0
;= exit 0x0c at=clear_cr3+4, CR3 = 1, VMR12 = 0x0000300000000001
    put gptbr, 0
    run write_cr3, 3, CR3W
;= trap 2 at=write_cr3 tval=inst from=3
    run write_cr3, 3, CR3W|PRIV
;= exit 0x01 at=write_cr3 ring=3 write read reg=0 code=0x180 value=0x0000f00000000000 result=0

    pass
sret_:
    sret
hlt_:
    HLT
    vmexit
fence_all:
    sfence.vma
fence_address:
    sfence.vma R10
fence_space:
    sfence.vma zero, R11
fence_both:
    sfence.vma R10, R11
    vmexit
pause_:
    pause
    vmexit
write_cr3:
    MOV CR3, R10
    vmexit
read_cr3:
    MOV R11, CR3
    csrrs R11, satp, zero
    vmexit
set_cr3:
    csrrs R12, satp, R10
    vmexit
clear_cr3:
    csrrc R12, satp, R10
    vmexit
