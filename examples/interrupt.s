; The virtual interrupt controller: interrupts that a guest takes and acknowledges without a VM exit.
;
;     visa asm examples/interrupt.s && visa run examples/interrupt.elf
;
; Prints:
;   Vectors that the guest took: 0000000000000507
;   VMCOUNT_EXIT:                0000000000000001

        .globl  _start
_start: LA      R8, vmcs
        LA      R2, guest
        SD      R2, 0x100(R8)           ; PC
        LA      R2, handler
        SD      R2, 0x130(R8)           ; the guest's stvec, where its traps go
        VMLOAD  [R8]                    ; makes the VMCS current
        LI      R1, 5                   ; vector 5, hart 0
        VINT_SEND R1                    ; for the guest; it takes it as soon as it runs
        VMENTER R8

        LA      R10, took
        CALL    print
        MOV     R11, VMR21
        CALL    number
        LA      R10, exits
        CALL    print
        MOV     R11, VMCOUNT_EXIT       ; only the VMEXIT at the end
        CALL    number
        J       finish

; The guest, in Ring 0, with interrupts on.
guest:  LI      R1, 7
        VINT_SEND R1                    ; to itself: no exit
        VMEXIT

        .align  2
handler:
        VINT_ACK R2                     ; which vector? it is no longer pending; no exit
        SLLI    R21, R21, 8
        OR      R21, R21, R2
        SRET

; Ends the run with exit code 0.
finish: LI      R2, 0x100000            ; the test finisher
        LI      R3, 0x5555
        SW      R3, 0(R2)
1:      J       1b                      ; not reached

; Writes the text at R10.
print:  LBU     R5, 0(R10)
        BEQZ    R5, 1f
        OUT     0x3F8, R5
        ADDI    R10, R10, 1
        J       print
1:      RET

; Writes R11 with sixteen digits, and ends the line.
number: LI      R6, 60
1:      SRL     R5, R11, R6
        ANDI    R5, R5, 15
        LI      R7, 10
        BLTU    R5, R7, 2f
        ADDI    R5, R5, 39              ; from behind '9' to 'a'
2:      ADDI    R5, R5, 48              ; '0'
        OUT     0x3F8, R5
        ADDI    R6, R6, -4
        BGEZ    R6, 1b
        LI      R5, 10
        OUT     0x3F8, R5
        RET
        .section .rodata
took:   .asciz  "Vectors that the guest took: "
exits:  .asciz  "VMCOUNT_EXIT:                "

        .data
        .align  12
vmcs:   .dword  0x000141534956          ; REVISION
        .space  0x40
        .dword  0x100000000             ; TIME_SCALE: 1
        .space  0x118 - 0x50
        .dword  2                       ; sstatus: SIE, interrupts on
        .dword  0x200                   ; sie: external interrupts
        .space  0x180 - 0x128
        .dword  0xA0                    ; VICENAB: vectors 5 and 7
        .space  4096 - 0x188
