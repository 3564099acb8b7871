; Decode assist and *complete* for every load, store and atomic (specification, 2.4, 2.5), on an IOVMAP trap range: size,
; direction, sign, register and kind, length, value to write; and then the register gets VMRESULT, cut to the size and
; extended as decoded, a single NaN-boxed; VMPC goes on by the length; VMCOUNT_EMU counts.
;! exits device-access=53 vmexit-instruction=53
.equ DEVICE, 0x40000000

.macro loads label, length, register, size, words, result, expected
    put vmr10, 0
    run \label
;= exit 0x0b at=\label read reg=\register size=\size \words gva=DEVICE+0x10 gpa=DEVICE+0x10 cookie=0xc0
;= same except VMC* VMQUAL VMINST VMG* VMVALUE
    complete \result
;= exit 0x0c at=\label+\length
;= \expected, VMCOUNT_EMU += 1
.endm
.macro stores label, length, size, value
    run \label
;= exit 0x0b at=\label write size=\size value=\value gva=DEVICE+0x10 gpa=DEVICE+0x10 cookie=0xc0
;= same except VMC* VMQUAL VMINST VMG* VMVALUE
    complete -1
;= exit 0x0c at=\label+\length
;= same except VMC* VMQUAL VMINST VMG* VMVALUE VMRESULT VMPC HR5
.endm
.macro atomics label, size, words, direction, value, result, expected
    put vmr10, 0
    run \label
;= exit 0x0b at=\label \direction read reg=10 size=\size \words value=\value gva=DEVICE gpa=DEVICE cookie=0xc0
    complete \result
;= exit 0x0c at=\label+4
;= VMR10 = \expected, VMCOUNT_EMU += 1
.endm

main:
    poke DESCRIPTOR, 1
    poke DESCRIPTOR+8, DEVICE
    poke DESCRIPTOR+16, 0x1000
    poke DESCRIPTOR+24, 0xc0
    li R10, DESCRIPTOR
    IOVMAP R10
    put vmr11, DEVICE
    put vmr2, DEVICE
    put vmr8, DEVICE
    put vmr12, 0x8182838485868788
    put vmf12, 0x9192939495969798

    loads lb_, 4, 10, 1, signed, 0x1122334455667788, VMR10 = -0x78
    loads lb_, 4, 10, 1, signed, 0x112233445566777f, VMR10 = 0x7f
    loads lbu_, 4, 10, 1, , 0x1122334455667788, VMR10 = 0x88
    loads lh_, 4, 10, 2, signed, 0x1122334455668001, VMR10 = -0x7fff
    loads lhu_, 4, 10, 2, , 0x1122334455668001, VMR10 = 0x8001
    loads lw_, 4, 10, 4, signed, 0x1122334480000001, VMR10 = 0xffffffff80000001
    loads lwu_, 4, 10, 4, , 0x1122334480000001, VMR10 = 0x80000001
    loads ld_, 4, 10, 8, , 0x8122334480000001, VMR10 = 0x8122334480000001
    loads flw_, 4, 10, 4, float, 0x112233447fc00000, VMF10 = 0xffffffff7fc00000
    loads fld_, 4, 10, 8, float, 0x1122334455667788, VMF10 = 0x1122334455667788
    loads clw_, 2, 10, 4, signed, 0x80000000, VMR10 = 0xffffffff80000000
    loads cld_, 2, 10, 8, , 0x123456789, VMR10 = 0x123456789
    loads cfld_, 2, 10, 8, float, 0x123456789, VMF10 = 0x123456789
    loads clwsp_, 2, 10, 4, signed, 0xfffffff2, VMR10 = -14
    loads cldsp_, 2, 10, 8, , 0x77, VMR10 = 0x77
    loads cfldsp_, 2, 10, 8, float, 0x78, VMF10 = 0x78
    ; R0 stays zero, and the access still happens.
    loads ld_zero, 4, 0, 8, , 0x55, VMR0 = 0
    loads lbu_31, 4, 31, 1, , 0x255, VMR31 = 0x55

    stores sb_, 4, 1, 0x88
    stores sh_, 4, 2, 0x8788
    stores sw_, 4, 4, 0x85868788
    stores sd_, 4, 8, 0x8182838485868788
    stores fsw_, 4, 4, 0x95969798
    stores fsd_, 4, 8, 0x9192939495969798
    stores csw_, 2, 4, 0x85868788
    stores csd_, 2, 8, 0x8182838485868788
    stores cfsd_, 2, 8, 0x9192939495969798
    stores cswsp_, 2, 4, 0x85868788
    stores csdsp_, 2, 8, 0x8182838485868788
    stores cfsdsp_, 2, 8, 0x9192939495969798
    stores sd_zero, 4, 8, 0

    ; Atomics read and write; VMVALUE is the second operand. LR reads alone.
    atomics lr_w, 4, signed, , 0, 0x80000000, 0xffffffff80000000
    atomics lr_d, 8, , , 0, 0x8000000000000000, 0x8000000000000000
    atomics sc_w, 4, signed, write, 0x85868788, 1, 1
    atomics sc_d, 8, , write, 0x8182838485868788, 0, 0
    atomics swap_w, 4, signed, write, 0x85868788, 0xffffffff, -1
    atomics swap_d, 8, , write, 0x8182838485868788, 5, 5
    atomics add_w, 4, signed, write, 0x85868788, 0x17fffffff, 0x7fffffff
    atomics add_d, 8, , write, 0x8182838485868788, 5, 5
    atomics xor_w, 4, signed, write, 0x85868788, 5, 5
    atomics xor_d, 8, , write, 0x8182838485868788, 5, 5
    atomics and_w, 4, signed, write, 0x85868788, 5, 5
    atomics and_d, 8, , write, 0x8182838485868788, 5, 5
    atomics or_w, 4, signed, write, 0x85868788, 5, 5
    atomics or_d, 8, , write, 0x8182838485868788, 5, 5
    atomics min_w, 4, signed, write, 0x85868788, 5, 5
    atomics min_d, 8, , write, 0x8182838485868788, 5, 5
    atomics max_w, 4, signed, write, 0x85868788, 5, 5
    atomics max_d, 8, , write, 0x8182838485868788, 5, 5
    atomics minu_w, 4, signed, write, 0x85868788, 5, 5
    atomics minu_d, 8, , write, 0x8182838485868788, 5, 5
    atomics maxu_w, 4, signed, write, 0x85868788, 5, 5
    atomics maxu_d, 8, , write, 0x8182838485868788, 5, 5
    pass

.macro guest label, instruction:vararg
\label:
;= mark
    \instruction
    vmexit
.endm
    guest lb_, lb R10, 16(R11)
    guest lbu_, lbu R10, 16(R11)
    guest lh_, lh R10, 16(R11)
    guest lhu_, lhu R10, 16(R11)
    guest lw_, lw R10, 16(R11)
    guest lwu_, lwu R10, 16(R11)
    guest ld_, ld R10, 16(R11)
    guest flw_, flw F10, 16(R11)
    guest fld_, fld F10, 16(R11)
    guest clw_, c.lw R10, 16(R11)
    guest cld_, c.ld R10, 16(R11)
    guest cfld_, c.fld F10, 16(R11)
    guest clwsp_, c.lwsp R10, 16(sp)
    guest cldsp_, c.ldsp R10, 16(sp)
    guest cfldsp_, c.fldsp F10, 16(sp)
    guest ld_zero, ld R0, 16(R11)
    guest lbu_31, lbu R31, 16(R11)
    guest sb_, sb R12, 16(R11)
    guest sh_, sh R12, 16(R11)
    guest sw_, sw R12, 16(R11)
    guest sd_, sd R12, 16(R11)
    guest fsw_, fsw F12, 16(R11)
    guest fsd_, fsd F12, 16(R11)
    guest csw_, c.sw R12, 16(R11)
    guest csd_, c.sd R12, 16(R11)
    guest cfsd_, c.fsd F12, 16(R11)
    guest cswsp_, c.swsp R12, 16(sp)
    guest csdsp_, c.sdsp R12, 16(sp)
    guest cfsdsp_, c.fsdsp F12, 16(sp)
    guest sd_zero, sd R0, 16(R11)
    guest lr_w, lr.w.aq R10, (R11)
    guest lr_d, lr.d R10, (R11)
    guest sc_w, sc.w R10, R12, (R11)
    guest sc_d, sc.d.rl R10, R12, (R11)
    guest swap_w, amoswap.w R10, R12, (R11)
    guest swap_d, amoswap.d R10, R12, (R11)
    guest add_w, amoadd.w R10, R12, (R11)
    guest add_d, amoadd.d R10, R12, (R11)
    guest xor_w, amoxor.w R10, R12, (R11)
    guest xor_d, amoxor.d R10, R12, (R11)
    guest and_w, amoand.w R10, R12, (R11)
    guest and_d, amoand.d R10, R12, (R11)
    guest or_w, amoor.w R10, R12, (R11)
    guest or_d, amoor.d R10, R12, (R11)
    guest min_w, amomin.w R10, R12, (R11)
    guest min_d, amomin.d R10, R12, (R11)
    guest max_w, amomax.w R10, R12, (R11)
    guest max_d, amomax.d R10, R12, (R11)
    guest minu_w, amominu.w R10, R12, (R11)
    guest minu_d, amominu.d R10, R12, (R11)
    guest maxu_w, amomaxu.w R10, R12, (R11)
    guest maxu_d, amomaxu.d R10, R12, (R11)
