; The smallest program: Ring -1, where the machine starts, writes to the console and ends the run.
;
;     visa asm examples/hello.s && visa run examples/hello.elf
;
; Prints:
;   Hello from Ring -1.

        .globl  _start
_start: LA      R2, text
1:      LBU     R3, 0(R2)
        BEQZ    R3, 2f
        OUT     0x3F8, R3               ; the console's port; its registers are at 0x10000000 too
        ADDI    R2, R2, 1
        J       1b
2:      LI      R2, 0x100000            ; the test finisher
        LI      R3, 0x5555              ; "passed": exit code 0
        SW      R3, 0(R2)
3:      J       3b                      ; not reached

        .section .rodata
text:   .asciz  "Hello from Ring -1.\n"
