; After reset (specification, 1.5): Ring -1, a0 the hart's number, a1 the device tree (none here: 0), other registers zero,
; no current VMCS. Without one VMRESUME fails with field 0 (2.2), and VMSAVE and VMLOAD with R0 are illegal (2.7).
;! bare
;! end pass
.globl _start
_start:
;= RING = -1, R10 = 0, R11 = 0, R1 = 0, R2 = 0, R31 = 0, F0 = 0, VMCSPTR = -1, STIMECMP = -1, HVTIMECMP = -1
;= HARTID = 0, VMTRAPCFG = 0, HPTBR = 0, VMCOUNT_EXIT = 0, HVSTATUS = 0, HVIE = 0, HVIP = 0, CR3 = 0
    la t0, handler
    wrmsr hvvec, t0
;= mark
    VMRESUME
;= refused 0
;= mark
save:
    VMSAVE
;= hv 2 at=save tval=0x0600000b
load:
    VMLOAD
;= hv 2 at=load tval=0x0800000b
;= same except HV* HR5
    li t0, 0x100000
    li t1, 0x5555
    sw t1, (t0)
.balign 4
handler:
    rdmsr t0, hvepc
    addi t0, t0, 4
    wrmsr hvepc, t0
    hvret
