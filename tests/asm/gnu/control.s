# What decides which lines are read, and how often: the same bytes as with GNU as.
.equ    width, 4
.data
        .irp    x, 1, 2, (3 + 4), "5"
        .byte   \x
        .endr
        .irpc   letter, a0Z
        .ascii  "\letter"
        .endr
        .irp    nothing
        .byte   0xaa
        .endr
        .rept   3
        .irp    inner, 6, 7
        .byte   \inner
        .endr
        .endr
.if width == 4
        .byte   1
.elseif width == 8
        .byte   2
.else
        .byte   3
.endif
.if width < 4 || width > 8 && 1
        .byte   4
.else
.if width <> 5
        .byte   5
.if 0
        .byte   6
.else
        .byte   7
.endif
.endif
.endif
.ifdef  width
        .byte   8
.endif
.ifndef nowhere
        .byte   9
.else
        bogus   instruction
.endif
.ifeq   width - 4
        .byte   10
.endif
.ifgt   width - 4
        .byte   11
.endif
.ifge   width - 4
        .byte   12
.endif
.ifc    abc, abc
        .byte   13
.endif
.ifnc   abc, abd
        .byte   14
.endif
.ifb
        .byte   15
.endif
.ifnb   x
        .byte   16
.endif
        .byte   1 == 1, 1 == 2, 3 < 4, 4 <= 3, 4 > 3, 4 >= 5, 1 != 2, 2 && 3, 2 && 0, 0 || 5, 0 || 0
        .byte   1 + 1 == 2, 2 == 1 + 1, 1 < 2 == -1, 1 | 2 == 3
        .uleb128 0
        .uleb128 1
        .uleb128 127
        .uleb128 128
        .uleb128 624485
        .uleb128 0xffffffffffffffff
        .sleb128 0
        .sleb128 1
        .sleb128 -1
        .sleb128 63
        .sleb128 64
        .sleb128 -64
        .sleb128 -65
        .sleb128 -123456
        .sleb128 0x7fffffffffffffff
        .macro  count n
        .if     \n
        .byte   \n
        count   "(\n-1)"
        .else
        .exitm
        .byte   0xee
        .endif
        .endm
        count   3
        .macro  pick first, rest:vararg
        .byte   \first
        .ifnb   \rest
        pick    \rest
        .endif
        .endm
        pick    1, 2, 3
        .macro  gone
        .byte   0xff
        .endm
        .purgem gone
.text
start:  nop
        .rept   70
        addi    a0, a0, 1
        .endr
        .irp    reg, a0, a1, t6
        addi    \reg, \reg, 1
        .endr
end:    ret
