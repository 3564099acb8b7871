; V-ISA instructions of Ring -1 in Ring 0 and Ring 3 (specification, 3.2):
;   1. in Ring 0 with b12: exit 0x10;  2. with b1: exit 0x01;  3. otherwise an illegal instruction of the guest.
; Whatever becomes of it, the instruction itself has changed nothing (2.3: the instruction that exits has had no effect).
; VMENTER, VMLOAD and VMSAVE have R10 = a valid VMCS, LDGPTBR and LDHPTBR a valid base: in Ring -1 each would do something.

.macro after_exit cause, label, ring, words
;= exit \cause at=\label ring=\ring \words
;= same except VMCAUSE VMQUAL VMINST VMCOUNT_EXIT
.endm
.macro after_trap label, ring
;= trap 2 at=\label tval=inst from=\ring
;= same except VMCAUSE VMQUAL VMINST VMCOUNT_EXIT SEPC SCAUSE STVAL SSTATUS VMPC VMRING
.endm

.macro wrong label, words
    fresh
    put vmr10, VMCS2
    put vmr11, 0x9000000000080200
    run \label, 3, 0
    after_trap \label, 3
    run \label, 3, VISA
    after_trap \label, 3
    run \label, 3, PRIV
    after_exit 0x01, \label, 3, \words
    run \label, 3, PRIV|VISA
    after_exit 0x01, \label, 3, \words
    run \label, 0, 0
    after_trap \label, 0
    run \label, 0, PRIV
    after_exit 0x01, \label, 0, \words
    run \label, 0, VISA
    after_exit 0x10, \label, 0, \words
    run \label, 0, VISA|PRIV
    after_exit 0x10, \label, 0, \words
.endm

main:
    wrong vmenter_
    wrong vmresume_
    wrong vmsave_
    wrong vmsave_current
    wrong vmload_
    wrong vmload_current
    wrong vmcause_, read reg=5
    wrong hvret_
    wrong ldgptbr_
    wrong ldhptbr_
    wrong tlbflushv_
    wrong tlbflushv_vmid
    wrong tlbflushv_address
    wrong iovmap_
    wrong iovmask_

    ; VMEXIT belongs to Ring 0: there it always exits with 0x0C (2.3); in Ring 3 it is what the others are.
    fresh
    run vmexit_, 3, 0
    after_trap vmexit_, 3
    run vmexit_, 3, VISA
    after_trap vmexit_, 3
    run vmexit_, 3, PRIV
    after_exit 0x01, vmexit_, 3
    run vmexit_, 0, 0
    after_exit 0x0c, vmexit_, 0
    run vmexit_, 0, PRIV|VISA
    after_exit 0x0c, vmexit_, 0
    pass

vmenter_:
;= mark
    VMENTER R10
vmresume_:
;= mark
    VMRESUME
vmsave_:
;= mark
    VMSAVE R10
vmsave_current:
;= mark
    VMSAVE
vmload_:
;= mark
    VMLOAD [R10]
vmload_current:
;= mark
    VMLOAD
vmcause_:
;= mark
    VMCAUSE R5
hvret_:
;= mark
    HVRET
ldgptbr_:
;= mark
    LDGPTBR R11
ldhptbr_:
;= mark
    LDHPTBR R11
tlbflushv_:
;= mark
    TLBFLUSHV
tlbflushv_vmid:
;= mark
    TLBFLUSHV R10
tlbflushv_address:
;= mark
    TLBFLUSHV R10, R11
iovmap_:
;= mark
    IOVMAP R10
iovmask_:
;= mark
    IOVMASK R10, R11
vmexit_:
;= mark
    VMEXIT
