// How a test reports its end. Both environments see the test finisher at its physical address.

#define FINISHER 0x100000
#define FINISHER_PASS 0x5555
#define FINISHER_FAIL 0x3333

// Numbers beyond those of any test's cases, and within the eight bits of an exit code.
#define UNEXPECTED_EXIT 200
#define UNEXPECTED_TRAP 224

// Reports the number in `number` as failed; clobbers a0.
#define REPORT_FAIL(number)                                                    \
  slli number, number, 16;                                                     \
  li a0, FINISHER_FAIL;                                                        \
  or number, number, a0;                                                       \
  li a0, FINISHER;                                                             \
  sw number, 0(a0);                                                            \
9:                                                                             \
  j 9b

#define REPORT_PASS                                                            \
  li a0, FINISHER;                                                             \
  li a1, FINISHER_PASS;                                                        \
  sw a1, 0(a0);                                                                \
9:                                                                             \
  j 9b
