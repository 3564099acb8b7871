; first smoke
;! exits vmexit-instruction=1 illegal-privileged=1
main:
    MOV R10, 5
;= R10 = 5, RING = -1
    run leave
;= exit 0x0c at=leave
    run user, 3, PRIV
;= exit 0x01 at=user ring=3
    pass
user: hlt
