; "Checks on entry" (specification, 2.6), with the field wrong in the page: VMLOAD, and VMENTER of a VMCS that is not current.
; The current VMCS, its live state and the page are as they were.
.macro refuses offset
;= mark
    VMLOAD R9
;= refused \offset
;= mark
    VMENTER R9
;= refused \offset
.endm
.macro bad offset, value, right=0
    poke VMCS2+\offset, \value
    refuses \offset
    poke VMCS2+\offset, \right
.endm
main:
    li R9, VMCS2
    bad 0x000, 0, 0x000141534956
    bad 0x000, 0x000241534956, 0x000141534956
    bad 0x000, 0x8000000141534956, 0x000141534956
    bad 0x010, 1<<13
    bad 0x010, 1<<32
    bad 0x018, 5<<60
    bad 0x018, 8<<60|3<<58|0x80120
    bad 0x018, 8<<60
    bad 0x018, 9<<60|0x80200
    bad 0x020, 0x200
    bad 0x028, 0x80102001
    bad 0x028, 0x80200000
    bad 0x030, 0x801f9000
    bad 0x038, 0x801fd000
    bad 0x048, 0, ONE
    bad 0x050, 0x10000
    ; A page can bring inject, but not complete: nothing of its guest has exited here.
    bad 0x058, 1
    bad 0x058, 3
    bad 0x058, 1<<32
    poke VMCS2+0x058, 2
    bad 0x068, 10, 2
    poke VMCS2+0x058, 0
    bad 0x100, 0x80000001, 0x2000
    bad 0x108, 1
    bad 0x108, 0xff
    bad 0x110, 0x100
    bad 0x110, 1<<32
    bad 0x170, 7<<60
    bad 0x178, 1
    bad 0x180, 1
    bad 0x188, 64
    bad 0x188, -1

    ; RANGES: four values each from 0xC00; the offset is that of the value at fault.
.macro range number, kind, address, length, target
    poke VMCS2+0xc00+(\number)*32, \kind
    poke VMCS2+0xc08+(\number)*32, \address
    poke VMCS2+0xc10+(\number)*32, \length
    poke VMCS2+0xc18+(\number)*32, \target
.endm
    range 0, 2, 0x1000, 0x1000, 0
    refuses 0xc00
    range 0, 1, 0x1001, 0x1000, 0
    refuses 0xc08
    range 0, 1, 0x1000, 0, 0
    refuses 0xc10
    range 0, 1, 0x1000, 0x1800, 0
    refuses 0xc10
    range 0, 4, 0x1000, 0x1000, 0x80140001
    refuses 0xc18
    range 0, 1, 0x1000, 0x1000, 0x80140001
    range 31, 3, 0x1000, 0x1000, 0
    refuses 0xfe0
    range 31, 1, 0x1000, 0x1000, 0          ; the same as range 0: the later one is at fault
    refuses 0xfe8
    range 31, 1, 0, 0x2000, 0
    refuses 0xfe8
    range 31, 1, 0x2000, 0x1000, 5
    ; In a slot of kind 0 nothing else is looked at.
    range 7, 0, 0x1001, 0x777, 99

    ; All is well now: the VMCS is loaded with its ranges, and runs.
    la t1, guest_trap
    li t0, VMCS2+0x100
    sd t1, (t0)
    VMENTER R9
;= exit 0x0c at=guest_trap
;= VMCSPTR = VMCS2, RANGE0_KIND = 1, RANGE31_ADDRESS = 0x2000, RANGE7_LENGTH = 0

    ; Two things wrong: the first in the order of the table is named. ACTION comes before PC.
    fresh
    poke VMCS2+0x058, 1
    poke VMCS2+0x100, 1
    refuses 0x058
    poke VMCS2+0x058, 0
    refuses 0x100
    ; INJECT is done on the way in.
    poke VMCS2+0x058, 2
    poke VMCS2+0x060, 0x4711
    poke VMCS2+0x068, 13
    poke VMCS2+0x100, 0x5550
    VMENTER R9
;= trap 13 pc=0x5550 tval=0x4711 from=0
    pass
