; Every instruction, register and spelling of the V-ISA concept. The words behind `#=` are derived by hand from the
; encoding: opcode 0x0b with the group in funct3 and the number in funct7; IN and OUT have opcode 0x2b.

_start:
; VM entry and exit
VMENTER R1                      ; R1 = pointer to VM Control Structure (VMCS)           #= 0000800b
VMEXIT                          #= 0400000b
VMRESUME                        #= 0200000b
VMSAVE                          #= 0600000b
VMSAVE R1                       #= 0600800b
VMSAVE [R1]                     #= 0600800b
VMLOAD                          #= 0800000b
VMLOAD R1                       #= 0800800b
VMLOAD [R1]                     #= 0800800b
VMCAUSE R1                      #= 0a00008b
HVRET                           #= 0c00000b
vmenter r1                      #= 0000800b
VmEnter a0                      #= 0005000b
vmcause x31                     #= 0a000f8b

; Nested page tables
LDGPTBR R1   ; Load guest page table base       #= 0000900b
LDHPTBR R2   ; Load host table base             #= 0201100b
TLBFLUSHV    ; Flush dual-level TLB             #= 0400100b
TLBFLUSHV R1                    #= 0400900b
TLBFLUSHV R1, R2                #= 0420900b

; I/O virtualization
IOVMAP R1                       #= 0000a00b
IOVMAP [R1]                     #= 0000a00b
IOVMASK R1, R2                  #= 0220a00b
IN R1, 0x3F8                    #= 3f8000ab
IN R1, R2                       #= 000100ab
IN R1, 4(R2)                    #= 004100ab
IN R1, [R2 + 4]                 #= 004100ab
IN.B R1, 0x3F8                  #= 3f8000ab
IN.H R1, 0x3F8                  #= 3f8010ab
IN.W R1, 0x3F8                  #= 3f8020ab
INB R1, 0x3F8                   #= 3f8000ab
INH R1, 0x3F8                   #= 3f8010ab
INW R1, 0x3F8                   #= 3f8020ab
OUT 0x3F8, R1                   #= 3e104c2b
OUT R2, R1                      #= 0011402b
OUT 4(R2), R1                   #= 0011422b
OUT.B 0x3F8, R1                 #= 3e104c2b
OUT.H 0x3F8, R1                 #= 3e105c2b
OUT.W 0x3F8, R1                 #= 3e106c2b
OUTB 0x3F8, R1                  #= 3e104c2b
OUTH 0x3F8, R1                  #= 3e105c2b
OUTW 0x3F8, R1                  #= 3e106c2b

; Virtual interrupt controller
VINT_SEND R1   ; Inject virtual interrupt       #= 0000b00b
VINT_ACK       ; Acknowledge in guest           #= 0200300b
VINT_ACK R1                     #= 0200308b
VINT_STAT      ; Check pending interrupts       #= 0400300b
VINT_STAT R1                    #= 0400308b

; Control registers
MOV CR3, R1                     #= 18009073
MOV R1, CR3                     #= 180020f3
mov cr3, r1                     #= 18009073
MOV CR3, 0                      #= 18005073
MOV R1, CR0                     #= 100020f3
MOV R1, CR1                     #= 105020f3
MOV R1, CR2                     #= 143020f3
MOV R1, CR4                     #= 10a020f3
MOV R1, CR5                     #= 104020f3
MOV R1, CR6                     #= 144020f3
MOV R1, CR7                     #= 140020f3
MOV R1, CR8                     #= 106020f3
MOV R1, CR9                     #= 141020f3
MOV R1, CR10                    #= 142020f3
MOV R1, CR11                    #= 14d020f3
MOV CR0, R31                    #= 100f9073

; Registers of the virtual machine
MOV R1, VMCAUSE                 #= fc0020f3
MOV VMTRAPCFG, R1               #= 7d009073
MOV R1, VMTRAPCFG               #= 7d0020f3
MOV R1, GPTBR                   #= 7d2020f3
MOV HPTBR, R1                   #= 7d109073
MOV R1, VMCOUNT_EXIT            #= dc0020f3
MOV R1, VMCOUNT_EMU             #= dc1020f3
MOV R1, VMCOUNT_TLBMISS         #= dc2020f3
MOV R1, VMR5                    #= bc5020f3
MOV VMR10, R1                   #= bca09073
MOV VMF31, R1                   #= bff09073
RDMSR R1, 0x180                 #= 180020f3
RDMSR R1, VMQUAL                #= fc1020f3
WRMSR 0x180, R1                 #= 18009073
WRMSR VMACTION, R1              #= 7e009073
csrr a0, vmcause                #= fc002573
csrwi vmaction, 1               #= 7e00d073

; MOV between registers and from constants
MOV R1, R2                      #= 00010093
MOV F1, F2                      #= 222100d3
MOV F1, R2                      #= f20100d3
MOV R1, F2                      #= e20100d3
MOV R1, 5                       #= 00500093
MOV R1, -1                      #= fff00093
MOV R1, 0x12345678              #= 123450b7 6780809b
MOV R1, 0x8000000000000000      #= fff0009b 03f09093

; The rest of the machine, by the concept's names and by the base's
HLT                             #= 10500073
WFI                             #= 10500073
SFENCE.VMA                      #= 12000073
SFENCE.VMA R1                   #= 12008073
SFENCE.VMA R1, R2               #= 12208073
ADD R1, R2, R3                  #= 003100b3
ADDI R31, R0, 1                 #= 00100f93
LD R1, 8(R2)                    #= 00813083
SD R1, [R2 - 8]                 #= fe113c23
FADD.D F1, F2, F3               #= 023170d3
FLD F31, 0(R1)                  #= 0000bf87
ECALL                           #= 00000073
JAL R0, . + 8                   #= 0080006f
BEQ R1, R2, . + 8               #= 00208463
