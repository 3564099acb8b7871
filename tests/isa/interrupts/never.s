; A WFI that nothing can end: the run is idle.
;! end idle
main:
    put sie, 0
    run wait
    fail
wait:
;= RING = 0
    HLT
    vmexit
