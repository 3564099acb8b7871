; The test finisher (specification, 8.2): 0x3333 with the code in bits 31:16 ends the run with that code, from a guest too.
;! end fail 513
main:
    run guest
    pass
guest:
;= RING = 0
    fail 513
