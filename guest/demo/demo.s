; The guest of `visa demo`: a kernel of a few lines, in V-ISA assembly, that runs under visor in Ring 0.
;
; It is cut into scenes. A hypercall begins each (R10 is its number), and hands over what the guest saw in the last one
; (R11 to R14). visor sets the trap filter for the scene; everything else happens here.
;
; The kernel is position-independent. visor maps its memory elsewhere than it is: guest-physical 0x4000_0000 is
; physical 0x8000_0000.
;
;   R16, R17   function and extension of the next hypercall
;   R21        vectors of the virtual interrupts taken, the last one lowest
;   R22        timer interrupts taken
;   R23        where a user program's trap returns to; 0: there is none
;   R24        1: return from an exception by JR, because VMTRAPCFG b1 traps SRET
;   R25, R26   exceptions taken, and the cause of the last
;   R27 to R31 the trap handler's own

        .option norvc                   ; every instruction has four bytes: the handler steps over them
        .text
        .globl  _start
_start:
        LA      R1, handler
        MOV     CR1, R1                 ; CR1 is stvec

        ; The guest's own page tables (the first stage): its memory at its address, and a window high up.
        LA      R1, root
        LI      R2, 0x100000CF          ; 1 GiB at 0x4000_0000: valid, read, write, execute, A, D
        SD      R2, 8(R1)
        LI      R2, 0x200000C7          ; 1 GiB at 0x8000_0000: nothing is there for a guest
        SD      R2, 16(R1)
        LA      R3, middle
        SRLI    R2, R3, 2
        ORI     R2, R2, 1               ; a table
        LI      R4, 2048
        ADD     R4, R4, R1
        SD      R2, 0(R4)               ; entry 256: 0xFFFF_FFC0_0000_0000
        LA      R4, window
        SRLI    R2, R4, 2
        ORI     R2, R2, 1
        SD      R2, 0(R3)
        LA      R1, message
        SRLI    R2, R1, 2
        ORI     R2, R2, 0xC7
        SD      R2, 0(R4)               ; window page 0: the message
        LI      R2, 0x140000C7
        SD      R2, 8(R4)               ; window page 1: guest-physical 0x5000_0000
                                        ; window page 2: not mapped
        LA      R1, user
        SRLI    R2, R1, 2
        ORI     R2, R2, 0x5B
        SD      R2, 24(R4)              ; window page 3: the user program, for Ring 3

        LI      R17, 0x0A564953         ; visor's own calls
        LI      R16, 0                  ; begin a scene

; Scene 1: the concept's example. VMTRAPCFG b3 is set.
        LI      R10, 1
        ECALL
        LA      R1, root
        SRLI    R1, R1, 12
        LI      R2, 0x8000100000000000  ; Sv39, ASID 1
        OR      R1, R1, R2
        MOV     CR3, R1                 ; exits: the hypervisor does it, and VMRESUME goes on behind it
        MOV     R11, CR3                ; reads it back

; Scene 2: a hundred context switches there and back, with b3 still set.
        LI      R10, 2
        ECALL
        LA      R6, root
        SRLI    R6, R6, 12
        OR      R6, R6, R2              ; ASID 1
        LI      R3, 0x8000200000000000
        LA      R7, root
        SRLI    R7, R7, 12
        OR      R7, R7, R3              ; ASID 2
        CALL    switch

; Scene 3: the same with b3 clear.
        LI      R10, 3
        ECALL
        CALL    switch

; Scene 4: ports, with VMTRAPCFG b0 set.
        LI      R10, 4
        ECALL
        LI      R1, 0x56                ; V
        OUT     0x3F8, R1               ; exits
        IN      R11, 0x3FD              ; exits
        IN      R12, 0x500              ; IOVMASK says absent: ones, and no exit

; Scene 5: b0 is still set, but IOVMASK lets the console's ports pass.
        LI      R10, 5
        ECALL
        LA      R2, text
1:      LBU     R1, 0(R2)
        BEQZ    R1, 2f
        OUT     0x3F8, R1
        ADDI    R2, R2, 1
        J       1b
2:

; Scene 6: a guest-virtual address goes through both stages, and the combined TLB remembers.
        LI      R10, 6
        ECALL
        LI      R2, 0xFFFFFFC000000000
        RDMSR   R5, VMCOUNT_TLBMISS
        LD      R11, 0(R2)
        RDMSR   R6, VMCOUNT_TLBMISS
        LD      R3, 8(R2)
        RDMSR   R7, VMCOUNT_TLBMISS
        SUB     R12, R6, R5             ; the first load: a miss
        SUB     R13, R7, R6             ; the second: none
        LA      R14, message            ; the guest-physical address, for visor to say where that is

; Scene 7: memory that the second stage does not have yet.
        LI      R10, 7
        ECALL
        LI      R2, 0xFFFFFFC000001000
        LI      R1, 42
        SD      R1, 0(R2)               ; exits; visor maps a page, and the store is tried again
        LD      R11, 0(R2)

; Scene 8: interrupts.
        LI      R10, 8
        ECALL
        LI      R1, 0xA0
        WRMSR   VICENAB, R1             ; vectors 5 and 7
        LI      R1, 0x220
        MOV     CR5, R1                 ; CR5 is sie: external and timer interrupts
        LI      R1, 2
        CSRS    sstatus, R1             ; interrupts on
        LI      R16, 1
        ECALL                           ; asks visor for an interrupt: it sends vector 5
        LI      R16, 0
        LI      R1, 7
        VINT_SEND R1                    ; vector 7 to this very virtual CPU: no exit
        VINT_STAT R12                   ; none pending: both were taken
        RDTIME  R1
        ADDI    R1, R1, 100
        MOV     CR11, R1                ; CR11 is stimecmp, the guest's own timer
        HLT                             ; waits for it: no exit
        LI      R1, 2
        CSRC    sstatus, R1             ; interrupts off
        MV      R11, R21
        MV      R13, R22

; Scene 9: a device that is not there.
        LI      R10, 9
        ECALL
        LI      R2, 0x60000000
        LI      R1, 30
        SW      R1, 0(R2)               ; exits, decoded
        LI      R1, 12
        SW      R1, 0(R2)
        LW      R11, 8(R2)              ; the sum

; Scene 10: what a guest may not do, with VMTRAPCFG b1 set.
        LI      R10, 10
        ECALL
        LI      R24, 1
        LI      R25, 0
        LA      R1, root
        VMENTER R1                      ; exits; visor injects an illegal-instruction exception
        WRMSR   HPTBR, R0               ; exits likewise
        LI      R2, 0x80000000
        SD      R1, 0(R2)               ; exits: the second stage has nothing there; an access fault is injected
        MV      R11, R25
        MV      R12, R26
        LI      R24, 0

; Scene 11: what a user program may not do, with b1 clear: the guest's own affair.
        LI      R10, 11
        ECALL
        LI      R25, 0
        LA      R23, back
        LI      R1, 0xFFFFFFC000003000
        MOV     CR9, R1                 ; CR9 is sepc
        LI      R1, 0x120
        CSRC    sstatus, R1             ; SRET goes to Ring 3, with interrupts off
        SRET
back:   MV      R11, R25
        MV      R12, R26

; Scene 12: the other causes of the concept, with b4 (page faults), b5 (timer) and b7 (halt) set.
        LI      R10, 12
        ECALL
        LI      R2, 0xFFFFFFC000002000
        LD      R11, 0(R2)              ; exits; visor injects the fault, the guest maps the page and tries again
        MV      R20, R22
        RDTIME  R1
        ADDI    R1, R1, 500
        MOV     CR11, R1
        HLT                             ; exits
1:      BEQ     R22, R20, 1b            ; until the timer is due: exits; visor injects the interrupt
        VMEXIT                          ; exits, of the guest's own will
        SUB     R12, R22, R20

; Scene 13: the counters are for the guest to read, and for nobody to write.
        LI      R10, 13
        ECALL
        LI      R25, 0
        RDMSR   R11, VMCOUNT_EXIT
        RDMSR   R12, VMCOUNT_EMU
        RDMSR   R13, VMCOUNT_TLBMISS
        WRMSR   VMCOUNT_EXIT, R0        ; an illegal instruction, in every ring
        MV      R14, R25

; The end: SBI system reset, shutdown (0) for no reason (0).
        LI      R10, 14
        ECALL
        LI      R17, 0x53525354
        LI      R16, 0
        LI      R10, 0
        LI      R11, 0
        ECALL
1:      HLT                             ; not reached
        J       1b

switch: LI      R5, 100
1:      MOV     CR3, R7
        MOV     CR3, R6
        ADDI    R5, R5, -1
        BNEZ    R5, 1b
        RET

; Traps of the guest's own.
        .align  2
handler:
        MOV     R28, CR10               ; CR10 is scause
        BLTZ    R28, interrupt
        ADDI    R25, R25, 1
        MV      R26, R28
        LI      R29, 13
        BEQ     R28, R29, fault         ; a load page fault
        BNEZ    R23, leave              ; a user program
        MOV     R29, CR9
        ADDI    R29, R29, 4             ; anything else: go on behind it
        BNEZ    R24, jump
        MOV     CR9, R29
        SRET
jump:   JR      R29

fault:  LA      R29, message
        SRLI    R29, R29, 2
        ORI     R29, R29, 0xC7
        LA      R30, window
        SD      R29, 16(R30)            ; window page 2: the message too
        SFENCE.VMA
        SRET                            ; tries again

leave:  MOV     CR9, R23
        LI      R23, 0
        LI      R29, 0x100
        CSRS    sstatus, R29            ; SRET goes to Ring 0
        SRET

interrupt:
        SLLI    R28, R28, 1             ; drops bit 63
        LI      R29, 18
        BEQ     R28, R29, virtual       ; 9: external
        LI      R29, -1
        MOV     CR11, R29               ; 5: the timer; no more of it
        ADDI    R22, R22, 1
        SRET
virtual:
        VINT_ACK R29                    ; which one? no exit
        SLLI    R21, R21, 8
        OR      R21, R21, R29
        SRET

        .section .rodata
text:   .asciz  "Hello from Ring 0, port by port.\n"

        .data
        .align  12
user:   MOV     CR3, R0                 ; a user program has no business there
        .align  12
message:
        .dword  0x00C0FFEE
        .dword  0x0000BEEF

        .bss
        .align  12
root:   .space  4096
middle: .space  4096
window: .space  4096
