; The guest's interrupts (specification, 6.2 to 6.4; RISC-V privileged): software by sip.SSIP, external by the virtual interrupt
; controller, timer by stimecmp; all without an exit. Order: external, software, timer. Taken in Ring 3 always, in Ring 0 with
; sstatus.SIE.
main:
    ; Software, taken in Ring 0 with SIE.
    put sie, 0x222
    put sip, 2
    put sstatus, 0x6002
    run loop
;= trap 1 interrupt at=loop from=0
;= SSTATUS = 0x8000000200006120
    ; Not without SIE; not without sie; in Ring 3 without SIE.
    put sstatus, 0x6000
    run leave
;= exit 0x0c at=leave
    put sie, 0x220
    put sstatus, 0x6002
    run leave
;= exit 0x0c at=leave
    put sie, 2
    put sstatus, 0x6000
    run loop, 3
;= trap 1 interrupt at=loop from=3
;= SSTATUS = 0x8000000200006000
    ; Ring 0 sets and clears SSIP itself; other bits of sip ignore writes.
    put sip, 0
    run set_sip
;= exit 0x0c at=set_sip_end, VMR10 = 2, VMR11 = 0

    ; Timer: due when time >= stimecmp; pending in sip while it is.
    put sie, 0x220
    put sstatus, 0x6000
    put stimecmp, 0
    run read_sip
;= exit 0x0c at=read_sip+4, VMR10 = 0x20
    put stimecmp, -1
    run read_sip
;= exit 0x0c at=read_sip+4, VMR10 = 0
    ; External: while a vector is pending, enabled and delivered, sip.SEIP is set.
    put vicpend, 1<<5
    run read_sip
;= VMR10 = 0
    put vicenab, 1<<5
    run read_sip
;= VMR10 = 0x200
    put victhresh, 5                ; only vectors below it
    run read_sip
;= VMR10 = 0
    put victhresh, 6
    run read_sip
;= VMR10 = 0x200

    ; All at once: external, then software, then timer, as each is put down.
    put sie, 0x222
    put sip, 2
    put stimecmp, 0
    put sstatus, 0x6002
    run loop
;= trap 9 interrupt at=loop from=0
    put vicpend, 0
    put sstatus, 0x6002
    run loop
;= trap 1 interrupt at=loop from=0
    put sip, 0
    put sstatus, 0x6002
    run loop
;= trap 5 interrupt at=loop from=0
    ; Vectored: the base plus four times the number.
    la t0, vectors+1
    wrmsr stvec, t0
    put sstatus, 0x6002
    run loop
;= VMPC = vectors + 20, SCAUSE = (1<<63)|5, STVAL = 0
    ; An interrupt is not an exception: EXCMAP does not name it.
    put excmap, 0x1ff
    put sstatus, 0x6002
    run loop
;= VMPC = vectors + 20, VMCAUSE = 0x0c
    put excmap, 0
    la t0, guest_trap
    wrmsr stvec, t0

    ; The timer fires in the middle: 100 ns a tick, a nanosecond an instruction. The loop runs on until then, in Ring 3, and the
    ; guest's own kernel takes it: no exit but its VMEXIT.
    rdtime t1
    addi t1, t1, 5
    wrmsr stimecmp, t1
    put vmr10, 0
;= mark
    run loop, 3
;= trap 5 interrupt pc=SEPC from=3
;= VMCOUNT_EXIT += 1
    rdtime t2
    sub t2, t2, t1
;= R7 = 0
    ; WFI waits for it; SIE does not matter; WFI has retired.
    rdtime t1
    addi t1, t1, 1000
    wrmsr stimecmp, t1
    put sstatus, 0x6000
    run wait
;= exit 0x0c at=wait+8
;= VMR10 = STIMECMP
    ; With SIE the interrupt comes before the instruction after it.
    addi t1, t1, 1000
    wrmsr stimecmp, t1
    put sstatus, 0x6002
    run wait
;= trap 5 interrupt at=wait+4 from=0
    ; What is not enabled in sie does not end a wait: the timer is what ends it, not the software interrupt.
    put sip, 2
    put sie, 0x20
    rdtime t1
    addi t1, t1, 1000
    wrmsr stimecmp, t1
    put sstatus, 0x6000
    run wait
;= VMR10 = STIMECMP
    pass
loop:
    addi R10, R10, 1
    j loop
set_sip:
    csrwi sip, 31
    MOV R10, CR6
    csrci sip, 2
    MOV R11, CR6
set_sip_end:
    vmexit
read_sip:
    MOV R10, CR6
    vmexit
wait:
    HLT
    rdtime R10
    vmexit
.balign 64
vectors:
    vmexit
    vmexit
    vmexit
    vmexit
    vmexit
    vmexit
    vmexit
    vmexit
    vmexit
    vmexit
