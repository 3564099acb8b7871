//! The layout of the VMCS: one row for each field, by offset.
//!
//! A row is `offset NAME home, Check, "what it holds"`. The home is `= MSR`, the register in which the value lives while the VMCS is
//! current; `[count]`, so many values that no MSR holds; or `constant VALUE`. The check is one of [`super::Check`]; an entry makes the checks in
//! the order of the rows.

/// Calls a macro with the whole layout, for whoever makes something of every field: this crate its list, and the crate that holds the state
/// what VMSAVE, VMLOAD and the checks of an entry do. A field whose values live nowhere does not compile there.
#[macro_export]
macro_rules! for_each_vmcs_field {
    ($then:ident) => {
        $then! {
            Header {
                0x000 REVISION constant REVISION_VALUE, Revision, "layout's identity and version";
            }
            Control {
                0x010 TRAPCFG = VMTRAPCFG, Zero(!$crate::trap_filter::VALID), "trap filter";
                0x018 NESTED_BASE = HPTBR, NestedBase, "second-stage page-table base and VMID";
                0x020 EXCEPTION_MAP = EXCMAP, Zero(!$crate::cause::EXCEPTION_MAP_VALID), "exceptions that exit";
                0x028 MSR_MAP = MSRMAP, Map($crate::io::MSR_MAP_BYTES), "physical address of the MSR map, or 0";
                0x030 MSR_SHADOW = MSRSHADOW, Map($crate::io::MSR_SHADOW_BYTES), "physical address of the MSR shadow table, or 0";
                0x038 IO_MAP = IOMAP, Map($crate::io::IO_MAP_BYTES), "physical address of the I/O permission map, or 0";
                0x040 TIME_OFFSET = TIMEOFF, Any, "added to the guest's time";
                0x048 TIME_SCALE = TIMESCALE, NotZero, "multiplier of the guest's time, 32.32 fixed point; not 0";
                0x050 VIRTUAL_CPU = VCPUID, AtMost(u16::MAX as u64), "number of this virtual CPU in its VM, below 65536";
                0x058 ACTION = VMACTION, Action, "resume action: 0 retry, 1 complete, 2 inject";
                0x060 RESULT = VMRESULT, Any, "value for the resume action";
                0x068 INJECT = VMINJECT, Injection, "cause to inject";
            }
            Guest {
                0x100 PC = VMPC, Zero(1), "program counter";
                0x108 RING = VMRING, Ring, "ring: 0 or 3";
                0x110 GUEST_FCSR = VMFCSR, AtMost(0xff), "floating-point control and status";
                0x118 GUEST_SSTATUS = SSTATUS, Any, "sstatus";
                0x120 GUEST_SIE = SIE, Any, "sie";
                0x128 GUEST_SIP = SIP, Any, "sip: SSIP alone";
                0x130 GUEST_STVEC = STVEC, Any, "stvec";
                0x138 GUEST_SCOUNTEREN = SCOUNTEREN, Any, "scounteren";
                0x140 GUEST_SENVCFG = SENVCFG, Any, "senvcfg";
                0x148 GUEST_SSCRATCH = SSCRATCH, Any, "sscratch";
                0x150 GUEST_SEPC = SEPC, Any, "sepc";
                0x158 GUEST_SCAUSE = SCAUSE, Any, "scause";
                0x160 GUEST_STVAL = STVAL, Any, "stval";
                0x168 GUEST_STIMECMP = STIMECMP, Any, "stimecmp";
                0x170 PAGE_TABLE_BASE = GPTBR, TableBase, "the guest's CR3 (GPTBR)";
                0x178 VIC_PENDING = VICPEND, Zero(1), "virtual interrupts pending";
                0x180 VIC_ENABLED = VICENAB, Zero(1), "virtual interrupts enabled";
                0x188 VIC_THRESHOLD = VICTHRESH, AtMost(63), "virtual interrupt threshold, below 64";
                0x200 REGISTERS [32], Any, "R0 (ignored) to R31";
                0x300 FLOAT_REGISTERS [32], Any, "F0 to F31";
            }
            Exit {
                0x400 EXIT_CAUSE = VMCAUSE, Any, "cause of the last exit";
                0x408 EXIT_QUALIFICATION = VMQUAL, Any, "decoded access";
                0x410 EXIT_INSTRUCTION = VMINST, Any, "instruction bits";
                0x418 EXIT_GUEST_VIRTUAL = VMGVA, Any, "guest-virtual address";
                0x420 EXIT_GUEST_PHYSICAL = VMGPA, Any, "guest-physical address";
                0x428 EXIT_VALUE = VMVALUE, Any, "value that the instruction writes";
                0x430 EXIT_CODE = VMCODE, Any, "port, MSR, exception or interrupt number";
                0x438 EXIT_COOKIE = VMCOOKIE, Any, "cookie of the virtual device";
            }
            Counter {
                0x500 COUNT_EXIT = VMCOUNT_EXIT, Any, "VM exits";
                0x508 COUNT_EMU = VMCOUNT_EMU, Any, "instructions completed in software";
                0x510 COUNT_TLBMISS = VMCOUNT_TLBMISS, Any, "combined TLB misses";
            }
            Control {
                0xc00 RANGES [128], Ranges, "32 IOVMAP ranges of four values each (see io::range)";
            }
        }
    };
}
