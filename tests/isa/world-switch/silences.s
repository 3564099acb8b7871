; Small things that the specification says: shutdown's record (2.3), a reservation over an exit (2.3), counters that scounteren
; hides with b1 set (3.2), wide accesses of the last ports (5.1).
main:
    ; The trap vector is where nothing is: the third exception in a row is the record's.
    put stvec, 0x40000000
    run illegal
;= exit 0x0d pc=0x40000000 code=1 gva=0x40000000
    la t0, guest_trap
    wrmsr stvec, t0
    ; What LR has reserved, an exit and an entry end.
    put vmr8, DATA
    run reserves
;= VMCAUSE = 0x0c
    complete 0
;= VMCAUSE = 0x0c, VMR10 = 1, mem32[DATA] = 0
    ; Ring -1's own, likewise.
    li R8, DATA
    lr.w R10, (R8)
    run leave
    li R11, 1
    sc.w R10, R11, (R8)
;= R10 = 1, mem32[DATA] = 0
    ; A hidden counter is an illegal instruction of Ring 3, whatever b1 says; what a ring may never use is b1's.
    put scounteren, 0
    run counter, 3, PRIV
;= trap 2 at=counter tval=inst from=3
    run kernels, 3, PRIV
;= exit 0x01 at=kernels ring=3 read reg=10 code=0x100
    ; The ports from 0xFFFE on: nothing answers, also where a wide access would go on behind the last.
    li R9, 0xfffe
    inw R10, R9
    inh R11, R9
    outw R9, R10
;= R10 = 0xffffffff, R11 = 0xffff
    put iomap, IO_MAP
    li R10, 0xffffffff
    li R11, 2
    IOVMASK R10, R11
    put vmr9, 0xfffe
    run ports
;= exit 0x02 at=ports read size=4 reg=10 code=0xfffe
    pass
illegal:
    .word 0
reserves:
    lr.w R10, (R8)
    vmexit
    li R11, 1
    sc.w R10, R11, (R8)
    vmexit
counter:
    rdcycle R10
kernels:
    rdmsr R10, sstatus
ports:
    inw R10, R9
