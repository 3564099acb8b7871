// A test in Ring 3 of a guest. Ring -1's part is boot.S, which enters the guest at `test_entry`.

#ifndef VISA_RISCV_TEST_H
#define VISA_RISCV_TEST_H

#include "test_interface.h"

#define RVTEST_CODE_BEGIN                                                      \
  .section .text.init, "ax";                                                   \
  .globl test_entry;                                                           \
test_entry:                                                                    \
  li TESTNUM, 0

#endif
