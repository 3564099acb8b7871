; Tables that point at themselves, and maps over everything: walks end, nothing hangs.
main:
    ; Each level of both stages is the same table.
    entry G_ROOT, 0, G_ROOT, TABLE
    entry G_ROOT, 2, 0x80000000, RWX
    base gptbr, SV48, 1, G_ROOT
    put vmr11, 8
    run load
;= trap 13 at=load tval=8 from=0
    entry H_ROOT, 0, H_ROOT, TABLE
    base hptbr, SV48, 1, H_ROOT
    put gptbr, 0
    run load
;= exit 0x09 pc=load execute size=2 gva=load gpa=load
    ; A first-stage table that is its own second-stage table.
    entry H_ROOT, 2, H_ROOT, TABLE
    base gptbr, SV39, 1, H_ROOT
    run load
;= exit 0x09 pc=load walk execute size=2 gva=load gpa=H_ROOT+16
    ; IOVMASK over all ports ends.
    fresh
    put iomap, IO_MAP
    li R10, 0xffff0000
    li R11, 2
    IOVMASK R10, R11
;= mem64[IO_MAP+0x3ff8] = 0xaaaaaaaaaaaaaaaa
    pass
load:
    ld R10, 0(R11)
