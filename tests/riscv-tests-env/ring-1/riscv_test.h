// A test in Ring -1: the machine resets into it, untranslated and with floating point on.

#ifndef VISA_RISCV_TEST_H
#define VISA_RISCV_TEST_H

#include "test_interface.h"
#include "visa_isa.h"

#define RVTEST_CODE_BEGIN                                                      \
  .section .text.init, "ax";                                                   \
  .globl _start;                                                               \
_start:                                                                        \
  la t0, unexpected_trap;                                                      \
  csrw MSR_HVVEC, t0;                                                          \
  csrwi MSR_FCSR, 0;                                                           \
  j the_test;                                                                  \
  .align 2;                                                                    \
unexpected_trap:                                                               \
  csrr gp, MSR_HVCAUSE;                                                        \
  addi gp, gp, UNEXPECTED_TRAP / 2;                                            \
  addi gp, gp, UNEXPECTED_TRAP / 2;                                            \
  REPORT_FAIL(gp);                                                             \
the_test:                                                                      \
  li TESTNUM, 0

#endif
