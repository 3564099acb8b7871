// A test in Ring -1: the machine resets into it, untranslated and with floating point on.

#ifndef VISA_RISCV_TEST_H
#define VISA_RISCV_TEST_H

#include "test_interface.h"
#include "visa.h"

#define RVTEST_CODE_BEGIN                                                      \
  .section .text.init, "ax";                                                   \
  .globl _start;                                                               \
_start:                                                                        \
  la t0, unexpected_trap;                                                      \
  csrw VISA_MSR_HVVEC, t0;                                                          \
  csrwi VISA_MSR_FCSR, 0;                                                           \
  j the_test;                                                                  \
  .align 2;                                                                    \
unexpected_trap:                                                               \
  csrr gp, VISA_MSR_HVCAUSE;                                                        \
  li a0, UNEXPECTED_TRAP;                                                      \
  add gp, gp, a0;                                                              \
  REPORT_FAIL(gp);                                                             \
the_test:                                                                      \
  li TESTNUM, 0

#endif
