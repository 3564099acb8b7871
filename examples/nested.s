; The second stage of translation: a guest whose memory is elsewhere than it believes, and memory on demand.
;
;     visa asm examples/nested.s && visa run examples/nested.elf
;
; The guest's memory begins at guest-physical 0x4000_0000, which is 0x8000_0000 in the machine. When it reaches for
; 0xC000_0000, which it does not have, Ring -1 maps something there, and the instruction is tried again.
;
; Prints:
;   The guest runs at:           0000000040000000
;   VMCAUSE:                     0000000000000009
;   It has no memory at:         00000000c0002000
;   After a page is mapped, R10: 0000000000c0ffee

        .globl  _start
_start: LA      R8, vmcs
        LA      R9, root
        SRLI    R9, R9, 12
        LI      R2, 0x8000100000000000  ; Sv39, VMID 1
        OR      R9, R9, R2
        SD      R9, 0x18(R8)            ; field NESTED_BASE, which is HPTBR
        LA      R2, guest
        LI      R3, 0x40000000
        SUB     R2, R2, R3              ; as the guest sees it
        SD      R2, 0x100(R8)           ; field PC
        VMENTER R8

        LA      R10, where
        CALL    print
        MOV     R11, VMR9               ; the guest's R9
        LI      R2, 0xFFFFF000
        AND     R11, R11, R2            ; its page
        CALL    number
        LA      R10, cause
        CALL    print
        VMCAUSE R11                     ; 0x09: nested page fault
        CALL    number
        LA      R10, none
        CALL    print
        MOV     R11, VMGPA              ; the address, decoded
        CALL    number

        LA      R9, root
        LI      R2, 0x200000CF          ; 1 GiB at physical 0x8000_0000, again
        SD      R2, 24(R9)              ; entry 3: guest-physical 0xC000_0000
        LI      R2, 1
        TLBFLUSHV R2                    ; drops what is known of VMID 1
        VMRESUME                        ; resume action 0, retry: the load happens now

        LA      R10, after
        CALL    print
        MOV     R11, VMR10
        CALL    number
        J       finish

; The guest, in Ring 0, at an address of its own: position-independent.
guest:  AUIPC   R9, 0                   ; where am I?
        LI      R2, 0xC0000000
        LA      R3, magic
        LI      R4, 0x40000000
        SUB     R3, R3, R4              ; the word, from the start of memory
        ADD     R2, R2, R3
        LD      R10, 0(R2)              ; exits the first time
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
where:  .asciz  "The guest runs at:           "
cause:  .asciz  "VMCAUSE:                     "
none:   .asciz  "It has no memory at:         "
after:  .asciz  "After a page is mapped, R10: "

        .data
        .align  12
magic:  .dword  0x00C0FFEE
        .align  12
vmcs:   .dword  0x000141534956          ; REVISION
        .space  0x40
        .dword  0x100000000             ; TIME_SCALE: 1
        .space  4096 - 0x50             ; everything else is 0, or set above
root:   .dword  0                       ; 1 GiB each: nothing at 0,
        .dword  0x200000CF              ; guest-physical 0x4000_0000 is physical 0x8000_0000,
        .space  4096 - 16               ; and nothing anywhere else
