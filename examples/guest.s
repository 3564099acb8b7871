; A hypervisor in a few lines: it makes a VMCS, enters a guest, handles one exit, and lets the guest go on.
;
;     visa asm examples/guest.s && visa run examples/guest.elf
;
; Prints:
;   VMCAUSE of the first exit:  0000000000000003
;   CR3, as the guest writes it: 8000000000080003
;   VMCAUSE of the second exit: 000000000000000c
;   CR3, as the guest read it:   8000000000080003

        .globl  _start
_start: LA      R8, vmcs
        LA      R2, guest
        SD      R2, 0x100(R8)           ; where the guest begins: field PC
        MOV     R1, R8
        VMENTER R1                      ; R1 = pointer to VM Control Structure (VMCS)

        ; A guest is a call that returns with an exit: here is the first. The guest has done MOV CR3, R1.
        LA      R10, first
        CALL    print
        VMCAUSE R11                     ; 0x03: control register write
        CALL    number
        LA      R10, wrote
        CALL    print
        MOV     R11, VMVALUE            ; what it writes; nobody needs to look at the instruction
        CALL    number

        LDGPTBR R11                     ; the guest's CR3 is GPTBR to us: done in its place
        LI      R2, 1                   ; resume action "complete": step past the instruction
        WRMSR   VMACTION, R2
        VMRESUME

        ; The second: the guest has done VMEXIT.
        LA      R10, second
        CALL    print
        VMCAUSE R11
        CALL    number
        LA      R10, read
        CALL    print
        MOV     R11, VMR10              ; the guest's R10
        CALL    number
        J       finish

; The guest, in Ring 0.
guest:  LA      R1, root
        SRLI    R1, R1, 12
        LI      R2, 0x8000000000000000  ; Sv39
        OR      R1, R1, R2
        MOV     CR3, R1                 ; exits, because VMTRAPCFG b3 is set
        MOV     R10, CR3                ; from here on by the guest's own page table
        VMEXIT

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
first:  .asciz  "VMCAUSE of the first exit:  "
wrote:  .asciz  "CR3, as the guest writes it: "
second: .asciz  "VMCAUSE of the second exit: "
read:   .asciz  "CR3, as the guest read it:   "

        .data
        .align  12
vmcs:   .dword  0x000141534956          ; REVISION
        .dword  0
        .dword  8                       ; VMTRAPCFG: b3, writes of CR3
        .space  0x30
        .dword  0x100000000             ; TIME_SCALE: 1
        .space  4096 - 0x50             ; everything else is 0: Ring 0, no second stage, nothing else traps
root:   .dword  0, 0, 0x200000CF        ; 1 GiB at 0x8000_0000: valid, read, write, execute, accessed, dirty
        .space  4096 - 24
