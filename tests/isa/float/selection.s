; Minima and maxima, classes, and integers without a sign (RISC-V unprivileged, 20.6 to 20.9 and 21.5): zeros and NaNs, what does
; not fit, and the flags.
main:
    fsflagsi 0
    li R5, 0x3ff0000000000000       ; 1.0
    fmv.d.x F1, R5
    fmv.d.x F2, zero
    fneg.d F3, F2                   ; -0.0
    li R5, 0x7ff0000000000001       ; signalling
    fmv.d.x F4, R5
    li R5, 0x7ff8000000000001       ; quiet
    fmv.d.x F5, R5
    ; -0 is less than +0, in either order.
    fmin.d F10, F2, F3
    fmin.d F11, F3, F2
    fmax.d F12, F2, F3
    fmax.d F13, F3, F2
;= F10 = 0x8000000000000000, F11 = 0x8000000000000000, F12 = 0, F13 = 0, FFLAGS = 0
    fmin.d F10, F1, F3
    fmax.d F11, F3, F1
    fmax.d F12, F1, F1
;= F10 = 0x8000000000000000, F11 = 0x3ff0000000000000, F12 = 0x3ff0000000000000, FFLAGS = 0
    ; The number beside a NaN; only the signalling one raises NV. Of two the canonical.
    fmin.d F10, F1, F5
    fmax.d F11, F5, F1
    fmax.d F12, F5, F5
;= F10 = 0x3ff0000000000000, F11 = 0x3ff0000000000000, F12 = 0x7ff8000000000000, FFLAGS = 0
    fmin.d F10, F4, F1
;= F10 = 0x3ff0000000000000, FFLAGS = 0x10
    fsflagsi 0
    ; Singles; one that is not boxed is a NaN.
    li R5, 0xbf800000
    fmv.w.x F6, R5                  ; -1.0
    fmv.w.x F7, zero
    fmin.s F10, F6, F7
    fmax.s F11, F6, F1
    fmin.s F12, F7, F7
;= F10 = 0xffffffffbf800000, F11 = 0xffffffffbf800000, F12 = 0xffffffff00000000, FFLAGS = 0

    ; Classes, from -infinity to +infinity, and NaNs.
.macro class_d value
    li R5, \value
    fmv.d.x F8, R5
    fclass.d R6, F8
.endm
.macro class_s value
    li R5, \value
    fmv.w.x F8, R5
    fclass.s R6, F8
.endm
    class_d 0xfff0000000000000
;= R6 = 0x001
    class_d 0xffefffffffffffff
;= R6 = 0x002
    class_d 0x8010000000000000
;= R6 = 0x002
    class_d 0x800fffffffffffff
;= R6 = 0x004
    class_d 0x8000000000000000
;= R6 = 0x008
    class_d 0
;= R6 = 0x010
    class_d 1
;= R6 = 0x020
    class_d 0x0010000000000000
;= R6 = 0x040
    class_d 0x7ff0000000000000
;= R6 = 0x080
    class_d 0xfff7ffffffffffff
;= R6 = 0x100
    class_d 0x7ff8000000000000
;= R6 = 0x200
    class_s 0xff800000
;= R6 = 0x001
    class_s 0x80800000
;= R6 = 0x002
    class_s 0x807fffff
;= R6 = 0x004
    class_s 0x80000000
;= R6 = 0x008
    class_s 0
;= R6 = 0x010
    class_s 0x007fffff
;= R6 = 0x020
    class_s 0x7f7fffff
;= R6 = 0x040
    class_s 0x7f800000
;= R6 = 0x080
    class_s 0x7f800001
;= R6 = 0x100
    class_s 0xffc00000
;= R6 = 0x200
    fclass.s R6, F1                 ; not boxed
;= R6 = 0x200, FFLAGS = 0

    ; To integers without a sign. 2^32 - 0.5 fits only if it is not rounded up; what does not fit is not inexact.
    li R5, 0x41efffffffe00000       ; 2^32 - 1
    fmv.d.x F8, R5
    fcvt.wu.d R6, F8
;= R6 = -1, FFLAGS = 0
    li R5, 0x41effffffff00000
    fmv.d.x F8, R5
    fcvt.wu.d R6, F8, rtz
    fcvt.lu.d R7, F8
;= R6 = -1, R7 = 0x100000000, FFLAGS = 1
    fsflagsi 0
    fcvt.wu.d R6, F8
;= R6 = -1, FFLAGS = 0x10
    fsflagsi 0
    li R5, 0xbfe0000000000000       ; -0.5
    fmv.d.x F8, R5
    fcvt.wu.d R6, F8, rtz
    fcvt.lu.d R7, F8
;= R6 = 0, R7 = 0, FFLAGS = 1
    fsflagsi 0
    li R5, 0xbff8000000000000       ; -1.5
    fmv.d.x F8, R5
    fcvt.wu.d R6, F8, rtz
    fcvt.lu.d R7, F8, rtz
;= R6 = 0, R7 = 0, FFLAGS = 0x10
    fsflagsi 0
    li R5, 0x43e0000000000000       ; 2^63
    fmv.d.x F8, R5
    fcvt.lu.d R6, F8
    fcvt.wu.s R7, F7
;= R6 = 0x8000000000000000, R7 = 0, FFLAGS = 0
    li R5, 0x4f000000               ; 2^31
    fmv.w.x F8, R5
    fcvt.wu.s R6, F8
    fcvt.lu.s R7, F8, rtz
;= R6 = 0xffffffff80000000, R7 = 0x80000000, FFLAGS = 0

    ; From integers without a sign: a last bit far below the last place decides a tie.
    li R5, -1
    fcvt.d.lu F8, R5
;= F8 = 0x43f0000000000000, FFLAGS = 1
    fsflagsi 0
    li R5, 0x8000008000000001
    li R6, 0x8000008000000000
    fcvt.s.lu F8, R5
    fcvt.s.lu F9, R6
;= F8 = 0xffffffff5f000001, F9 = 0xffffffff5f000000, FFLAGS = 1
    fsrmi 3
    fcvt.s.lu F9, R6
;= F9 = 0xffffffff5f000001
    fsrmi 1
    fcvt.s.lu F8, R5
;= F8 = 0xffffffff5f000000
    fsrmi 0
    fsflagsi 0
    li R5, 0x8000000000000000
    li R6, 7
    fcvt.d.lu F8, R5
    fcvt.d.lu F9, R6
;= F8 = 0x43e0000000000000, F9 = 0x401c000000000000, FFLAGS = 0
    pass
