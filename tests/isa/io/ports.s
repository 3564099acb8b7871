; IN and OUT (specification, 5.1): 64 Ki ports; byte, 16 and 32 bits; the port is the low 16 bits of base plus a 12-bit
; unsigned immediate. Port 0x3FF is the scratch register of the port space's 16550, a byte that keeps what is written.
; A port where nothing answers reads as ones and ignores writes. Values read are zero-extended.
main:
    ; Ring -1 reaches the real port, with b0 set and a map that says trap for everything.
    put vmtrapcfg, IO|PCI
    li R5, 0x1a5
    OUT 0x3FF, R5
    li R6, -1
    IN R6, 0x3FF
;= R6 = 0xa5
    li R7, 0x10000                  ; the upper bits of the base do not count: port 0x3FF again
    INB R8, 0x3FF(R7)
;= R8 = 0xa5
    li R7, 0xFFFF                   ; 0xFFFF + 0x400 = 0x103FF: port 0x3FF
    IN R8, 0x400(R7)
;= R8 = 0xa5
    IN R9, 0x80
    INH R10, 0x80
    INW R11, 0x80
;= R9 = 0xff, R10 = 0xffff, R11 = 0xffffffff
    li R7, 0xFFFF
    IN R9, 0(R7)
    OUTW 0(R7), R5
;= R9 = 0xff
    IN R0, 0x3FF
;= R0 = 0
    ; PCI configuration ports: nothing answers, and Ring -1 does not exit.
    INW R9, 0xCFC
;= R9 = 0xffffffff

    ; Ring 0 with nothing trapped: the same ports, no exit.
    fresh
    put vmr5, 0x1c3
    run pass_through
;= exit 0x0c at=pass_through_end
;= VMR6 = 0xc3, VMR7 = 0xff, VMR8 = 0xffff, VMR9 = 0xffffffff
    IN R6, 0x3FF
;= R6 = 0xc3
    pass
pass_through:
    OUT 0x3FF, R5
    li R6, -1
    IN R6, 0x3FF
    IN R7, 0x81
    INH R8, 0x81
    INW R9, 0x81
pass_through_end:
    vmexit
