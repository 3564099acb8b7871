# What GNU as takes too: its bytes and ours are compared, without compressed forms and with them.
        .text
        .globl  _start
_start: nop
        li      a0, 0
        li      a0, 2047
        li      a1, -2048
        li      a2, 2048
        li      a3, 0x7fffffff
        li      a4, 0x80000000
        li      a5, 0xffffffff
        li      a6, 0x123456789abcdef0
        li      a7, 0x8000000000000000
        li      s0, -1
        li      s1, 0x7fffffffffffffff
        li      s2, 0xfffffffffffff000
        li      s3, 1 << 40
        li      s4, 'A'
        la      t0, message
        lla     t1, table
        lw      t2, table
        ld      t3, table
        lbu     t4, message
        sw      t2, table, t5
        sd      t3, table, t5
        flw     fa0, table, t0
        fld     fa1, table, t0
        fsw     fa0, table, t0
        fsd     fa1, table, t0
        call    function
        call    t0, function
        tail    function
        jump    function, t2
1:      beqz    a0, 1f
        bnez    a1, 1b
        blez    a2, 1b
        bgez    a3, 1b
        bltz    a4, 1b
        bgtz    a5, 1b
        bgt     a0, a1, 1b
        ble     a0, a1, 1b
        bgtu    a0, a1, 1b
        bleu    a0, a1, 1b
        beq     a0, a1, far
        bltu    s0, s1, far
        j       1f
        jal     function
        jal     t0, function
        jr      a0
        jalr    a0
        jalr    t0, a0
        jalr    t0, 8(a0)
        jalr    a0, a1, 4
        ret
1:      mv      a0, a1
        mv      s0, s0
        not     a0, a1
        neg     a0, a1
        negw    a0, a1
        sext.w  a0, a0
        sext.b  a0, a1
        sext.h  a0, a1
        zext.b  a0, a1
        zext.h  a0, a1
        zext.w  a0, a1
        seqz    a0, a1
        snez    a0, a1
        sltz    a0, a1
        sgtz    a0, a1
        sgt     a0, a1, a2
        sgtu    a0, a1, a2
        add     a0, a1, 5
        and     a0, a0, 15
        or      a0, a1, 1
        xor     a0, a1, -1
        sll     a0, a0, 3
        srl     a0, a0, 3
        sra     a0, a0, 3
        slt     a0, a1, 3
        sltu    a0, a1, 3
        addw    a0, a0, 1
        sllw    a0, a0, 1
        ror     a0, a0, 1
        bset    a0, a0, 4
        csrr    a0, satp
        csrw    satp, a0
        csrw    sscratch, 3
        csrs    sie, a0
        csrc    sie, a0
        csrwi   sstatus, 2
        csrsi   sstatus, 2
        csrci   sstatus, 2
        csrrw   a0, 0x180, a1
        csrrs   a0, fcsr, a1
        csrrwi  a0, frm, 1
        rdcycle a0
        rdtime  a0
        rdinstret a0
        frflags a0
        fsflags a0
        fsflags a0, a1
        frrm    a0
        fsrm    a0
        fsrm    a0, a1
        frcsr   a0
        fscsr   a0
        fscsr   a0, a1
        fsrmi   2
        fsflagsi 1
        fmv.s   fa0, fa1
        fabs.s  fa0, fa1
        fneg.s  fa0, fa1
        fmv.d   fa0, fa1
        fabs.d  fa0, fa1
        fneg.d  fa0, fa1
        fgt.s   a0, fa0, fa1
        fge.d   a0, fa0, fa1
        fmv.x.s a0, fa0
        fmv.s.x fa0, a0
        fcvt.d.w fa0, a0
        fcvt.d.wu fa0, a0
        fcvt.d.s fa0, fa1
        fcvt.s.d fa0, fa1
        fcvt.w.d a0, fa0
        fcvt.w.d a0, fa0, rtz
        fcvt.d.l fa0, a0, rup
        fadd.s  fa0, fa1, fa2
        fadd.s  fa0, fa1, fa2, rne
        fmadd.d fa0, fa1, fa2, fa3
        fmadd.d fa0, fa1, fa2, fa3, rmm
        fsqrt.d fa0, fa1
        fence
        fence   rw, rw
        fence   i, o
        fence.i
        fence.tso
        pause
        ecall
        ebreak
        sret
        wfi
        sfence.vma
        sfence.vma a0
        sfence.vma a0, a1
        unimp
        lr.w    a0, (a1)
        lr.d.aqrl a0, (a1)
        sc.w.rl a0, a2, (a1)
        sc.d    a0, a2, 0(a1)
        amoadd.w a0, a1, (a2)
        amoswap.d.aq a0, a1, (a2)
        amomaxu.d.aqrl a0, a1, (a2)
        lui     a0, %hi(0x12345fff)
        addi    a0, a0, %lo(0x12345fff)
        sw      a1, %lo(0x7ff)(a0)
2:      auipc   a0, %pcrel_hi(table)
        ld      a1, %pcrel_lo(2b)(a0)
        sd      a1, %pcrel_lo(2b)(a0)
        .insn   r 0x0b, 0, 5, a0, x0, x0
        .insn   i 0x2b, 0, a0, a1, 16
        .insn   i 0x2b, 0, a0, 16(a1)
        .insn   s 0x2b, 4, a0, 16(a1)
        .insn   b 0x63, 0, a0, a1, 2b
        .insn   u 0x37, a0, 0x12345
        .insn   j 0x6f, ra, 2b
        .insn   r4 0x43, 0, 1, fa0, fa1, fa2, fa3
        .balign 16
        # Candidates for compressed forms, and near misses.
        addi    sp, sp, -64
        addi    sp, sp, 512
        addi    sp, sp, 32
        addi    a0, sp, 16
        addi    a0, sp, 1020
        addi    a0, sp, 1024
        addi    a0, a0, -32
        addi    a0, a0, 32
        addi    t0, t0, 1
        addiw   a0, a0, 5
        addiw   a0, a1, 5
        lui     a0, 31
        lui     a0, 32
        lui     sp, 1
        lui     a0, 0xfffff
        slli    a0, a0, 63
        srli    a0, a0, 1
        srai    s1, s1, 40
        srli    t0, t0, 1
        andi    a0, a0, -1
        and     a0, a0, a1
        and     a0, a1, a0
        or      s0, s0, s1
        xor     a4, a4, a5
        sub     a4, a4, a5
        sub     a4, a5, a4
        addw    a4, a5, a4
        subw    a4, a4, a5
        add     t0, t0, t1
        add     t0, t1, t0
        add     t0, t1, t2
        lw      a0, 0(a1)
        lw      a0, 124(a1)
        lw      a0, 128(a1)
        lw      a0, 2(a1)
        ld      a0, 248(a1)
        ld      t0, 248(a1)
        sw      a0, 64(s0)
        sd      a0, 8(s1)
        lw      t0, 252(sp)
        ld      t0, 504(sp)
        ld      t0, 512(sp)
        sw      t0, 8(sp)
        sd      ra, 8(sp)
        fld     fa0, 8(a0)
        fsd     fa0, 8(a0)
        fld     ft0, 8(sp)
        fsd     ft0, 8(sp)
        flw     fa0, 8(a0)
        beqz    a0, 3f
        bnez    s1, 3f
        beqz    t0, 3f
        beq     a0, zero, 3f
        bne     zero, a0, 3f
        jalr    ra, 4(a0)
        ebreak
3:      nop
        .space  5000
far:    j       _start
function: ret
        .section .rodata
message: .asciz "text\n\t\"quoted\" \101\x42"
        .p2align 3
        .word   1, 2, 0xffffffff
        .quad   table, -1
        .half   'a', 'b'
        .byte   1, 2, 3
        .data
        .balign 8
table:  .dword  0x123456789abcdef0
        .zero   3
        .string "a", "b"
        .fill   3, 2, 0x1234
        .equ    size, . - table
        .word   size, (size + 3) & ~3, 7 * 3 - 1 << 2
        .float  1.25
        .double 3.5
