; What visor's answers take: a kernel of a few lines that boots under visor and does each thing that exits R9 times between
; two labels, begin_NAME and end_NAME, which `visa bench` watches. There is a row for every cause of exits that it sees
; between them; on a machine with all features some of these things do not exit, and so have no row there.
;
; The kernel runs with the translation off, but for `cr3_write`, which switches an identity map on and off.

        .option norvc                   ; the handler steps over instructions of four bytes

        .equ    COUNT,      16
        .equ    NOTHING,    0xC0000000  ; guest-physical: neither memory nor a device
        .equ    NOBODY,     5<<16|1     ; VINT_SEND's operand: vector 1, for a virtual CPU that there is not

        ; Extensions of the SBI.
        .equ    BASE,       0x10
        .equ    TIME,       0x54494D45
        .equ    IPI,        0x735049
        .equ    RFENCE,     0x52464E43
        .equ    HSM,        0x48534D
        .equ    SRST,       0x53525354
        .equ    DBCN,       0x4442434E

        .macro  begin name
        LI      R9, COUNT
        .globl  begin_\name
begin_\name:
        NOP
1:
        .endm
        .macro  end name
        ADDI    R9, R9, -1
        BNEZ    R9, 1b
        .globl  end_\name
end_\name:
        NOP
        .endm
        ; Calls take R10 and R11, and overwrite both.
        .macro  call name, extension, function, first=0, second=0
        LI      R17, \extension
        LI      R16, \function
        LI      R20, \first
        LI      R21, \second
        begin   \name
        MV      R10, R20
        MV      R11, R21
        ECALL
        end     \name
        .endm

        .text
        .globl  _start
_start:
        LA      R5, trap
        WRMSR   STVEC, R5
        LI      R14, NOTHING
        LI      R15, NOBODY
        LI      R27, -1
        WRMSR   STIMECMP, R27
        LI      R12, 0

        call    base_version, BASE, 0
        call    base_probe, BASE, 3, TIME
        call    base_vendor, BASE, 4
        call    set_timer, TIME, 0, -1
        call    ipi_to_self, IPI, 0, 1, 0
        CSRCI   SIP, 2
        call    fence_i_on_self, RFENCE, 0, 1, 0
        call    sfence_on_self, RFENCE, 1, 1, 0
        call    hart_status, HSM, 2, 0
        call    console_byte, DBCN, 2, 46
        call    putchar, 1, 0, 46
        call    getchar, 2, 0
        call    unknown_extension, 0x99, 0
        call    unknown_function, TIME, 1

        ; Rows of calls whose own work is long.
        LA      R22, text
        LI      R17, DBCN
        LI      R16, 0
        LI      R12, 0
        begin   console_64_bytes
        LI      R10, 64
        MV      R11, R22
        ECALL
        end     console_64_bytes
        call    start_started_hart, HSM, 0, 0, 0x80200000

        begin   denied_load
        LD      R5, (R14)
        end     denied_load
        begin   denied_store
        SD      R5, (R14)
        end     denied_store
        begin   denied_fetch
        JALR    R1, R14
        end     denied_fetch

        begin   vmexit
        VMEXIT
        end     vmexit
        begin   vint_send_to_nobody
        VINT_SEND R15
        end     vint_send_to_nobody

        ; What exits on machines without the trap filter, or without the timer that interrupts the guest.
        LI      R5, 1<<5
        WRMSR   SIE, R5
        CSRSI   SSTATUS, 2              ; SIE
        begin   timer
        WRMSR   STIMECMP, R0
        end     timer
        CSRCI   SSTATUS, 2
        begin   wait
        WRMSR   STIMECMP, R0            ; due, but not taken: what is waited for is there
        WFI
        end     wait
        WRMSR   STIMECMP, R27
        begin   pause
        PAUSE
        end     pause
        begin   in
        IN      R5, 0x3FF
        end     in
        begin   in_absent
        IN      R5, 0x80
        end     in_absent
        begin   out
        LI      R5, 0
        OUT     0x3FF, R5
        end     out
        begin   msr_read
        RDMSR   R5, SCOUNTEREN
        end     msr_read
        begin   msr_write
        WRMSR   SCOUNTEREN, R5
        end     msr_write
        begin   tlb_flush
        SFENCE.VMA
        end     tlb_flush
        LA      R5, root
        SRLI    R5, R5, 12
        LI      R6, 8<<60
        OR      R5, R5, R6
        begin   cr3_write
        MOV     CR3, R5
        end     cr3_write
        begin   page_fault
        LD      R6, (R14)
        end     page_fault
        MOV     CR3, R0

        LI      R17, SRST
        LI      R16, 0
        LI      R10, 0
        LI      R11, 0
        ECALL
1:      J       1b

        ; Exceptions are stepped over; from a fetch R1 leads back. The timer is stopped.
        .balign 4
trap:
        RDMSR   R28, SCAUSE
        BLTZ    R28, 2f
        RDMSR   R29, SEPC
        ADDI    R29, R29, 4
        LI      R30, 1                  ; fetch access fault
        BNE     R28, R30, 1f
        MV      R29, R1
1:      WRMSR   SEPC, R29
        SRET
2:      WRMSR   STIMECMP, R27
        SRET

text:
        .ascii  "................................................................"

        ; Sv39: the first and the third GiB at their addresses.
        .balign 4096
root:
        .dword  0xCF, 0, 0x200000CF
        .zero   509*8
