# What stands before every test of this directory: names, macros, and the start.
#
# Ring -1 runs at physical addresses. Where things are:
#
#   0x8000_0000  the program                    0x8012_0000  second-stage tables
#   0x8010_0000  VMCS and a second one          0x8013_0000  first-stage tables
#   0x8010_2000  maps: MSR, shadow, I/O         0x8014_0000  data

.equ FINISHER,   0x00100000
.equ VMCS,       0x80100000
.equ VMCS2,      0x80101000
.equ MSR_MAP,    0x80102000
.equ MSR_SHADOW, 0x80108000
.equ IO_MAP,     0x80110000
.equ DESCRIPTOR, 0x80118000
.equ H_ROOT,     0x80120000     # second stage
.equ H_TABLE1,   0x80121000
.equ H_TABLE2,   0x80122000
.equ H_TABLE3,   0x80123000
.equ G_ROOT,     0x80130000     # first stage
.equ G_TABLE1,   0x80131000
.equ G_TABLE2,   0x80132000
.equ G_TABLE3,   0x80133000
.equ DATA,       0x80140000
.equ END_OF_RAM, 0x80200000

# VMTRAPCFG
.equ IO, 1<<0
.equ PRIV, 1<<1
.equ MSRS, 1<<2
.equ CR3W, 1<<3
.equ PF, 1<<4
.equ TIMER, 1<<5
.equ EXT, 1<<6
.equ HALT, 1<<7
.equ FLUSH, 1<<8
.equ STEP, 1<<9
.equ PCI, 1<<10
.equ PAUSES, 1<<11
.equ VISA, 1<<12

# Page-table entries: V=1 R=2 W=4 X=8 U=0x10 G=0x20 A=0x40 D=0x80
.equ TABLE, 1
.equ RWX,  0xcf         # with A and D
.equ URWX, 0xdf
.equ RW,   0xc7
.equ RX,   0xcb
.equ RO,   0xc3
.equ XO,   0xc9
.equ URW,  0xd7
.equ SV39, 8
.equ SV48, 9
.equ ONE, 0x100000000   # a time scale of one

# Stores a 64-bit value. Clobbers t0, t1.
.macro poke address, value
    li t0, \address
    li t1, \value
    sd t1, (t0)
.endm

# The entry for `address` at index `index` of the table `table`.
.macro entry table, index, address, flags
    poke (\table)+(\index)*8, ((\address)>>2)|(\flags)
.endm

# Writes an MSR with a constant. Clobbers t0.
.macro put msr, value
    li t0, \value
    wrmsr \msr, t0
.endm

.macro base register, mode, tag, root
    put \register, ((\mode)<<60)|((\tag)<<44)|((\root)>>12)
.endm

# The guest at `pc` in `ring` with a trap filter; back here after its exit. The first instruction of the guest is at a
# label that checks can name.
.macro run pc, ring=0, filter=0
    la t0, \pc
    wrmsr vmpc, t0
    li t0, \ring
    wrmsr vmring, t0
    li t0, \filter
    wrmsr vmtrapcfg, t0
    vmresume
.endm

# The same with the filter as it is.
.macro go pc, ring=0
    la t0, \pc
    wrmsr vmpc, t0
    li t0, \ring
    wrmsr vmring, t0
    vmresume
.endm

# Goes on with a resume action.
.macro retry
    vmresume
.endm
.macro complete result
    li t0, \result
    wrmsr vmresult, t0
    li t0, 1
    wrmsr vmaction, t0
    vmresume
.endm
.macro inject cause, value
    li t0, \cause
    wrmsr vminject, t0
    li t0, \value
    wrmsr vmresult, t0
    li t0, 2
    wrmsr vmaction, t0
    vmresume
.endm

# The fences of a guest: of the address in R11, of the ASID in R13, of both, and of all.
.macro guest_fences
fence_address:
    sfence.vma R11
    vmexit
fence_space:
    sfence.vma zero, R13
    vmexit
fence_both:
    sfence.vma R11, R13
    vmexit
fence_all:
    sfence.vma
    vmexit
.endm

# All of the guest's state as the prelude made it.
.macro fresh
    li t0, VMCS
    vmload t0
.endm

# A VMCS with nothing trapped at `page`.
.macro make_vmcs page
    poke \page, 0x000141534956
    poke \page+0x48, ONE
    li t0, \page+0x130
    la t1, guest_trap
    sd t1, (t0)
    poke \page+0x118, 3<<13         # sstatus.FS
    poke \page+0x138, 7             # scounteren
    poke \page+0x168, -1            # stimecmp
    li t0, \page+0x100
    la t1, guest_trap
    sd t1, (t0)
.endm

# The second stage: the gigabyte of RAM as one page, in Sv39, with this VMID.
.macro nested39 vmid=1
    entry H_ROOT, 2, 0x80000000, RWX
    base hptbr, SV39, \vmid, H_ROOT
.endm

# The same for the first stage, for Ring 0.
.macro kernel39 asid=0
    entry G_ROOT, 2, 0x80000000, RWX
    base gptbr, SV39, \asid, G_ROOT
.endm

# Both ends.
.macro pass
    li t0, FINISHER
    li t1, 0x5555
    sw t1, (t0)
.endm
.macro fail code=1
    li t0, FINISHER
    li t1, ((\code)<<16)|0x3333
    sw t1, (t0)
.endm

.macro prelude_start
.globl _start
_start:
    la t0, skip_exception
    wrmsr hvvec, t0
    make_vmcs VMCS
    make_vmcs VMCS2
    fresh
    j main

# Ring -1's own exceptions: goes on after the instruction. Interrupts fail the test unless it has a handler of its own.
.balign 4
skip_exception:
    csrrw t0, hvscratch, t0
    rdmsr t0, hvcause
    bltz t0, 1f
    rdmsr t0, hvepc
    addi t0, t0, 4
    wrmsr hvepc, t0
    csrrw t0, hvscratch, t0
    hvret
1:  fail 99

# The handler of Ring 0.
.balign 4
guest_trap:
    vmexit
# What many guests end with.
leave:
    vmexit
.endm
