# Expressions, data and symbols. The words behind `#=` are little-endian as they would be read, two digits a byte.
.equ    page, 4096
.set    counter, 1
.section .data
first:  .byte 1, 'a', '\n', 0xff        #= ff0a6101
.set    counter, counter + 1
        .byte counter                   #= 02
.set    counter, counter * 10
        .byte counter, -1               #= 14 ff
        .byte 0
        .half 0x1234, ~0                #= 1234 ffff
        .word page / 3 % 1000           #= 0000016d
        .word (1 << 4) + 2 * 3          #= 00000016
        .word 1 + 2 << 3                #= 00000011
        .word 0xf0 | 0x0f & 0x3c ^ 1    #= 0000003d
        .dword last - first             #= 0000000000000043
        .dword first                    #= 0000000080001000
        .ascii "ab" "cd"                #= 61 62 63 64
        .asciz "e"                      #= 65 00
        .string "f\x21\0601"            #= 66 21 30 31 00
        .fill 2, 2, 0x0102              #= 0102 0102
        .quad later
last:   .equ later, 0x123456789
        .balign 8, 0xee
        .space 2, 7                     #= 07 07
        .float 1.5                      #= 3fc00000
        .double -2.0                    #= c000000000000000
.text
start:  lui     a0, %hi(0x12345fff)     #= 12346537
        addi    a0, a0, %lo(0x12345fff) #= fff50513
1:      auipc   a1, %pcrel_hi(first)    #= 00001597
        addi    a1, a1, %pcrel_lo(1b)   #= ff858593
        j       1f                      #= 0080006f
        j       1b                      #= ff5ff06f
1:      beq     a0, a1, . + 8           #= 00b50463
        .insn r 0x0b, 0, 5, x1, x0, x0  #= 0a00008b
        .insn i 0x2b, 0, a0, 8(a1)      #= 0085852b
        .insn s CUSTOM_1, 4, a0, 0(a1)  #= 00a5c02b
        .insn 0x0000800b                #= 0000800b
        .insn 2, 0x8082                 #= 8082
        .align 2
        fence   rw, w                   #= 0310000f
        lr.w.aq a0, (a1)                #= 1405a52f
        sc.d.rl a0, a2, (a1)            #= 1ac5b52f
        fadd.s  fa0, fa1, fa2, rtz      #= 00c59553
        c.addi  a0, 1                   #= 0505
        c.lwsp  a0, 12(sp)              #= 4532
        .option push
        .option rvc
        add     a0, a0, a1              #= 952e
        .option pop
        add     a0, a0, a1              #= 00b50533
.macro  twice what, with=t0
        \what   \with, \with, 1
        \what   \with, \with, 2
.endm
        twice   addi                    #= 00128293 00228293
        twice   addi, a0                #= 00150513 00250513
.rept 2
        nop
.endr
        ret                             #= 00008067
