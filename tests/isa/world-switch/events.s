; The whole of a short story, as a log: the concept's flow. The guest writes CR3, Ring -1 completes it; it does I/O, and calls.
; The log holds every trap and world switch with its record; compare chapter 2 and 3.1 of the specification.
;! events
;! exits control-register-write=1 io-access=1 hypercall=1 exception=1
main:
    put excmap, 1<<3
    put vmr1, 0x8000100000080130
    put vmr2, 0x41
    run guest, 0, CR3W|IO
;= exit 0x03 at=guest read write reg=0 code=0x180 value=0x8000100000080130
    VMCAUSE R10
    rdmsr R11, VMVALUE
    LDGPTBR R11
;= R10 = 0x03, CR3 = 0x8000100000080130
    ; Its tables are not filled: switch translation off again before it goes on.
    LDGPTBR R0
    complete 0
;= exit 0x02 at=out_ write size=1 code=0x3f8 value=0x41
    complete 0
;= exit 0x12 at=breakpoint code=3 gva=breakpoint
    complete 0
;= exit 0x07 at=call
    pass
guest:
    MOV CR3, R1
out_:
    OUT 0x3F8, R2
breakpoint:
    EBREAK
    nop
call:
    ECALL
;~ enter Ring 0 at guest action 0
;~ exit control-register-write from Ring 0 at guest qual 0x4002100 inst 0x18009073 value 0x8000100000080130 code 0x180
;~ enter Ring 0 at out_ action 1
;~ exit io-access from Ring 0 at out_ qual 0x4000101 inst 0x3e204c2b value 0x41 code 0x3f8
;~ enter Ring 0 at breakpoint action 1
;~ exit exception from Ring 0 at breakpoint qual 0x4000000 inst 0x100073 gva breakpoint code 0x3
;~ enter Ring 0 at breakpoint+0x4 action 1
;~ exit hypercall from Ring 0 at call qual 0x4000000 inst 0x73
