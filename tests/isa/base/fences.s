; Reserved fences and hints (RISC-V unprivileged, 2.7, 2.9 and Zifencei): fm, rd and rs1 of FENCE and rd, rs1 and the immediate of FENCE.I
; are ignored, whatever they hold; hints change nothing but the PC. In every ring, where nothing is hot and in a loop that is.
; PAUSE alone, to the bit, is what VMTRAPCFG's b11 is about (3.2).
;! limit 1000000

.macro fences
    fence
    fence.tso
    .insn 4, 0x0000000f             ; no sets
    .insn 4, 0x0010000f             ; hints: one set empty
    .insn 4, 0x0ff0008f             ; rd
    .insn 4, 0x0ff0800f             ; rs1
    .insn 4, 0x0fff8f8f             ; both
    .insn 4, 0x1ff0000f             ; fm = 1
    .insn 4, 0x7330000f             ; fm = 7
    .insn 4, 0x8ff0000f             ; fm = 8 without the sets of FENCE.TSO
    .insn 4, 0x8000000f
    .insn 4, 0x8330008f             ; FENCE.TSO but for rd
    .insn 4, 0xfff0000f             ; fm = 15
    .insn 4, 0xffff8f8f             ; everything
.endm
.macro instruction_fences
    fence.i
    .insn 4, 0x0000108f             ; rd
    .insn 4, 0x0000900f             ; rs1
    .insn 4, 0x0010100f             ; the immediate
    .insn 4, 0xfff0100f
    .insn 4, 0xffff9f8f             ; everything
.endm
.macro hints
    .insn 4, 0x00001037             ; lui r0
    .insn 4, 0x00000017             ; auipc r0
    .insn 4, 0x00150013             ; addi r0, r10, 1
    .insn 4, 0x02056013             ; ori r0, r10, 32
    .insn 4, 0x40705013             ; srai r0, r0, 7
    .insn 4, 0x00b5003b             ; addw r0, r10, r11
    .insn 4, 0x00500033             ; add r0, r0, r5
    .insn 2, 0x0005                 ; c.nop 1
    .insn 2, 0x0081                 ; c.addi r1, 0
    .insn 2, 0x4005                 ; c.li r0, 1
    .insn 2, 0x6009                 ; c.lui r0, 2
    .insn 2, 0x8006                 ; c.mv r0, r1
    .insn 2, 0x9006                 ; c.add r0, r1
    .insn 2, 0x1002                 ; c.slli r0, 32
    .insn 2, 0x0082                 ; c.slli r1, 0
    .insn 2, 0x8001                 ; c.srli r8, 0
    .insn 2, 0x8401                 ; c.srai r8, 0
.endm
main:
;= mark
    fences
    instruction_fences
    hints
;= same except PC INSTRET CYCLE TIME
    nop
    run everything, 0, PAUSES
;= exit 0x0c at=everything_end
    run everything, 3, 0
;= trap 2 at=everything_end tval=inst from=3
    run almost_pause, 0, PAUSES
;= exit 0x0c at=almost_pause_end
    run pause_, 0, PAUSES
;= exit 0x14 at=pause_
    run hot, 0, PAUSES
;= exit 0x0c at=hot_end, VMR10 = 0, VMR11 = 3000
    li R10, 3000
    li R11, 0
1:  fences
    hints
    addi R11, R11, 1
    addi R10, R10, -1
    bne R10, R0, 1b
;= R10 = 0, R11 = 3000
    pass

everything:
    fences
    instruction_fences
    hints
everything_end:
    vmexit
almost_pause:
    .insn 4, 0x0100008f             ; PAUSE but for rd
    .insn 4, 0x0100800f             ; but for rs1
    .insn 4, 0x1100000f             ; but for fm
almost_pause_end:
    vmexit
pause_:
    pause
hot:
    li R10, 3000
    li R11, 0
1:  fences
    hints
    addi R11, R11, 1
    addi R10, R10, -1
    bne R10, R0, 1b
hot_end:
    vmexit
