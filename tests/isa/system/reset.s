; The state after a reset (specification, 1.5): all registers zero but for a0, a1 and those that the section names.
;! bare
.globl _start
_start:
;= R1 = 0, R2 = 0, R5 = 0, R10 = 0, R12 = 0, R31 = 0, F0 = 0, F31 = 0, FCSR = 0
;= VMCSPTR = -1, STIMECMP = -1, HVTIMECMP = -1, HARTID = 0
;= SSTATUS = 2<<32, SIE = 0, SIP = 0, STVEC = 0, SCOUNTEREN = 0, SENVCFG = 0, SSCRATCH = 0, SEPC = 0, SCAUSE = 0, STVAL = 0, GPTBR = 0
;= HVSTATUS = 0, HVVEC = 0, HVSCRATCH = 0, HVEPC = 0, HVCAUSE = 0, HVTVAL = 0, HVIE = 0, HVIP = 0
;= VMTRAPCFG = 0, HPTBR = 0, EXCMAP = 0, MSRMAP = 0, MSRSHADOW = 0, IOMAP = 0, TIMEOFF = 0, TIMESCALE = 0, VCPUID = 0
;= VICPEND = 0, VICENAB = 0, VICTHRESH = 0, VMACTION = 0, VMRESULT = 0, VMINJECT = 0, VMPC = 0, VMRING = 0, VMFCSR = 0
;= VMR1 = 0, VMR31 = 0, VMF0 = 0, VMF31 = 0, VMCOUNT_EXIT = 0, VMCOUNT_EMU = 0, VMCOUNT_TLBMISS = 0
;= VMCAUSE = 0, VMQUAL = 0, VMINST = 0, VMGVA = 0, VMGPA = 0, VMVALUE = 0, VMCODE = 0, VMCOOKIE = 0
    pass
