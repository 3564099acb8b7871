; If Ring -1 raises three exceptions without an instruction retiring in between, the machine stops (specification, 1.4). The first is
; the illegal instruction, the others are fetches of the vector, which is nowhere.
;! end dead 1
main:
    put hvvec, 0x40000000
;= RING = -1
    .word 0
