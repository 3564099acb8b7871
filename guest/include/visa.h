/* Made by `cargo xtask generate` from the tables in crates/visa-isa. Do not edit. */
/* V-ISA for C and for assembly with any RISC-V toolchain: nothing in it has to know V-ISA. */
#ifndef VISA_H
#define VISA_H

/* MSR numbers, for csrr and csrw. */
#define VISA_MSR_FFLAGS                    0x001 /* accrued floating-point exceptions: NX, UF, OF, DZ, NV from bit 0 */
#define VISA_MSR_FRM                       0x002 /* dynamic rounding mode */
#define VISA_MSR_FCSR                      0x003 /* fflags in bits 4:0, frm in bits 7:5 */
#define VISA_MSR_SSTATUS                   0x100 /* status of Ring 0: SIE, SPIE, UBE, SPP, FS, SUM, MXR, SD */
#define VISA_MSR_SIE                       0x104 /* interrupts that Ring 0 takes */
#define VISA_MSR_STVEC                     0x105 /* trap vector of Ring 0; bit 0 set: vectored */
#define VISA_MSR_SCOUNTEREN                0x106 /* counters that Ring 3 may read: cycle, time, instret from bit 0 */
#define VISA_MSR_SENVCFG                   0x10a /* environment of Ring 3: FIOM alone */
#define VISA_MSR_SSCRATCH                  0x140 /* scratch of Ring 0 */
#define VISA_MSR_SEPC                      0x141 /* address that a trap to Ring 0 came from */
#define VISA_MSR_SCAUSE                    0x142 /* cause of the last trap to Ring 0 */
#define VISA_MSR_STVAL                     0x143 /* faulting address or instruction of the last trap to Ring 0 */
#define VISA_MSR_SIP                       0x144 /* interrupts pending for Ring 0; SSIP alone is writable */
#define VISA_MSR_STIMECMP                  0x14d /* the guest's timer: STIP is pending while time >= stimecmp (Sstc) */
#define VISA_MSR_SATP                      0x180 /* page-table base of the guest: mode, ASID, root (see paging); GPTBR is the same register */
#define VISA_MSR_VICENAB                   0x5c0 /* virtual interrupt vectors that are enabled, a bit each; bit 0 is zero */
#define VISA_MSR_VICTHRESH                 0x5c1 /* 0: every vector; else only vectors below it are delivered */
#define VISA_MSR_HVSTATUS                  0x7c0 /* status of Ring -1: HIE bit 3, HPIE bit 7 */
#define VISA_MSR_HVVEC                     0x7c1 /* trap vector of Ring -1, a multiple of 4 */
#define VISA_MSR_HVSCRATCH                 0x7c2 /* scratch of Ring -1 */
#define VISA_MSR_HVEPC                     0x7c3 /* address that a trap of Ring -1 came from */
#define VISA_MSR_HVCAUSE                   0x7c4 /* cause of the last trap of Ring -1 */
#define VISA_MSR_HVTVAL                    0x7c5 /* faulting address, instruction or descriptor offset of the last trap of Ring -1 */
#define VISA_MSR_HVIE                      0x7c6 /* interrupts that Ring -1 takes, from a guest as VM exits: software 3, timer 7, external 11 */
#define VISA_MSR_HVIP                      0x7c7 /* interrupts pending for Ring -1; software (bit 3) alone can be cleared */
#define VISA_MSR_HVTIMECMP                 0x7c8 /* Ring -1's timer: pending while the machine's time >= hvtimecmp */
#define VISA_MSR_VMTRAPCFG                 0x7d0 /* trap filter of the current VM */
#define VISA_MSR_HPTBR                     0x7d1 /* second-stage page-table base of the current VM: mode, VMID, root */
#define VISA_MSR_GPTBR                     0x7d2 /* the guest's page-table base, its CR3, as Ring -1 sees it */
#define VISA_MSR_EXCMAP                    0x7d3 /* exceptions that exit, a bit for each cause number */
#define VISA_MSR_MSRMAP                    0x7d4 /* physical address of the MSR map, a multiple of 4096; 0: none */
#define VISA_MSR_MSRSHADOW                 0x7d5 /* physical address of the MSR shadow table, a multiple of 4096; 0: none */
#define VISA_MSR_IOMAP                     0x7d6 /* physical address of the I/O permission map, a multiple of 4096; 0: none */
#define VISA_MSR_TIMEOFF                   0x7d7 /* what is added to the guest's time, after scaling */
#define VISA_MSR_TIMESCALE                 0x7d8 /* what the machine's time is multiplied by for the guest, as 32.32 fixed point */
#define VISA_MSR_VCPUID                    0x7d9 /* number of this virtual CPU in its VM */
#define VISA_MSR_VICPEND                   0x7da /* virtual interrupt vectors that are pending, a bit each */
#define VISA_MSR_VMACTION                  0x7e0 /* what VMRESUME does first: 0 retry, 1 complete, 2 inject */
#define VISA_MSR_VMRESULT                  0x7e1 /* complete: the value for the destination register; inject: the trap value. An exit presets it with the old value */
#define VISA_MSR_VMINJECT                  0x7e2 /* inject: the cause, with bit 63 for an interrupt */
#define VISA_MSR_VMPC                      0x7e3 /* the guest's PC */
#define VISA_MSR_VMRING                    0x7e4 /* the guest's ring: 0 or 3 */
#define VISA_MSR_VMFCSR                    0x7e5 /* the guest's fcsr */
#define VISA_MSR_CYCLE                     0xc00 /* cycles; without the cycle model, retired instructions */
#define VISA_MSR_TIME                      0xc01 /* time in ticks of 100 ns, scaled and offset in a guest */
#define VISA_MSR_INSTRET                   0xc02 /* retired instructions of this hart */
#define VISA_MSR_VMCOUNT_EXIT              0xdc0 /* VM exits of the current VM */
#define VISA_MSR_VMCOUNT_EMU               0xdc1 /* instructions of the current VM that Ring -1 completed in software */
#define VISA_MSR_VMCOUNT_TLBMISS           0xdc2 /* combined TLB misses of the current VM */
#define VISA_MSR_VMCAUSE                   0xfc0 /* cause of the last VM exit */
#define VISA_MSR_VMQUAL                    0xfc1 /* decoded access of the last VM exit (see vmcs) */
#define VISA_MSR_VMINST                    0xfc2 /* bits of the instruction that exited; 0 if none */
#define VISA_MSR_VMGVA                     0xfc3 /* guest-virtual address of the access that exited */
#define VISA_MSR_VMGPA                     0xfc4 /* guest-physical address of the access that exited */
#define VISA_MSR_VMVALUE                   0xfc5 /* the value that the instruction writes */
#define VISA_MSR_VMCODE                    0xfc6 /* port, MSR, exception or interrupt number of the last VM exit */
#define VISA_MSR_VMCOOKIE                  0xfc7 /* cookie of the virtual device that was accessed */
#define VISA_MSR_VMCSPTR                   0xfc8 /* physical address of the current VMCS; all ones if none */
#define VISA_MSR_HARTID                    0xfc9 /* number of this hart */
#define VISA_MSR_VMR0                      0xbc0 /* first of the windows on the guest's R0 to R31 */
#define VISA_MSR_VMF0                      0xbe0 /* first of the windows on the guest's F0 to F31 */

/* Control registers, as MSR numbers. */
#define VISA_CR0                           0x100 /* sstatus */
#define VISA_CR1                           0x105 /* stvec */
#define VISA_CR2                           0x143 /* stval */
#define VISA_CR3                           0x180 /* satp */
#define VISA_CR4                           0x10a /* senvcfg */
#define VISA_CR5                           0x104 /* sie */
#define VISA_CR6                           0x144 /* sip */
#define VISA_CR7                           0x140 /* sscratch */
#define VISA_CR8                           0x106 /* scounteren */
#define VISA_CR9                           0x141 /* sepc */
#define VISA_CR10                          0x142 /* scause */
#define VISA_CR11                          0x14d /* stimecmp */

/* Why a guest left: what VMCAUSE holds. */
#define VISA_EXIT_ILLEGAL_PRIVILEGED       0x01 /* a privileged instruction or register, used where VMTRAPCFG.PRIV traps it */
#define VISA_EXIT_IO_ACCESS                0x02 /* IN or OUT at a port that traps */
#define VISA_EXIT_CONTROL_REGISTER_WRITE   0x03 /* a write of a control register that traps: CR3 by VMTRAPCFG.CR3, others by the MSR map */
#define VISA_EXIT_PAGE_FAULT               0x04 /* a page fault of the guest's own tables, with VMTRAPCFG.PF set */
#define VISA_EXIT_TIMER                    0x05 /* the guest's timer with VMTRAPCFG.TIMER set, or Ring -1's own timer */
#define VISA_EXIT_EXTERNAL_INTERRUPT       0x06 /* an external interrupt that Ring -1 takes */
#define VISA_EXIT_HYPERCALL                0x07 /* ECALL in Ring 0 */
#define VISA_EXIT_MSR_ACCESS               0x08 /* a read or write of an MSR that traps */
#define VISA_EXIT_NESTED_PAGE_FAULT        0x09 /* a guest-physical address that the second stage does not map, or not for this access */
#define VISA_EXIT_HALT                     0x0a /* HLT (WFI) with VMTRAPCFG.HALT set */
#define VISA_EXIT_DEVICE_ACCESS            0x0b /* a load or store in a range that IOVMAP bound as trap */
#define VISA_EXIT_VMEXIT_INSTRUCTION       0x0c /* VMEXIT in Ring 0 */
#define VISA_EXIT_SHUTDOWN                 0x0d /* three exceptions without an instruction in between: the guest cannot go on */
#define VISA_EXIT_ENTRY_FAILURE            0x0e /* VMENTER, VMRESUME or VMLOAD found a field of the VMCS invalid; VMQUAL names it */
#define VISA_EXIT_SINGLE_STEP              0x0f /* one instruction done, with VMTRAPCFG.STEP set */
#define VISA_EXIT_VISA_INSTRUCTION         0x10 /* a V-ISA instruction or register in Ring 0, with VMTRAPCFG.VISA set, or VINT_SEND to a target that is not resident */
#define VISA_EXIT_DIRTY_LOG_FULL           0x11 /* reserved for dirty-page logging */
#define VISA_EXIT_EXCEPTION                0x12 /* an exception that the exception map EXCMAP names */
#define VISA_EXIT_TLB_FLUSH                0x13 /* SFENCE.VMA with VMTRAPCFG.FLUSH set */
#define VISA_EXIT_PAUSE                    0x14 /* PAUSE with VMTRAPCFG.PAUSE set */
#define VISA_EXIT_PCI_CONFIGURATION        0x15 /* IN or OUT at the PCI configuration ports with VMTRAPCFG.PCI set */
#define VISA_EXIT_SOFTWARE_INTERRUPT       0x16 /* another hart's VINT_SEND to this hart's Ring -1 */

/* Exceptions: scause, HVCAUSE, bits of EXCMAP. */
#define VISA_EXCEPTION_FETCH_MISALIGNED    0 /* instruction address misaligned */
#define VISA_EXCEPTION_FETCH_ACCESS_FAULT  1 /* instruction access fault */
#define VISA_EXCEPTION_ILLEGAL_INSTRUCTION 2 /* illegal instruction */
#define VISA_EXCEPTION_BREAKPOINT          3 /* breakpoint */
#define VISA_EXCEPTION_LOAD_MISALIGNED     4 /* load address misaligned */
#define VISA_EXCEPTION_LOAD_ACCESS_FAULT   5 /* load access fault */
#define VISA_EXCEPTION_STORE_MISALIGNED    6 /* store address misaligned */
#define VISA_EXCEPTION_STORE_ACCESS_FAULT  7 /* store access fault */
#define VISA_EXCEPTION_ECALL_USER          8 /* environment call from Ring 3 */
#define VISA_EXCEPTION_ECALL_KERNEL        9 /* environment call from Ring 0 */
#define VISA_EXCEPTION_ECALL_HYPERVISOR    11 /* environment call from Ring -1 */
#define VISA_EXCEPTION_FETCH_PAGE_FAULT    12 /* instruction page fault */
#define VISA_EXCEPTION_LOAD_PAGE_FAULT     13 /* load page fault */
#define VISA_EXCEPTION_STORE_PAGE_FAULT    15 /* store page fault */
#define VISA_EXCEPTION_BAD_DESCRIPTOR      24 /* invalid descriptor of IOVMAP, IOVMASK or VINT_SEND */

/* Interrupts: scause and HVCAUSE with bit 63, bits of sie, sip, HVIE, HVIP. */
#define VISA_INTERRUPT_SUPERVISOR_SOFTWARE 1 /* supervisor software interrupt */
#define VISA_INTERRUPT_SUPERVISOR_TIMER    5 /* supervisor timer interrupt */
#define VISA_INTERRUPT_SUPERVISOR_EXTERNAL 9 /* supervisor external interrupt: PLIC or virtual interrupt controller */
#define VISA_INTERRUPT_HYPERVISOR_SOFTWARE 3 /* Ring -1 software interrupt: VINT_SEND with the host bit */
#define VISA_INTERRUPT_HYPERVISOR_TIMER    7 /* Ring -1 timer interrupt: HVTIMECMP */
#define VISA_INTERRUPT_HYPERVISOR_EXTERNAL 11 /* Ring -1 external interrupt */

/* VMTRAPCFG: which events exit. */
#define VISA_TRAP_IO                       (1 << 0) /* IN and OUT, where the I/O permission map has no policy of its own */
#define VISA_TRAP_PRIV                     (1 << 1) /* SRET in Ring 0, and every privileged instruction or register used in a ring that may not */
#define VISA_TRAP_MSR                      (1 << 2) /* reads and writes of MSRs (but fflags, frm, fcsr), where the MSR map has no policy of its own */
#define VISA_TRAP_CR3                      (1 << 3) /* writes of CR3 (satp) */
#define VISA_TRAP_PF                       (1 << 4) /* page faults of the guest's own tables */
#define VISA_TRAP_TIMER                    (1 << 5) /* the guest's timer: exits when it becomes due, instead of interrupting the guest */
#define VISA_TRAP_EXT                      (1 << 6) /* external interrupts of the guest's interrupt-controller context: exit instead of interrupting the guest */
#define VISA_TRAP_HALT                     (1 << 7) /* HLT (WFI) */
#define VISA_TRAP_FLUSH                    (1 << 8) /* SFENCE.VMA */
#define VISA_TRAP_STEP                     (1 << 9) /* each instruction, once it is done */
#define VISA_TRAP_PCI                      (1 << 10) /* IN and OUT at the PCI configuration ports 0xCF8 to 0xCFF */
#define VISA_TRAP_PAUSE                    (1 << 11) /* PAUSE */
#define VISA_TRAP_VISA                     (1 << 12) /* V-ISA instructions and registers in Ring 0 */

/* VMACTION: what VMRESUME does first. */
#define VISA_ACTION_RETRY                  0
#define VISA_ACTION_COMPLETE               1
#define VISA_ACTION_INJECT                 2

/* VMCS: byte offsets; every field is 64 bits, little-endian. */
#define VISA_VMCS_BYTES                    4096 /* size and alignment */
#define VISA_VMCS_REVISION_VALUE           0x141534956 /* what REVISION must hold */
#define VISA_VMCS_REVISION                 0x000 /* layout's identity and version */
#define VISA_VMCS_TRAPCFG                  0x010 /* trap filter */
#define VISA_VMCS_NESTED_BASE              0x018 /* second-stage page-table base and VMID */
#define VISA_VMCS_EXCEPTION_MAP            0x020 /* exceptions that exit */
#define VISA_VMCS_MSR_MAP                  0x028 /* physical address of the MSR map, or 0 */
#define VISA_VMCS_MSR_SHADOW               0x030 /* physical address of the MSR shadow table, or 0 */
#define VISA_VMCS_IO_MAP                   0x038 /* physical address of the I/O permission map, or 0 */
#define VISA_VMCS_TIME_OFFSET              0x040 /* added to the guest's time */
#define VISA_VMCS_TIME_SCALE               0x048 /* multiplier of the guest's time, 32.32 fixed point; not 0 */
#define VISA_VMCS_VIRTUAL_CPU              0x050 /* number of this virtual CPU in its VM, below 65536 */
#define VISA_VMCS_ACTION                   0x058 /* resume action: 0 retry, 1 complete, 2 inject */
#define VISA_VMCS_RESULT                   0x060 /* value for the resume action */
#define VISA_VMCS_INJECT                   0x068 /* cause to inject */
#define VISA_VMCS_PC                       0x100 /* program counter */
#define VISA_VMCS_RING                     0x108 /* ring: 0 or 3 */
#define VISA_VMCS_GUEST_FCSR               0x110 /* floating-point control and status */
#define VISA_VMCS_GUEST_SSTATUS            0x118 /* sstatus */
#define VISA_VMCS_GUEST_SIE                0x120 /* sie */
#define VISA_VMCS_GUEST_SIP                0x128 /* sip: SSIP alone */
#define VISA_VMCS_GUEST_STVEC              0x130 /* stvec */
#define VISA_VMCS_GUEST_SCOUNTEREN         0x138 /* scounteren */
#define VISA_VMCS_GUEST_SENVCFG            0x140 /* senvcfg */
#define VISA_VMCS_GUEST_SSCRATCH           0x148 /* sscratch */
#define VISA_VMCS_GUEST_SEPC               0x150 /* sepc */
#define VISA_VMCS_GUEST_SCAUSE             0x158 /* scause */
#define VISA_VMCS_GUEST_STVAL              0x160 /* stval */
#define VISA_VMCS_GUEST_STIMECMP           0x168 /* stimecmp */
#define VISA_VMCS_PAGE_TABLE_BASE          0x170 /* the guest's CR3 (GPTBR) */
#define VISA_VMCS_VIC_PENDING              0x178 /* virtual interrupts pending */
#define VISA_VMCS_VIC_ENABLED              0x180 /* virtual interrupts enabled */
#define VISA_VMCS_VIC_THRESHOLD            0x188 /* virtual interrupt threshold, below 64 */
#define VISA_VMCS_REGISTERS                0x200 /* 32 values: R0 (ignored) to R31 */
#define VISA_VMCS_FLOAT_REGISTERS          0x300 /* 32 values: F0 to F31 */
#define VISA_VMCS_EXIT_CAUSE               0x400 /* cause of the last exit */
#define VISA_VMCS_EXIT_QUALIFICATION       0x408 /* decoded access */
#define VISA_VMCS_EXIT_INSTRUCTION         0x410 /* instruction bits */
#define VISA_VMCS_EXIT_GUEST_VIRTUAL       0x418 /* guest-virtual address */
#define VISA_VMCS_EXIT_GUEST_PHYSICAL      0x420 /* guest-physical address */
#define VISA_VMCS_EXIT_VALUE               0x428 /* value that the instruction writes */
#define VISA_VMCS_EXIT_CODE                0x430 /* port, MSR, exception or interrupt number */
#define VISA_VMCS_EXIT_COOKIE              0x438 /* cookie of the virtual device */
#define VISA_VMCS_COUNT_EXIT               0x500 /* VM exits */
#define VISA_VMCS_COUNT_EMU                0x508 /* instructions completed in software */
#define VISA_VMCS_COUNT_TLBMISS            0x510 /* combined TLB misses */
#define VISA_VMCS_RANGES                   0xc00 /* 128 values: 32 IOVMAP ranges of four values each (see io::range) */

/* VMQUAL: the decoded access. A flag is a mask; a field has its lowest bit and its mask. */
#define VISA_QUAL_SIZE_SHIFT               0 /* bytes accessed; 0 if the exit is not of an access */
#define VISA_QUAL_SIZE_MASK                0xff /* after the shift */
#define VISA_QUAL_WRITE                    (1 << 8) /* the access writes; an atomic both reads and writes */
#define VISA_QUAL_SIGNED                   (1 << 9) /* the result is sign-extended from the size */
#define VISA_QUAL_EXECUTE                  (1 << 10) /* the access is an instruction fetch */
#define VISA_QUAL_FLOAT                    (1 << 11) /* the register is a floating-point one */
#define VISA_QUAL_WALK                     (1 << 12) /* the access is one of a walk of the guest's page tables */
#define VISA_QUAL_READ                     (1 << 13) /* the access reads, or the instruction has a destination register */
#define VISA_QUAL_HOST                     (1 << 14) /* the timer or interrupt is Ring -1's own, not the guest's */
#define VISA_QUAL_REGISTER_SHIFT           16 /* number of the destination register */
#define VISA_QUAL_REGISTER_MASK            0x1f /* after the shift */
#define VISA_QUAL_LENGTH_SHIFT             24 /* the instruction's length in bytes; 0 if no instruction exited */
#define VISA_QUAL_LENGTH_MASK              0xf /* after the shift */
#define VISA_QUAL_RING_SHIFT               28 /* the guest's ring: 0 or 3 */
#define VISA_QUAL_RING_MASK                0xf /* after the shift */
#define VISA_QUAL_FIELD_SHIFT              48 /* byte offset of the VMCS field that an entry failure names */
#define VISA_QUAL_FIELD_MASK               0xffff /* after the shift */

/* Page-table entries and base registers, of both stages. */
#define VISA_PTE_VALID                     (1 << 0) /* entry is valid */
#define VISA_PTE_READ                      (1 << 1) /* loads allowed */
#define VISA_PTE_WRITE                     (1 << 2) /* stores allowed */
#define VISA_PTE_EXECUTE                   (1 << 3) /* fetches allowed */
#define VISA_PTE_USER                      (1 << 4) /* Ring 3 may use it; ignored in the second stage */
#define VISA_PTE_GLOBAL                    (1 << 5) /* maps in every address space; ignored in the second stage */
#define VISA_PTE_ACCESSED                  (1 << 6) /* accessed; set by hardware */
#define VISA_PTE_DIRTY                     (1 << 7) /* dirty; set by hardware */
#define VISA_PTE_PPN_SHIFT                 10 /* first bit of the physical page number */
#define VISA_PAGE_SHIFT                    12 /* bytes of a page, as a power of two */
#define VISA_PAGE_BYTES                    4096
#define VISA_PAGING_BARE                   0 /* mode, bits 63:60 of the base */
#define VISA_PAGING_SV39                   8 /* mode, bits 63:60 of the base */
#define VISA_PAGING_SV48                   9 /* mode, bits 63:60 of the base */
#define VISA_PAGING_MODE_SHIFT             60
#define VISA_PAGING_TAG_SHIFT              44 /* first bit of ASID or VMID in the base */

/* IOVMAP's descriptor: kinds and byte offsets. */
#define VISA_RANGE_UNMAP                   0
#define VISA_RANGE_TRAP                    1
#define VISA_RANGE_PASSTHROUGH             4
#define VISA_RANGE_OFFSET_KIND             0
#define VISA_RANGE_OFFSET_GUEST_ADDRESS    8
#define VISA_RANGE_OFFSET_LENGTH           16
#define VISA_RANGE_OFFSET_TARGET           24
#define VISA_RANGE_BYTES                   32 /* size and alignment */

/* Policies of IOVMASK and of the I/O and MSR maps, two bits each. */
#define VISA_POLICY_DEFAULT                0
#define VISA_POLICY_PASS                   1
#define VISA_POLICY_TRAP                   2
#define VISA_POLICY_ABSENT                 3
#define VISA_IO_MAP_BYTES                  16384
#define VISA_MSR_MAP_BYTES                 1024
#define VISA_MSR_SHADOW_BYTES              32768

#ifdef __ASSEMBLER__

/* Each instruction under its own name. Operands that are left out are x0. */
.macro vmenter vmcs:req
    .insn r 0x0b, 0, 0, x0, \vmcs, x0
.endm
.macro vmresume
    .insn r 0x0b, 0, 1, x0, x0, x0
.endm
.macro vmsave vmcs=x0
    .insn r 0x0b, 0, 3, x0, \vmcs, x0
.endm
.macro vmload vmcs=x0
    .insn r 0x0b, 0, 4, x0, \vmcs, x0
.endm
.macro vmcause rd:req
    .insn r 0x0b, 0, 5, \rd, x0, x0
.endm
.macro hvret
    .insn r 0x0b, 0, 6, x0, x0, x0
.endm
.macro vmexit
    .insn r 0x0b, 0, 2, x0, x0, x0
.endm
.macro ldgptbr base:req
    .insn r 0x0b, 1, 0, x0, \base, x0
.endm
.macro ldhptbr base:req
    .insn r 0x0b, 1, 1, x0, \base, x0
.endm
.macro tlbflushv vmid=x0, guest_physical=x0
    .insn r 0x0b, 1, 2, x0, \vmid, \guest_physical
.endm
.macro iovmap descriptor:req
    .insn r 0x0b, 2, 0, x0, \descriptor, x0
.endm
.macro iovmask ports:req, policy:req
    .insn r 0x0b, 2, 1, x0, \ports, \policy
.endm
.macro inb rd:req, port:req
    .insn i 0x2b, 0, \rd, \port, 0
.endm
.macro inh rd:req, port:req
    .insn i 0x2b, 1, \rd, \port, 0
.endm
.macro inw rd:req, port:req
    .insn i 0x2b, 2, \rd, \port, 0
.endm
.macro outb port:req, value:req
    .insn s 0x2b, 4, \value, 0(\port)
.endm
.macro outh port:req, value:req
    .insn s 0x2b, 5, \value, 0(\port)
.endm
.macro outw port:req, value:req
    .insn s 0x2b, 6, \value, 0(\port)
.endm
.macro vint_send interrupt:req
    .insn r 0x0b, 3, 0, x0, \interrupt, x0
.endm
.macro vint_ack rd=x0
    .insn r 0x0b, 3, 1, \rd, x0, x0
.endm
.macro vint_stat rd=x0
    .insn r 0x0b, 3, 2, \rd, x0, x0
.endm

#else /* C and C++ */
#include <stdint.h>

/* An MSR by a constant number: visa_read_msr(VISA_MSR_VMQUAL). */
#define visa_read_msr(number) (__extension__({ uint64_t visa_value; \
    __asm__ volatile("csrr %0, %1" : "=r"(visa_value) : "i"(number) : "memory"); visa_value; }))
#define visa_write_msr(number, value) \
    __asm__ volatile("csrw %0, %1" : : "i"(number), "r"((uint64_t)(value)) : "memory")

/* VMENTER: enter the guest whose VMCS is at the physical address rs1; goes on after the next VM exit. From Ring -1. */
static inline void visa_vmenter(uint64_t visa_vmcs)
{
    __asm__ volatile(".insn r 0x0b, 0, 0, x0, %0, x0" :  : "r"(visa_vmcs) : "memory");
}

/* VMRESUME: enter the current guest again, with the resume action; goes on after the next VM exit. From Ring -1. */
static inline void visa_vmresume(void)
{
    __asm__ volatile(".insn r 0x0b, 0, 1, x0, x0, x0" :  :  : "memory");
}

/* VMSAVE: store the guest's state into the VMCS at rs1, or into the current one. From Ring -1. Without an operand: the current VMCS. */
static inline void visa_vmsave_current(void)
{
    __asm__ volatile(".insn r 0x0b, 0, 3, x0, x0, x0" :  :  : "memory");
}

/* VMSAVE: store the guest's state into the VMCS at rs1, or into the current one. From Ring -1. */
static inline void visa_vmsave(uint64_t visa_vmcs)
{
    __asm__ volatile(".insn r 0x0b, 0, 3, x0, %0, x0" :  : "r"(visa_vmcs) : "memory");
}

/* VMLOAD: load the guest's state from the VMCS at rs1, which becomes current, or from the current one. From Ring -1. Without an operand: the current VMCS. */
static inline void visa_vmload_current(void)
{
    __asm__ volatile(".insn r 0x0b, 0, 4, x0, x0, x0" :  :  : "memory");
}

/* VMLOAD: load the guest's state from the VMCS at rs1, which becomes current, or from the current one. From Ring -1. */
static inline void visa_vmload(uint64_t visa_vmcs)
{
    __asm__ volatile(".insn r 0x0b, 0, 4, x0, %0, x0" :  : "r"(visa_vmcs) : "memory");
}

/* VMCAUSE: rd = the cause of the last VM exit. From Ring -1. */
static inline uint64_t visa_vmcause(void)
{
    uint64_t visa_result;
    __asm__ volatile(".insn r 0x0b, 0, 5, %0, x0, x0" : "=r"(visa_result) :  : "memory");
    return visa_result;
}

/* VMEXIT: leave the guest for Ring -1 of its own will. From Ring 0. */
static inline void visa_vmexit(void)
{
    __asm__ volatile(".insn r 0x0b, 0, 2, x0, x0, x0" :  :  : "memory");
}

/* LDGPTBR: GPTBR = rs1: the guest's page-table base (its CR3). From Ring -1. */
static inline void visa_ldgptbr(uint64_t visa_base)
{
    __asm__ volatile(".insn r 0x0b, 1, 0, x0, %0, x0" :  : "r"(visa_base) : "memory");
}

/* LDHPTBR: HPTBR = rs1: the second stage's page-table base, with the VMID. From Ring -1. */
static inline void visa_ldhptbr(uint64_t visa_base)
{
    __asm__ volatile(".insn r 0x0b, 1, 1, x0, %0, x0" :  : "r"(visa_base) : "memory");
}

/* TLBFLUSHV: flush combined translations: all, of the VMID in rs1, or of the guest-physical address rs2 in it. From Ring -1. Without operands: all. */
static inline void visa_tlbflushv(void)
{
    __asm__ volatile(".insn r 0x0b, 1, 2, x0, x0, x0" :  :  : "memory");
}

/* TLBFLUSHV: flush combined translations: all, of the VMID in rs1, or of the guest-physical address rs2 in it. From Ring -1. With one operand: one VM. */
static inline void visa_tlbflushv_vmid(uint64_t visa_vmid)
{
    __asm__ volatile(".insn r 0x0b, 1, 2, x0, %0, x0" :  : "r"(visa_vmid) : "memory");
}

/* TLBFLUSHV: flush combined translations: all, of the VMID in rs1, or of the guest-physical address rs2 in it. From Ring -1. With two operands: one guest-physical address of one VM. */
static inline void visa_tlbflushv_address(uint64_t visa_vmid, uint64_t visa_guest_physical)
{
    __asm__ volatile(".insn r 0x0b, 1, 2, x0, %0, %1" :  : "r"(visa_vmid), "r"(visa_guest_physical) : "memory");
}

/* IOVMAP: bind a guest-physical range to a virtual device, by the descriptor at the physical address rs1. From Ring -1. */
static inline void visa_iovmap(uint64_t visa_descriptor)
{
    __asm__ volatile(".insn r 0x0b, 2, 0, x0, %0, x0" :  : "r"(visa_descriptor) : "memory");
}

/* IOVMASK: set the policy rs2 for the ports rs1 names: default, pass, trap or absent. From Ring -1. */
static inline void visa_iovmask(uint64_t visa_ports, uint64_t visa_policy)
{
    __asm__ volatile(".insn r 0x0b, 2, 1, x0, %0, %1" :  : "r"(visa_ports), "r"(visa_policy) : "memory");
}

/* INB: rd = the byte at port rs1 + imm; IN is the same. From Ring 0. */
static inline uint64_t visa_inb(uint64_t visa_port)
{
    uint64_t visa_result;
    __asm__ volatile(".insn i 0x2b, 0, %0, %1, 0" : "=r"(visa_result) : "r"(visa_port) : "memory");
    return visa_result;
}

/* INH: rd = the 16 bits at port rs1 + imm. From Ring 0. */
static inline uint64_t visa_inh(uint64_t visa_port)
{
    uint64_t visa_result;
    __asm__ volatile(".insn i 0x2b, 1, %0, %1, 0" : "=r"(visa_result) : "r"(visa_port) : "memory");
    return visa_result;
}

/* INW: rd = the 32 bits at port rs1 + imm, zero-extended. From Ring 0. */
static inline uint64_t visa_inw(uint64_t visa_port)
{
    uint64_t visa_result;
    __asm__ volatile(".insn i 0x2b, 2, %0, %1, 0" : "=r"(visa_result) : "r"(visa_port) : "memory");
    return visa_result;
}

/* OUTB: the byte at port rs1 + imm = rs2; OUT is the same. From Ring 0. */
static inline void visa_outb(uint64_t visa_port, uint64_t visa_value)
{
    __asm__ volatile(".insn s 0x2b, 4, %1, 0(%0)" :  : "r"(visa_port), "r"(visa_value) : "memory");
}

/* OUTH: the 16 bits at port rs1 + imm = rs2. From Ring 0. */
static inline void visa_outh(uint64_t visa_port, uint64_t visa_value)
{
    __asm__ volatile(".insn s 0x2b, 5, %1, 0(%0)" :  : "r"(visa_port), "r"(visa_value) : "memory");
}

/* OUTW: the 32 bits at port rs1 + imm = rs2. From Ring 0. */
static inline void visa_outw(uint64_t visa_port, uint64_t visa_value)
{
    __asm__ volatile(".insn s 0x2b, 6, %1, 0(%0)" :  : "r"(visa_port), "r"(visa_value) : "memory");
}

/* VINT_SEND: make a virtual interrupt pending: vector and target in rs1. From Ring 0. */
static inline void visa_vint_send(uint64_t visa_interrupt)
{
    __asm__ volatile(".insn r 0x0b, 3, 0, x0, %0, x0" :  : "r"(visa_interrupt) : "memory");
}

/* VINT_ACK: rd = the most urgent pending virtual interrupt, which is no longer pending; 0 if none. From Ring 0. */
static inline uint64_t visa_vint_ack(void)
{
    uint64_t visa_result;
    __asm__ volatile(".insn r 0x0b, 3, 1, %0, x0, x0" : "=r"(visa_result) :  : "memory");
    return visa_result;
}

/* VINT_STAT: rd = the pending virtual interrupts, a bit each. From Ring 0. */
static inline uint64_t visa_vint_stat(void)
{
    uint64_t visa_result;
    __asm__ volatile(".insn r 0x0b, 3, 2, %0, x0, x0" : "=r"(visa_result) :  : "memory");
    return visa_result;
}

#endif /* __ASSEMBLER__ */
#endif /* VISA_H */
