; IOVMASK and the I/O permission map (specification, 5.2): policies default 0, pass 1, trap 2, absent 3 for ports by range;
; the strictest of several ports counts: trap, then absent, then default, then pass. b10 goes before the map.
.macro mask first, last, policy
    li R10, (\last)<<16|(\first)
    li R11, \policy
    IOVMASK R10, R11
.endm
.macro bad ports, policy, tval
    li R10, \ports
    li R11, \policy
;= mark
    IOVMASK R10, R11
;= hv 24 tval=\tval, same except HV*
.endm
main:
    ; With no map there is nothing to write.
    bad 0x3ff03ff, 1, 0
    put iomap, IO_MAP
    ; First above last; something in the upper half; a policy that does not exist.
    bad 0x0001_0002, 1, 0
    bad 0x1_0002_0001, 1, 0
    bad 0x0002_0001, 4, 1
    bad 0x0002_0001, -1, 1
    ; Both wrong: Rs1 first.
    bad 0x0001_0002, 4, 0
    ; A map of which part is not in RAM: nothing is written, and HVTVAL is the first address that is not.
.macro outside map, ports, tval
    put iomap, \map
    li R10, \ports
    li R11, 3
;= mark
    IOVMASK R10, R11
;= hv 7 tval=\tval, same except HV*
.endm
    outside END_OF_RAM-0x1000, 0xffff_0000, END_OF_RAM
    outside END_OF_RAM-0x1000, 0x4000_3fff, END_OF_RAM
    outside 0x80000000-0x1000, 0x4003_0008, 0x80000000-0x1000+2
    put iomap, END_OF_RAM-0x1000
    mask 0x3ff8, 0x3fff, 3          ; what is written is in RAM
;= mem64[END_OF_RAM-8] = 0xffff<<48
    put iomap, IO_MAP

    ; Two bits a port, port 0 lowest: ports 0x3F8 to 0x3FF are the 2 bytes at 0x3F8/4 = 0xFE.
    mask 0x3f8, 0x3ff, 2
;= mem16[IO_MAP + 0xfe] = 0xaaaa, mem8[IO_MAP + 0xfd] = 0, mem8[IO_MAP + 0x100] = 0
    mask 0x3fa, 0x3fa, 1
;= mem16[IO_MAP + 0xfe] = 0xaa9a
    mask 0x3f9, 0x3fd, 1
;= mem16[IO_MAP + 0xfe] = 0xa556
    mask 0, 0xffff, 3
;= mem64[IO_MAP] = -1, mem64[IO_MAP + 0x3ff8] = -1, mem8[IO_MAP + 0x4000] = 0
    mask 0, 0xffff, 0
;= mem64[IO_MAP] = 0, mem64[IO_MAP + 0x3ff8] = 0

    ; The scratch port holds 0x5a throughout.
    li R5, 0x5a
    OUT 0x3FF, R5
    ; Default is what b0 says.
    run in_scratch, 0, 0
;= exit 0x0c at=in_scratch+4, VMR10 = 0x5a
    run in_scratch, 0, IO
;= exit 0x02 at=in_scratch read reg=10 size=1 code=0x3ff
    ; Pass: no exit, whatever b0 says. A change of the map takes effect at once.
    mask 0x3ff, 0x3ff, 1
    put vmr10, 0
    run in_scratch, 0, IO
;= exit 0x0c at=in_scratch+4, VMR10 = 0x5a
    ; Trap, whatever b0 says.
    mask 0x3ff, 0x3ff, 2
    run in_scratch, 0, 0
;= exit 0x02 at=in_scratch read reg=10 size=1 code=0x3ff
    ; Absent: ones, and no exit; writes vanish.
    mask 0x3ff, 0x3ff, 3
    run in_scratch, 0, IO
;= exit 0x0c at=in_scratch+4, VMR10 = 0xff
    run out_scratch, 0, IO
;= exit 0x0c at=out_scratch+8
    IN R6, 0x3FF
;= R6 = 0x5a
    mask 0x3ff, 0x3ff, 1
    run out_scratch, 0, IO
    IN R6, 0x3FF
;= R6 = 0x77

    put vmr13, 0x1000
    ; Four ports at once, 0x1000 to 0x1003: the strictest.
.macro quad a, b, c, d
    poke IO_MAP+0x1000/4, (\a)|(\b)<<2|(\c)<<4|(\d)<<6
.endm
    quad 1, 1, 1, 2
    run in_quad, 0, 0
;= exit 0x02 at=in_quad read reg=10 size=4 code=0x1000
    quad 3, 1, 2, 1
    run in_quad, 0, 0
;= exit 0x02 at=in_quad read reg=10 size=4 code=0x1000
    quad 1, 1, 3, 0                 ; absent before default
    run in_quad, 0, IO
;= exit 0x0c at=in_quad+4, VMR10 = 0xffffffff
    quad 1, 0, 1, 1                 ; default before pass: b0
    run in_quad, 0, IO
;= exit 0x02 at=in_quad read reg=10 size=4 code=0x1000
    quad 1, 1, 1, 1
    run in_quad, 0, IO
;= exit 0x0c at=in_quad+4
    quad 1, 2, 2, 2                 ; a byte at the first port does not touch the others
    run in_first, 0, IO
;= exit 0x0c at=in_first+4, VMR10 = 0xff
    quad 2, 1, 1, 1

    ; PCI: ports 0xCF8 to 0xCFF exit with 0x15 before the map is looked at, also when the access only reaches into them.
    mask 0xcf0, 0xcff, 1
    run in_pci, 0, IO
;= exit 0x0c at=in_pci+4, VMR10 = 0xffffffff
    run in_pci, 0, PCI
;= exit 0x15 at=in_pci read reg=10 size=4 code=0xcf8
    run out_pci, 0, PCI|IO
;= exit 0x15 at=out_pci write size=2 code=0xcfe value=0x77
    run in_into_pci, 0, PCI
;= exit 0x15 at=in_into_pci read reg=10 size=4 code=0xcf6
    run in_before_pci, 0, PCI
;= exit 0x0c at=in_before_pci+4
    run in_after_pci, 0, PCI
;= exit 0x0c at=in_after_pci+4
    mask 0xcf8, 0xcff, 2
    run in_pci, 0, PCI
;= exit 0x15 at=in_pci read reg=10 size=4 code=0xcf8
    run in_pci, 0, 0
;= exit 0x02 at=in_pci read reg=10 size=4 code=0xcf8
    pass
in_scratch:
    IN R10, 0x3FF
    vmexit
out_scratch:
    MOV R12, 0x77
    OUT 0x3FF, R12
    vmexit
in_quad:
    INW R10, 0(R13)
    vmexit
in_first:
    IN R10, 0(R13)
    vmexit
in_pci:
    INW R10, 0xCF8
    vmexit
out_pci:
    OUTH 0xCFE, R12
    vmexit
in_into_pci:
    INW R10, 0xCF6
    vmexit
in_before_pci:
    INW R10, 0xCF4
    vmexit
in_after_pci:
    INW R10, 0xD00
    vmexit
