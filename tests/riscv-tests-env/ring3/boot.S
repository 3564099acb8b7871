// Ring -1's part: makes both stages of page tables, fills a VMCS, enters the guest in Ring 3.

#include "finisher.h"
#include "visa.h"
#include "window.h"

#define PAGE 4096
#define PAGE_SHIFT 12
#define MEGA_PAGE_SHIFT 21
#define SV39 (8 << 60)

// RISC-V's page-table entry.
#define PTE_VALID (1 << 0)
#define PTE_READ (1 << 1)
#define PTE_WRITE (1 << 2)
#define PTE_EXECUTE (1 << 3)
#define PTE_USER (1 << 4)
#define PTE_PPN_SHIFT 10

// Every exception that EXCMAP can name: none may occur.
#define ALL_EXCEPTIONS 0x1ff

#define SSTATUS_FS_INITIAL (1 << 13)

#define BRANCH_ENTRY PTE_VALID
// Accessed and dirty stay clear: the hardware sets them.
#define LEAF_ENTRY (PTE_VALID | PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_USER)

// Four tables, one after another: the root, its one next table, and that one's two: for the window and for
// the finisher.
#define TABLE_ROOT 0
#define TABLE_MIDDLE PAGE
#define TABLE_WINDOW (2 * PAGE)
#define TABLE_FINISHER (3 * PAGE)

// table[index] = an entry for the address in `address`, with these flags; clobbers t5 and t6.
.macro set_entry table, index, address, flags
  srli t5, \address, PAGE_SHIFT
  slli t5, t5, PTE_PPN_SHIFT
  ori t5, t5, \flags
  li t6, (\index) * 8
  add t6, t6, \table
  sd t5, 0(t6)
.endm

  .section .boot, "ax"
  .globl _start
_start:
  la t0, unexpected_trap
  csrw VISA_MSR_HVVEC, t0

  // 1. The guest's tables, in the window: s0 where they are, s1 where the guest finds them.
  li s0, WINDOW_PHYSICAL + GUEST_TABLES
  li s1, WINDOW_GUEST + GUEST_TABLES
  li a0, WINDOW_VIRTUAL
  li a1, WINDOW_GUEST
  jal ra, make_tables

  // 2. The second stage's, in Ring -1's own memory.
  la s0, nested_tables
  mv s1, s0
  li a0, WINDOW_GUEST
  li a1, WINDOW_PHYSICAL
  jal ra, make_tables

  // 3. The VMCS. All that is not set here is zero.
  la s2, vmcs
  li t0, VISA_VMCS_REVISION_VALUE
  sd t0, VISA_VMCS_REVISION(s2)
  li t0, VISA_TRAP_PF
  sd t0, VISA_VMCS_TRAPCFG(s2)
  li t0, ALL_EXCEPTIONS
  sd t0, VISA_VMCS_EXCEPTION_MAP(s2)
  la t0, nested_tables
  srli t0, t0, PAGE_SHIFT
  li t1, SV39
  or t0, t0, t1
  sd t0, VISA_VMCS_NESTED_BASE(s2)
  li t0, (WINDOW_GUEST + GUEST_TABLES) >> PAGE_SHIFT
  or t0, t0, t1
  sd t0, VISA_VMCS_PAGE_TABLE_BASE(s2)
  li t0, 1 << 32
  sd t0, VISA_VMCS_TIME_SCALE(s2)
  li t0, SSTATUS_FS_INITIAL
  sd t0, VISA_VMCS_GUEST_SSTATUS(s2)
  li t0, 3
  sd t0, VISA_VMCS_RING(s2)
  li t0, WINDOW_VIRTUAL
  sd t0, VISA_VMCS_PC(s2)

  // 4. The guest ends the run itself; if it comes back here, something went wrong.
  mv a0, s2
  vmenter a0
  vmcause a0
  addi gp, a0, UNEXPECTED_EXIT
  REPORT_FAIL(gp)

  .align 2
unexpected_trap:
  csrr gp, VISA_MSR_HVCAUSE
  li a0, UNEXPECTED_TRAP
  add gp, gp, a0
  REPORT_FAIL(gp)

// Maps the window at a0 to a1, and the finisher to itself, by tables at s0 whose users find them at s1.
// Both the window and the finisher lie in the first gigabyte, whose entry of the root is number 0.
make_tables:
  li t0, TABLE_MIDDLE
  add t1, s1, t0
  set_entry s0, 0, t1, BRANCH_ENTRY

  add a2, s0, t0
  li t0, TABLE_FINISHER
  add t1, s1, t0
  set_entry a2, FINISHER >> MEGA_PAGE_SHIFT, t1, BRANCH_ENTRY
  li t0, TABLE_WINDOW
  add t1, s1, t0
  srli t2, a0, MEGA_PAGE_SHIFT
  slli t2, t2, 3
  add a2, a2, t2
  set_entry a2, 0, t1, BRANCH_ENTRY

  li t0, TABLE_FINISHER
  add a2, s0, t0
  li t1, FINISHER
  set_entry a2, (FINISHER >> PAGE_SHIFT) & 511, t1, LEAF_ENTRY

  li t0, TABLE_WINDOW
  add a2, s0, t0
  mv t1, a1
  li t2, WINDOW_SIZE
  add t2, t2, a1
  li t3, PAGE
1:
  set_entry a2, 0, t1, LEAF_ENTRY
  addi a2, a2, 8
  add t1, t1, t3
  bne t1, t2, 1b
  ret

  .section .boot_bss, "aw", @nobits
  .align 12
nested_tables:
  .skip 4 * PAGE
vmcs:
  .skip PAGE
