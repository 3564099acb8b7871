; Floating point at the edges that a hypervisor sees (RISC-V unprivileged, F and D): NaN boxing, canonical NaNs, conversions that do
; not fit, flags, rounding modes. 1.0 is 0x3f800000 and 0x3ff0000000000000.
main:
    fsflagsi 0
    ; A single that is not boxed is the canonical NaN.
    li R5, 0x3f800000
    fmv.w.x F1, R5
    fmv.d.x F2, R5                  ; not boxed
    fadd.s F3, F1, F1
    fadd.s F4, F1, F2
    fmv.x.w R6, F2                  ; moves bits as they are
;= F1 = 0xffffffff3f800000, F3 = 0xffffffff40000000, F4 = 0xffffffff7fc00000, R6 = 0x3f800000, FFLAGS = 0
    fsgnjn.s F5, F2, F1
;= F5 = 0xffffffffffc00000
    ; Conversions: NaN and too large give the largest, NV; -1 to unsigned 0, NV; 0.5 inexact.
    fcvt.w.s R5, F4
;= R5 = 0x7fffffff, FFLAGS = 0x10
    fsflagsi 0
    li R7, 0xbf800000
    fmv.w.x F6, R7
    fcvt.lu.s R5, F6
    fcvt.wu.s R6, F6
;= R5 = 0, R6 = 0, FFLAGS = 0x10
    fsflagsi 0
    li R7, 0x3fe0000000000000
    fmv.d.x F7, R7
    fcvt.l.d R5, F7, rne
    fcvt.l.d R6, F7, rup
    fcvt.l.d R8, F7, rmm
;= R5 = 0, R6 = 1, R8 = 1, FFLAGS = 1
    ; 1/0 is infinity and DZ, 0/0 the NaN and NV.
    fsflagsi 0
    fmv.d.x F8, zero
    li R7, 0x3ff0000000000000
    fmv.d.x F9, R7
    fdiv.d F10, F9, F8
;= F10 = 0x7ff0000000000000, FFLAGS = 8
    fdiv.d F11, F8, F8
;= F11 = 0x7ff8000000000000, FFLAGS = 0x18
    ; 1/3 rounded down and up, by frm and by the instruction.
    fsflagsi 0
    li R7, 0x4008000000000000
    fmv.d.x F12, R7
    fsrmi 3
    fdiv.d F13, F9, F12
    fdiv.d F14, F9, F12, rdn
;= F13 = 0x3fd5555555555556, F14 = 0x3fd5555555555555, FCSR = 0x61
    ; The bank: the guest has its own fcsr.
    run leave
;= VMFCSR = 0, FCSR = 0x61
    fsrmi 0
    ; feq is quiet, flt signals.
    fsflagsi 0
    feq.d R5, F11, F11
;= R5 = 0, FFLAGS = 0
    flt.d R5, F11, F9
;= R5 = 0, FFLAGS = 0x10
    pass
