// The macros that a test file is written in, as far as both environments have them alike.

#include "finisher.h"

// The register in which a test keeps the number of the case it is at.
#define TESTNUM gp

// The kind of test: user-level, with or without floating point. Neither environment needs to know.
#define RVTEST_RV64U
#define RVTEST_RV64UF

#define RVTEST_PASS REPORT_PASS
#define RVTEST_FAIL REPORT_FAIL(TESTNUM)

#define RVTEST_CODE_END
#define RVTEST_DATA_BEGIN
#define RVTEST_DATA_END
