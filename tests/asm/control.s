# Conditions, repetitions, names of the tables. The words behind `#=` are little-endian as they would be read.
.data
.if VISA_VMCS_PC == 0x100 && VISA_EXIT_IO_ACCESS == 2
        .half VISA_VMCS_PC              #= 0100
.else
        .error "the tables have moved"
.endif
        .irp x, 1, 2
        .byte \x                        #= 0201
        .endr
        .word VISA_TRAP_CR3 | VISA_TRAP_IO  #= 00000009
        .byte VISA_PTE_VALID | VISA_PTE_READ, VISA_MSR_FCSR, VISA_CR3 >> 4  #= 180303
        .byte VISA_EXCEPTION_ILLEGAL_INSTRUCTION, VISA_ACTION_INJECT, VISA_INTERRUPT_SUPERVISOR_TIMER #= 050202
        .uleb128 624485                 #= e5 8e 26
        .sleb128 -123456                #= c0 bb 78
        .uleb128 own - first, 1         #= 10 01
        .sleb128 first - own            #= 70
        .align 3
        .quad VISA_VMCS_REVISION_VALUE  #= 0000000141534956
        .text
first:  csrr a0, VISA_MSR_SATP          #= 18002573
        ld   a0, VISA_VMCS_PC(a1)       #= 1005b503
        add  a0, a0, VISA_VMCS_PC       #= 10050513
        li   a0, VISA_QUAL_WRITE        #= 10000513
        .ifdef VISA_VMCS_RING
        .ifndef own
own:    ret                             #= 00008067
        .endif
        .endif
