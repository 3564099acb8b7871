; IOVMAP (specification, 5.3): descriptors and their errors; trap ranges exit decoded with the cookie; passthrough goes to the
; target; unmap; ranges come before the second stage; 32 of them, none overlapping.
.macro describe kind, address, length, target
    poke DESCRIPTOR, \kind
    poke DESCRIPTOR+8, \address
    poke DESCRIPTOR+16, \length
    poke DESCRIPTOR+24, \target
    li R10, DESCRIPTOR
.endm
.macro bind kind, address, length, target
    describe \kind, \address, \length, \target
    IOVMAP R10
.endm
.macro bad field, kind, address, length, target
    describe \kind, \address, \length, \target
;= mark
    IOVMAP R10
;= hv 24 tval=\field, same except HV*
.endm
.set index, 0
main:
    ; The descriptor itself: aligned to 32, in RAM, or an access fault of Ring -1.
    li R10, DESCRIPTOR+16
unaligned:
    IOVMAP R10
;= hv 5 at=unaligned tval=DESCRIPTOR+16
    li R10, END_OF_RAM
outside:
    IOVMAP R10
;= hv 5 at=outside tval=END_OF_RAM

    ; Each field wrong in turn. HVTVAL is its offset.
    bad 0, 2, 0x1000, 0x1000, 0
    bad 0, 3, 0x1000, 0x1000, 0
    bad 0, 5, 0x1000, 0x1000, 0
    bad 0, -1, 0x1000, 0x1000, 0
    bad 8, 1, 0x1008, 0x1000, 0
    bad 8, 1, 1<<56, 0x1000, 0
    bad 16, 1, 0x1000, 0, 0
    bad 16, 1, 0x1000, 0x800, 0
    bad 16, 1, 0x1000, 1<<56, 0
    bad 24, 4, 0x1000, 0x1000, 0x80140800
    bad 8, 0, 0x1000, 0, 0              ; unmap of nothing

    ; A trap range, with nothing translated. The last possible one ends at 2^56.
    bind 1, 0x40000000, 0x2000, 0xc00c1e
;= RANGE0_KIND = 1, RANGE0_ADDRESS = 0x40000000, RANGE0_LENGTH = 0x2000, RANGE0_TARGET = 0xc00c1e
    bind 1, 0xfffffffffff000, 0x1000, 2
    ; Overlaps in each way.
    bad 8, 1, 0x40000000, 0x1000, 0
    bad 8, 1, 0x40001000, 0x1000, 0
    bad 8, 4, 0x3ffff000, 0x2000, 0x80140000
    bad 8, 1, 0x3ffff000, 0x10000, 0
    put vmr11, 0x40000000
    put vmr12, 0x1122334455667788
    run load
;= exit 0x0b at=load read size=8 reg=10 gva=0x40000008 gpa=0x40000008 cookie=0xc00c1e
    complete 0xabcdef
;= exit 0x0b at=store write size=4 gva=0x40001ffc gpa=0x40001ffc cookie=0xc00c1e value=0x55667788
;= VMR10 = 0xabcdef
    complete 0
;= exit 0x0c at=store+4
    ; A fetch in it is an access fault of the guest.
    put vmr11, 0x40000000
    run jump
;= trap 1 pc=0x40000000 tval=0x40000000
    ; One byte below and above: nothing is there, an access fault of the guest; no exit to Ring -1.
    put vmr11, 0x40000000-16
    run load
;= trap 5 at=load tval=0x3ffffff8
    put vmr11, 0x40002000-8
    run load
;= trap 5 at=load tval=0x40002000
    ; The highest range. 
    put vmr11, 0xfffffffffff000
    run store_only
;= exit 0x0b at=store_only write size=4 gva=0xfffffffffff000 gpa=0xfffffffffff000 cookie=2 value=0x55667788

    ; An access over the end of a page into a range is an access fault of the guest: a part of one cannot be completed.
    put vmr11, 0x40001ff8
    run load_unaligned
;= exit 0x0b at=load_unaligned read size=8 reg=10 gva=0x40001ff7 gpa=0x40001ff7 cookie=0xc00c1e
    put vmr11, 0x40001ffd
    run load_unaligned
;= trap 5 at=load_unaligned tval=0x40001ffc

    ; Unmap by the guest address alone.
    bind 0, 0x40000000, 77, 99
;= RANGE0_KIND = 0, RANGE0_LENGTH = 0
    put vmr11, 0x40000000
    run load
;= trap 5 at=load tval=0x40000008

    ; Passthrough to RAM: guest-physical 0x40000000 is DATA.
    bind 4, 0x40000000, 0x1000, DATA
    poke DATA+8, 0x4242
    run load
;= trap 7 at=store tval=0x40001ffc
;= VMR10 = 0x4242
    put vmr11, 0x40000004
    run store_only
;= exit 0x0c at=store_only+4, mem64[DATA] = 0x5566778800000000
    ; Passthrough to a device: the PLIC's threshold register of context 1 (0x0C201000) at guest 0x50001000.
    bind 4, 0x50000000, 0x2000, 0x0c200000
    put vmr11, 0x50001000
    run plic
;= exit 0x0c at=plic_end, VMR10 = 7
    li R6, 0x0c201000
    lw R7, 0(R6)
;= R7 = 7

    ; Before the second stage: that maps gigabyte 1 to RAM, too, but the range's page is what the range says.
    nested39
    entry H_ROOT, 1, 0x80000000, RWX
    poke 0x80000000+DATA-0x80000000+0x1010, 0x1010
    put vmr11, 0x40000000
    run load_only
;= exit 0x0c at=load_only+4, VMR10 = 0x4242
    ; The page after the range is the second stage's: 0x40000000 + 0x141010 is DATA + 0x1010.
    put vmr11, 0x40141008
    run load_only
;= exit 0x0c at=load_only+4, VMR10 = 0x1010
    ; Unmapped, the second stage's page appears at once.
    bind 0, 0x40000000, 0, 0
    put vmr11, 0x40140000
    run load_only
;= exit 0x0c at=load_only+4, VMR10 = 0x4242
    put vmr11, 0x40000000
    put vmr10, 0
    run load_only
;= exit 0x0c at=load_only+4, VMR10 = mem64[0x80000008]
    ; ... and a range hides it at once.
    bind 1, 0x40000000, 0x1000, 9
    run load_only
;= exit 0x0b at=load_only read size=8 reg=10 gva=0x40000008 gpa=0x40000008 cookie=9

    ; A table of 32. Two are taken from before (0x50000000 and the highest), and this one.
.rept 29
    bind 1, 0x60000000+index*0x1000, 0x1000, index
.set index, index+1
.endr
    bad 0, 1, 0x70000000, 0x1000, 0
;= RANGE31_KIND = 1
    ; They go with the VMCS.
    li R9, VMCS2
    VMSAVE R9
    fresh
;= RANGE31_KIND = 0, RANGE0_LENGTH = 0
    VMLOAD R9
;= RANGE31_KIND = 1, RANGE0_LENGTH = 0x1000
    ; Slots fill from the first free one: 0 held the range at 0x40000000, 1 the highest, 2 the PLIC's, 3 index 0, ...
;= RANGE0_ADDRESS = 0x40000000, RANGE1_ADDRESS = 0xfffffffffff000, RANGE2_TARGET = 0x0c200000, RANGE31_ADDRESS = 0x6001c000
    pass

load:
    ld R10, 8(R11)
    lui R13, 2
    add R13, R13, R11
store:
    sw R12, -4(R13)
    vmexit
store_only:
    sw R12, 0(R11)
    vmexit
load_only:
    ld R10, 8(R11)
    vmexit
load_unaligned:
    ld R10, -1(R11)
    vmexit
jump:
    jr R11
plic:
    li R5, 7
    sw R5, 0(R11)
    lw R10, 0(R11)
plic_end:
    vmexit
