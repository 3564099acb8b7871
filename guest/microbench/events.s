; What single events cost, in the manner of kvm-unit-tests' vmexit: a hypervisor of a few lines in Ring -1 and a kernel of a
; few lines in Ring 0, which does each event R9 times between two labels.
;
; `visa bench` assembles this, watches the labels begin_NAME and end_NAME, and makes a row of each pair. The row `empty` is
; the loop alone; what it takes is taken off the others.
;
; Addresses of the guest, through both stages (Sv39, pages of 1 GiB):
;   0x0000_0000  its first GiB, where IOVMAP has a device that traps    0x8000_0000  RAM
;   0x4000_0000  nothing in the guest's own tables                      0xC000_0000  nothing in the second stage
;
; The hypervisor's registers are its own bank, so they hold their values from exit to exit:
;   R20 table of handlers   R21 1, "complete"   R22 -1   R23 operand of VINT_SEND   R24 the timer's interrupt   R25 2, "inject"

        .option norvc                   ; handlers step over instructions of four bytes

        .equ    COUNT,      1000
        .equ    FINISHER,   0x00100000
        .equ    VMCS,       0x80100000
        .equ    H_ROOT,     0x80120000
        .equ    G_ROOT,     0x80130000
        .equ    DESCRIPTOR, 0x80140000
        .equ    DEVICE,     0x10008000
        .equ    ABSENT,     0x40000000
        .equ    UNBACKED,   0xC0000000
        .equ    VECTOR,     5

        ; VMTRAPCFG
        .equ    IO, 1<<0
        .equ    MSRS, 1<<2
        .equ    CR3W, 1<<3
        .equ    PF, 1<<4
        .equ    TIMER, 1<<5
        .equ    HALT, 1<<7
        .equ    FLUSH, 1<<8
        .equ    PAUSES, 1<<11

        .macro  poke address, value
        LI      R5, \address
        LI      R6, \value
        SD      R6, (R5)
        .endm
        .macro  put msr, value
        LI      R5, \value
        WRMSR   \msr, R5
        .endm

        .text
        .globl  _start
_start:
        LA      R5, broken
        WRMSR   HVVEC, R5
        poke    VMCS, 0x000141534956    ; REVISION
        poke    VMCS+0x48, 0x100000000  ; TIME_SCALE: one
        LI      R5, VMCS
        VMLOAD  [R5]
        LA      R5, guest
        WRMSR   VMPC, R5
        LA      R5, guest_trap
        WRMSR   STVEC, R5
        put     STIMECMP, -1
        put     VICENAB, 1<<VECTOR
        ; The second stage: RAM, as one page of 1 GiB; VMID 1.
        poke    H_ROOT+16, (0x80000000>>2)|0xCF
        put     HPTBR, (8<<60)|(1<<44)|(H_ROOT>>12)
        ; The first: guest-physical addresses as they are, but for the second GiB.
        poke    G_ROOT, 0xCF
        poke    G_ROOT+16, (0x80000000>>2)|0xCF
        poke    G_ROOT+24, (0xC0000000>>2)|0xCF
        ; A device that traps.
        poke    DESCRIPTOR, 1
        poke    DESCRIPTOR+8, DEVICE
        poke    DESCRIPTOR+16, 0x1000
        LI      R5, DESCRIPTOR
        IOVMAP  R5
        LA      R20, handlers
        LI      R21, 1
        LI      R22, -1
        LI      R23, VECTOR
        LI      R24, (1<<63)|5
        LI      R25, 2

resume:
        VMRESUME
        VMCAUSE R5
        SLLI    R5, R5, 3
        ADD     R5, R5, R20
        LD      R5, (R5)
        JR      R5

; Most events: the instruction is done, and reads what the exit record has.
complete:
        WRMSR   VMACTION, R21
        J       resume

; A page fault of the guest's own goes back to it.
reflect:
        RDMSR   R5, VMCODE
        WRMSR   VMINJECT, R5
        RDMSR   R5, VMGVA
        WRMSR   VMRESULT, R5
        WRMSR   VMACTION, R25
        J       resume

; The timer is due: it is stopped, and the guest gets its interrupt.
timer:
        WRMSR   STIMECMP, R22
        WRMSR   VMINJECT, R24
        WRMSR   VMACTION, R25
        J       resume

; PAUSE: the guest gets a virtual interrupt.
send:
        VINT_SEND R23
        WRMSR   VMACTION, R21
        J       resume

; HLT: all of the guest's state to memory, and from there, as a switch to another VM moves it.
switch:
        RDMSR   R5, VMPC
        ADDI    R5, R5, 4
        WRMSR   VMPC, R5
        VMSAVE
        VMLOAD
        J       resume

; VMEXIT: the guest's R10 becomes the trap filter. All ones end the run.
configure:
        RDMSR   R5, VMR10
        BLTZ    R5, finish
        WRMSR   VMTRAPCFG, R5
        J       complete
finish:
        LI      R5, FINISHER
        LI      R6, 0x5555
        SW      R6, (R5)

; What must not happen.
        .balign 4
broken:
        LI      R5, FINISHER
        LI      R6, 0x13333
        SW      R6, (R5)
        J       broken

        .balign 8
handlers:                               ; by cause
        .dword  broken, broken, complete, complete      ; -, privileged, I/O, control register
        .dword  reflect, timer, broken, complete        ; page fault, timer, external interrupt, hypercall
        .dword  complete, complete, switch, complete    ; MSR, nested page fault, halt, device
        .dword  configure, broken, broken, broken       ; VMEXIT, shutdown, entry failure, single step
        .dword  broken, broken, broken, complete        ; V-ISA instruction, dirty log, exception, TLB flush
        .dword  send, broken, broken, broken            ; pause, PCI configuration, software interrupt, -

; The guest. It measures with the trap filter `bits`.
        .macro  begin name, bits=0
        LI      R10, \bits
        VMEXIT
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

        .balign 4
guest_trap:
        RDMSR   R28, SCAUSE
        BLTZ    R28, 2f
        RDMSR   R28, SEPC
        ADDI    R28, R28, 4
        WRMSR   SEPC, R28
        SRET
2:      ANDI    R28, R28, 8             ; interrupt 9 is external, 5 the timer
        BEQZ    R28, 3f
        VINT_ACK R28
        SRET
3:      WRMSR   STIMECMP, R27
        SRET

guest:
        LI      R12, (8<<60)|(G_ROOT>>12)
        MOV     CR3, R12
        LI      R13, ABSENT
        LI      R14, UNBACKED
        LI      R15, DEVICE
        LI      R16, VECTOR
        LI      R27, -1
        put     SIE, (1<<9)|(1<<5)
        CSRSI   SSTATUS, 2              ; SIE

        begin   empty
        end     empty
        begin   hypercall
        ECALL
        end     hypercall
        begin   in_passed
        IN      R5, 0x80
        end     in_passed
        begin   in_trapped, IO
        IN      R5, 0x80
        end     in_trapped
        begin   out_passed
        OUT     0x80, R5
        end     out_passed
        begin   out_trapped, IO
        OUT     0x80, R5
        end     out_trapped
        begin   msr_read_passed
        RDMSR   R5, SSCRATCH
        end     msr_read_passed
        begin   msr_read_trapped, MSRS
        RDMSR   R5, SCOUNTEREN
        end     msr_read_trapped
        begin   msr_write_passed
        WRMSR   SSCRATCH, R5
        end     msr_write_passed
        begin   msr_write_trapped, MSRS
        WRMSR   SCOUNTEREN, R5
        end     msr_write_trapped
        begin   cr3_write_passed
        MOV     CR3, R12
        end     cr3_write_passed
        begin   cr3_write_trapped, CR3W
        MOV     CR3, R12
        end     cr3_write_trapped
        begin   page_fault_passed
        LD      R5, (R13)
        end     page_fault_passed
        begin   page_fault_trapped, PF
        LD      R5, (R13)
        end     page_fault_trapped
        begin   nested_page_fault
        LD      R5, (R14)
        end     nested_page_fault
        begin   tlb_flush_passed
        SFENCE.VMA
        end     tlb_flush_passed
        begin   tlb_flush_trapped, FLUSH
        SFENCE.VMA
        end     tlb_flush_trapped
        begin   timer_passed
        WRMSR   STIMECMP, R0
        end     timer_passed
        begin   timer_trapped, TIMER
        WRMSR   STIMECMP, R0
        end     timer_trapped
        begin   device_read_trapped
        LW      R5, (R15)
        end     device_read_trapped
        begin   device_write_trapped
        SW      R5, (R15)
        end     device_write_trapped
        begin   vint_send_self
        VINT_SEND R16
        end     vint_send_self
        begin   interrupt_injected, PAUSES
        PAUSE
        end     interrupt_injected
        begin   vm_switch, HALT
        HLT
        end     vm_switch

        LI      R10, -1
        VMEXIT
