//! The table of MSRs: one row each.
//!
//! A row is `number NAME "name" (cr N) [home] Wakes "what it holds"`. The number says which ring may use the register, and whether it can be
//! written ([`super::ring`], [`super::is_read_only`]). The home says where its value is:
//!
//! * `at part.field`: it is a field of the hart's state, as it stands there;
//! * `shows part.field`: likewise, and read-only;
//! * `reads part.field`: a read gives the field, a write goes by a rule;
//! * `rule`: it has a value of its own, which is read and written by rules;
//! * `view`: it is another way to read or write what has its home elsewhere.
//!
//! `keeps` names the bits that a write keeps; where it is missing that is all of them, or none of a read-only register. What a write wakes
//! is one of [`super::Wakes`].

/// Calls a macro with the whole table, for whoever makes something of every MSR: this crate its list, and the crate that holds the state
/// how each is read and written. A row that has no home there does not compile.
#[macro_export]
macro_rules! for_each_msr {
    ($then:ident) => {
        $then! {
            0x001 FFLAGS "fflags" [view keeps 0x1f] Nothing
                "accrued floating-point exceptions: NX, UF, OF, DZ, NV from bit 0";
            0x002 FRM "frm" [view keeps 7] Nothing
                "dynamic rounding mode";
            0x003 FCSR "fcsr" [view keeps 0xff] Nothing
                "fflags in bits 4:0, frm in bits 7:5";
            0x100 SSTATUS "sstatus" cr 0 [rule keeps $crate::msr::sstatus::WRITABLE] Status
                "status of Ring 0: SIE, SPIE, UBE, SPP, FS, SUM, MXR, SD";
            0x104 SIE "sie" cr 5 [at supervisor.sie keeps $crate::cause::interrupt::SUPERVISOR_MASK] Interrupts
                "interrupts that Ring 0 takes";
            0x105 STVEC "stvec" cr 1 [at supervisor.stvec keeps !2] Nothing
                "trap vector of Ring 0; bit 0 set: vectored";
            0x106 SCOUNTEREN "scounteren" cr 8 [at supervisor.scounteren keeps 7] Nothing
                "counters that Ring 3 may read: cycle, time, instret from bit 0";
            0x10a SENVCFG "senvcfg" cr 4 [at supervisor.senvcfg keeps 1] Nothing
                "environment of Ring 3: FIOM alone";
            0x140 SSCRATCH "sscratch" cr 7 [at supervisor.sscratch] Nothing
                "scratch of Ring 0";
            0x141 SEPC "sepc" cr 9 [at supervisor.sepc keeps !1] Nothing
                "address that a trap to Ring 0 came from";
            0x142 SCAUSE "scause" cr 10 [at supervisor.scause] Nothing
                "cause of the last trap to Ring 0";
            0x143 STVAL "stval" cr 2 [at supervisor.stval] Nothing
                "faulting address or instruction of the last trap to Ring 0";
            0x144 SIP "sip" cr 6 [rule keeps 1 << $crate::cause::interrupt::SUPERVISOR_SOFTWARE] Interrupts
                "interrupts pending for Ring 0; SSIP alone is writable";
            0x14d STIMECMP "stimecmp" cr 11 [at supervisor.stimecmp] Interrupts
                "the guest's timer: STIP is pending while time >= stimecmp (Sstc)";
            0x180 SATP "satp" cr 3 [reads supervisor.satp keeps u64::MAX] Translation
                "page-table base of the guest: mode, ASID, root (see paging); GPTBR is the same register";
            0x5c0 VICENAB "vicenab" [at vm.vic_enabled keeps $crate::io::VECTORS] Interrupts
                "virtual interrupt vectors that are enabled, a bit each; bit 0 is zero";
            0x5c1 VICTHRESH "victhresh" [at vm.vic_threshold keeps 63] Interrupts
                "0: every vector; else only vectors below it are delivered";
            0x7c0 HVSTATUS "hvstatus" [at hypervisor.hvstatus keeps $crate::msr::hvstatus::WRITABLE] Interrupts
                "status of Ring -1: HIE bit 3, HPIE bit 7";
            0x7c1 HVVEC "hvvec" [at hypervisor.hvvec keeps !3] Nothing
                "trap vector of Ring -1, a multiple of 4";
            0x7c2 HVSCRATCH "hvscratch" [at hypervisor.hvscratch] Nothing
                "scratch of Ring -1";
            0x7c3 HVEPC "hvepc" [at hypervisor.hvepc keeps !1] Nothing
                "address that a trap of Ring -1 came from";
            0x7c4 HVCAUSE "hvcause" [at hypervisor.hvcause] Nothing
                "cause of the last trap of Ring -1";
            0x7c5 HVTVAL "hvtval" [at hypervisor.hvtval] Nothing
                "faulting address, instruction or descriptor offset of the last trap of Ring -1";
            0x7c6 HVIE "hvie" [at hypervisor.hvie keeps $crate::cause::interrupt::HYPERVISOR_MASK] Interrupts
                "interrupts that Ring -1 takes, from a guest as VM exits: software 3, timer 7, external 11";
            0x7c7 HVIP "hvip" [rule keeps 1 << $crate::cause::interrupt::HYPERVISOR_SOFTWARE] Interrupts
                "interrupts pending for Ring -1; software (bit 3) alone can be cleared";
            0x7c8 HVTIMECMP "hvtimecmp" [at hypervisor.hvtimecmp] Interrupts
                "Ring -1's timer: pending while the machine's time >= hvtimecmp";
            0x7d0 VMTRAPCFG "vmtrapcfg" [at vm.trap_filter] Interrupts
                "trap filter of the current VM";
            0x7d1 HPTBR "hptbr" [at vm.hptbr] SecondStage
                "second-stage page-table base of the current VM: mode, VMID, root";
            0x7d2 GPTBR "gptbr" [view keeps u64::MAX] Translation
                "the guest's page-table base, its CR3, as Ring -1 sees it";
            0x7d3 EXCMAP "excmap" [at vm.exception_map] Nothing
                "exceptions that exit, a bit for each cause number";
            0x7d4 MSRMAP "msrmap" [at vm.msr_map] Nothing
                "physical address of the MSR map, a multiple of 4096; 0: none";
            0x7d5 MSRSHADOW "msrshadow" [at vm.msr_shadow] Nothing
                "physical address of the MSR shadow table, a multiple of 4096; 0: none";
            0x7d6 IOMAP "iomap" [at vm.io_map] Nothing
                "physical address of the I/O permission map, a multiple of 4096; 0: none";
            0x7d7 TIMEOFF "timeoff" [at vm.time_offset] Interrupts
                "what is added to the guest's time, after scaling";
            0x7d8 TIMESCALE "timescale" [at vm.time_scale] Interrupts
                "what the machine's time is multiplied by for the guest, as 32.32 fixed point";
            0x7d9 VCPUID "vcpuid" [at vm.virtual_cpu] Interrupts
                "number of this virtual CPU in its VM";
            0x7da VICPEND "vicpend" [at vm.vic_pending] Interrupts
                "virtual interrupt vectors that are pending, a bit each";
            0x7e0 VMACTION "vmaction" [at vm.action] Nothing
                "what VMRESUME does first: 0 retry, 1 complete, 2 inject";
            0x7e1 VMRESULT "vmresult" [at vm.result] Nothing
                "complete: the value for the destination register; inject: the trap value. An exit presets it with the old value";
            0x7e2 VMINJECT "vminject" [at vm.inject] Nothing
                "inject: the cause, with bit 63 for an interrupt";
            0x7e3 VMPC "vmpc" [view keeps u64::MAX] Nothing
                "the guest's PC";
            0x7e4 VMRING "vmring" [rule keeps u64::MAX] Nothing
                "the guest's ring: 0 or 3";
            0x7e5 VMFCSR "vmfcsr" [view keeps u32::MAX as u64] Nothing
                "the guest's fcsr";
            0xc00 CYCLE "cycle" [view] Nothing
                "cycles; without the cycle model, retired instructions";
            0xc01 TIME "time" [view] Nothing
                "time in ticks of 100 ns, scaled and offset in a guest";
            0xc02 INSTRET "instret" [view] Nothing
                "retired instructions of this hart";
            0xdc0 VMCOUNT_EXIT "vmcount_exit" [shows vm.count_exit] Nothing
                "VM exits of the current VM";
            0xdc1 VMCOUNT_EMU "vmcount_emu" [shows vm.count_emu] Nothing
                "instructions of the current VM that Ring -1 completed in software";
            0xdc2 VMCOUNT_TLBMISS "vmcount_tlbmiss" [shows vm.count_tlb_miss] Nothing
                "combined TLB misses of the current VM";
            0xfc0 VMCAUSE "vmcause" [shows exit.cause] Nothing
                "cause of the last VM exit";
            0xfc1 VMQUAL "vmqual" [shows exit.qualification] Nothing
                "decoded access of the last VM exit (see vmcs)";
            0xfc2 VMINST "vminst" [shows exit.instruction] Nothing
                "bits of the instruction that exited; 0 if none";
            0xfc3 VMGVA "vmgva" [shows exit.guest_virtual] Nothing
                "guest-virtual address of the access that exited";
            0xfc4 VMGPA "vmgpa" [shows exit.guest_physical] Nothing
                "guest-physical address of the access that exited";
            0xfc5 VMVALUE "vmvalue" [shows exit.value] Nothing
                "the value that the instruction writes";
            0xfc6 VMCODE "vmcode" [shows exit.code] Nothing
                "port, MSR, exception or interrupt number of the last VM exit";
            0xfc7 VMCOOKIE "vmcookie" [shows exit.cookie] Nothing
                "cookie of the virtual device that was accessed";
            0xfc8 VMCSPTR "vmcsptr" [rule] Nothing
                "physical address of the current VMCS; all ones if none";
            0xfc9 HARTID "hartid" [rule] Nothing
                "number of this hart";
        }
    };
}
