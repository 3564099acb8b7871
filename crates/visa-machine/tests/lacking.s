; What a kernel can see of privileged instructions, interrupts and time. Each check that fails prints its letter.

        .option norvc
        .macro SBI extension, function
            LI  R17, \extension
            LI  R16, \function
            ECALL
        .endm
        ; Prints the letter if the register does not hold the value.
        .macro CHECK letter, register, value
            LI  R9, \value
            BEQ R9, \register, 9f
            LI  R9, \letter
            OUT 0x3F8, R9
9:
        .endm
        ; Prints the letter if two registers differ.
        .macro SAME letter, register, other
            BEQ \register, \other, 9f
            LI  R9, \letter
            OUT 0x3F8, R9
9:
        .endm

        ; In Ring 3, which has no ports: counts what differs, for the end.
        .macro CHECK3 letter, register, value
            LI  R9, \value
            XOR R9, R9, \register
            OR  R8, R8, R9
        .endm

        .equ STIP, 1<<5
        .equ SEIP, 1<<9
        .equ TIMER, 0x8000000000000005
        .equ SOFTWARE, 0x8000000000000001
        .equ EXTERNAL, 0x8000000000000009
        .equ PLIC, 0x0C000000
        .equ UART, 0x10000000

        .globl _start
_start:
        LA      R1, handler
        MOV     CR1, R1
        LI      R26, STIP
        LI      R27, -1
        LI      R8, 0
        LI      R24, 0                  ; interrupts and exceptions seen

        ; The timer, while interrupts are off.
        WRMSR   STIMECMP, R0
        RDMSR   R1, SIP
        CHECK   'a', R1, STIP
        RDMSR   R1, STIMECMP
        CHECK   'b', R1, 0
        LI      R2, 6
        CSRRS   R1, STIMECMP, R2
        CHECK   'c', R1, 0
        LI      R2, 2
        CSRRC   R1, STIMECMP, R2
        CHECK   'd', R1, 6
        CSRRW   R1, STIMECMP, R27
        CHECK   'e', R1, 4
        RDMSR   R1, SIP
        CHECK   'f', R1, 0
        RDMSR   R1, STIMECMP
        CHECK   'g', R1, -1

        ; It comes when sstatus.SIE is set.
        WRMSR   STIMECMP, R0
        WRMSR   SIE, R26
        CSRSI   SSTATUS, 2
after_status:
        CHECK   'h', R20, TIMER
        LA      R1, after_status
        SAME    'i', R21, R1
        CHECK   'j', R24, 1

        ; It comes when sie is set.
        WRMSR   SIE, R0
        WRMSR   STIMECMP, R0
        CHECK   'k', R24, 1
        CSRRS   R3, SIE, R26
after_mask:
        CHECK   'l', R24, 2
        LA      R1, after_mask
        SAME    'm', R21, R1
        CHECK   'n', R3, 0

        ; It comes with a return, and the ring and SPIE are those that were returned to.
        CSRCI   SSTATUS, 2
        WRMSR   STIMECMP, R0
        LI      R1, 0x120
        CSRS    SSTATUS, R1
        LA      R1, after_return
        MOV     CR9, R1
        CHECK   'o', R24, 2
        SRET
after_return:
        CHECK   'p', R24, 3
        LA      R1, after_return
        SAME    'q', R21, R1
        LI      R1, 0x120
        AND     R1, R1, R23
        CHECK   'r', R1, 0x120

        ; WFI: what is pending ends it though interrupts are off, now or later; and taken, it is behind the WFI.
        CSRCI   SSTATUS, 2
        WRMSR   STIMECMP, R0
        WFI
        CHECK   's', R24, 3
        RDTIME  R1
        ADDI    R2, R1, 500
        WRMSR   STIMECMP, R2
        WFI
        RDTIME  R1
        SLTU    R1, R1, R2
        CHECK   't', R1, 0
        RDMSR   R1, SIP
        CHECK   'u', R1, STIP
        CSRSI   SSTATUS, 2
        CHECK   'v', R24, 4
        RDTIME  R2
        ADDI    R2, R2, 500
        WRMSR   STIMECMP, R2
        WFI
after_wait:
        LA      R1, after_wait
        SAME    'w', R21, R1
        CHECK   'x', R24, 5

        ; A call that waits for the timer (HSM, suspend).
        CSRCI   SSTATUS, 2
        RDTIME  R2
        ADDI    R2, R2, 500
        WRMSR   STIMECMP, R2
        LI      R10, 0
        SBI     0x48534D, 3
        CHECK   'y', R10, 0
        RDTIME  R1
        SLTU    R1, R1, R2
        CHECK   'z', R1, 0
        ; One that sets it, and takes it back.
        LI      R10, -1
        SBI     0x54494D45, 0
        RDMSR   R1, SIP
        CHECK   'A', R1, 0
        LI      R10, 0
        SBI     0x54494D45, 0
        RDMSR   R1, SIP
        CHECK   'B', R1, STIP

        ; Of two, the software interrupt comes first; the timer follows when the handler returns.
        LI      R1, STIP|2
        WRMSR   SIE, R1
        CSRSI   SIP, 2
        CSRSI   SSTATUS, 2
        CHECK   'C', R24, 7
        CHECK   'D', R20, TIMER
        CHECK   'E', R25, SOFTWARE
        CSRCI   SSTATUS, 2
        WRMSR   SIE, R0

        ; Bits that do not exist are dropped.
        RDMSR   R2, SSTATUS
        WRMSR   SSTATUS, R27
        RDMSR   R1, SSTATUS
        CHECK   'F', R1, 0x80000002000C6122
        WRMSR   SSTATUS, R2
        WRMSR   SCOUNTEREN, R27
        RDMSR   R1, SCOUNTEREN
        CHECK   'G', R1, 7
        CSRRWI  R1, SENVCFG, 31
        CSRRCI  R1, SENVCFG, 1
        CHECK   'H', R1, 1
        RDMSR   R1, SENVCFG
        CHECK   'I', R1, 0
        LI      R1, 5<<60
        MOV     CR3, R1
        MOV     R1, CR3
        CHECK   'J', R1, 0
        CSRRW   R1, SSCRATCH, R27
        CSRRW   R27, SSCRATCH, R27
        CHECK   'K', R27, -1

        ; Exceptions: a write of a read-only MSR, V-ISA's Ring -1 instructions and MSRs, a vector that there is not.
        CSRRW   R0, TIME, R0
        CHECK   'L', R20, 2
        CHECK   'M', R22, 0xC0101073
        VMRESUME
        CHECK   'N', R20, 2
        RDMSR   R1, HPTBR
        CHECK   'O', R24, 10
        LI      R1, 0
        VINT_SEND R1
        CHECK   'P', R24, 11

        ; The virtual interrupt controller.
        LI      R1, 1<<7
        WRMSR   VICENAB, R1
        LI      R1, 7
        VINT_SEND R1
        RDMSR   R1, SIP
        CHECK   'Q', R1, SEIP
        VINT_STAT R1
        CHECK   'R', R1, 1<<7
        VINT_ACK R1
        CHECK   'S', R1, 7
        RDMSR   R1, SIP
        CHECK   'T', R1, 0
        CHECK   'U', R24, 11

        ; Ports.
        INW     R1, 0x600
        CHECK   'V', R1, 0xFFFFFFFF
        INH     R1, 0xCF8
        CHECK   'W', R1, 0xFFFF
        PAUSE

        ; An external interrupt: the UART's transmitter is empty.
        LI      R2, PLIC
        LI      R1, 3
        SW      R1, 40(R2)              ; priority of source 10
        LI      R3, PLIC+0x2080
        LI      R1, 1<<10
        SW      R1, (R3)                ; context 1
        LI      R4, PLIC+0x201000
        SW      R0, (R4)
        LI      R5, UART
        LI      R1, 2
        SB      R1, 1(R5)
        RDMSR   R1, SIP
        CHECK   'X', R1, SEIP
        LWU     R1, (R4)
        CHECK   '0', R1, 0
        LI      R1, 7
        SW      R1, (R4)                ; the highest threshold
        RDMSR   R1, SIP
        CHECK   '2', R1, 0
        LWU     R1, (R4)
        CHECK   '3', R1, 7
        LI      R1, 2
        SW      R1, (R4)
        LI      R1, SEIP
        WRMSR   SIE, R1
        WFI                             ; which is there
        LWU     R1, (R4)
        CHECK   '4', R1, 2
        CSRSI   SSTATUS, 2
after_external:
        CHECK   'Y', R20, EXTERNAL
        CHECK   'Z', R19, 10
        LA      R1, after_external
        SAME    '5', R21, R1
        CHECK   '6', R24, 12
        CSRCI   SSTATUS, 2
        RDMSR   R1, SIP
        CHECK   '7', R1, 0

        ; Paging, and Ring 3.
        LA      R5, root
        SRLI    R5, R5, 12
        LI      R6, 8<<60
        OR      R5, R5, R6
        CSRRW   R1, SATP, R5
        CHECK   '8', R1, 0
        RDMSR   R1, SATP
        SAME    '9', R1, R5
        SFENCE.VMA
        LI      R14, 0x40000000
        LD      R1, (R14)
        CHECK   '@', R20, 13
        CHECK   '#', R22, 0x40000000
        MOV     CR3, R0
        SFENCE.VMA
        CHECK   '$', R24, 13
        LI      R1, 0x100
        CSRC    SSTATUS, R1
        LA      R1, program
        MOV     CR9, R1
        SRET

        ; In Ring 3.
program:
        RDTIME  R1
        WFI
        CHECK3  '%', R20, 2
        CHECK3  '&', R22, 0x10500073
        SRET
        CHECK3  '*', R22, 0x10200073
        RDMSR   R1, SSTATUS
        CHECK3  '+', R20, 2
        INB     R1, 0x80
        CHECK3  '-', R24, 17
        PAUSE
        ECALL

        ; Exceptions are stepped over; an ECALL of Ring 3 ends it. Interrupts: the timer is stopped, the software
        ; interrupt cleared, the external one claimed. R20: the cause, R25 the one before; R21 where; R22 the value; R23
        ; sstatus.
        .balign 4
handler:
        MV      R25, R20
        MOV     R20, CR10
        MOV     R21, CR9
        MOV     R22, CR2
        MOV     R23, CR0
        ADDI    R24, R24, 1
        BLTZ    R20, 1f
        LI      R28, 8
        BEQ     R20, R28, finish
        ADDI    R28, R21, 4
        MOV     CR9, R28
        SRET
1:      ANDI    R28, R20, 15
        ADDI    R28, R28, -5
        BEQZ    R28, 2f
        BLTZ    R28, 3f
        LWU     R19, 4(R4)              ; the claim
        SB      R0, 1(R5)
        SW      R19, 4(R4)
        SRET
2:      WRMSR   STIMECMP, R27
        SRET
3:      CSRCI   SIP, 2
        SRET

finish:
        CHECK   '=', R24, 18
        CHECK   '%', R8, 0
        LI      R10, 0
        LI      R11, 0
        SBI     0x53525354, 0

        ; Sv39: the first and the third GiB at their addresses.
        .balign 4096
root:
        .dword  0xCF, 0, 0x200000CF
        .zero   509*8
