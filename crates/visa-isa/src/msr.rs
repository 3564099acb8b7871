//! Model-specific registers: "MSR n" is CSR number n of the RISC-V base. V-ISA's own stand in the custom ranges.

use crate::instruction::Ring;

macro_rules! msrs {
    ($( $number:literal $name:ident $text:literal $(cr $cr:literal)? $summary:literal; )*) => {
        $( #[doc = $summary] pub const $name: u16 = $number; )*

        /// Every MSR of the machine, by number.
        pub static MSRS: &[Msr] = &[ $( Msr {
            number: $number, name: $text, cr: msrs!(@cr $($cr)?), summary: $summary,
        }, )* ];
    };
    (@cr) => { None };
    (@cr $cr:literal) => { Some($cr) };
}

/// A register that is read and written by number.
#[derive(Clone, Copy, Debug)]
pub struct Msr {
    /// Its number, 12 bits. Bits 11:10 both set: read-only. Bits 9:8: the least privileged ring (0: Ring 3, 1: Ring 0,
    /// 3: Ring -1).
    pub number: u16,
    /// Its name, in lower case.
    pub name: &'static str,
    /// The control register that it is too, if any: `CR3` is satp.
    pub cr: Option<u8>,
    /// One sentence on what it holds.
    pub summary: &'static str,
}

msrs! {
    0x001 FFLAGS     "fflags"     "accrued floating-point exceptions: NX, UF, OF, DZ, NV from bit 0";
    0x002 FRM        "frm"        "dynamic rounding mode";
    0x003 FCSR       "fcsr"       "fflags in bits 4:0, frm in bits 7:5";
    0x100 SSTATUS    "sstatus" cr 0 "status of Ring 0: SIE, SPIE, UBE, SPP, FS, SUM, MXR, SD";
    0x104 SIE        "sie" cr 5 "interrupts that Ring 0 takes";
    0x105 STVEC      "stvec" cr 1 "trap vector of Ring 0; bit 0 set: vectored";
    0x106 SCOUNTEREN "scounteren" cr 8 "counters that Ring 3 may read: cycle, time, instret from bit 0";
    0x10a SENVCFG    "senvcfg" cr 4 "environment of Ring 3: FIOM alone";
    0x140 SSCRATCH   "sscratch" cr 7 "scratch of Ring 0";
    0x141 SEPC       "sepc" cr 9 "address that a trap to Ring 0 came from";
    0x142 SCAUSE     "scause" cr 10 "cause of the last trap to Ring 0";
    0x143 STVAL      "stval" cr 2 "faulting address or instruction of the last trap to Ring 0";
    0x144 SIP        "sip" cr 6 "interrupts pending for Ring 0; SSIP alone is writable";
    0x14d STIMECMP   "stimecmp" cr 11 "the guest's timer: STIP is pending while time >= stimecmp (Sstc)";
    0x180 SATP       "satp" cr 3 "page-table base of the guest: mode, ASID, root (see paging); GPTBR is the same register";
    0x5c0 VICENAB    "vicenab"    "virtual interrupt vectors that are enabled, a bit each; bit 0 is zero";
    0x5c1 VICTHRESH  "victhresh"  "0: every vector; else only vectors below it are delivered";
    0x7c0 HVSTATUS   "hvstatus"   "status of Ring -1: HIE bit 3, HPIE bit 7";
    0x7c1 HVVEC      "hvvec"      "trap vector of Ring -1, a multiple of 4";
    0x7c2 HVSCRATCH  "hvscratch"  "scratch of Ring -1";
    0x7c3 HVEPC      "hvepc"      "address that a trap of Ring -1 came from";
    0x7c4 HVCAUSE    "hvcause"    "cause of the last trap of Ring -1";
    0x7c5 HVTVAL     "hvtval"     "faulting address, instruction or descriptor offset of the last trap of Ring -1";
    0x7c6 HVIE       "hvie"       "interrupts that Ring -1 takes, from a guest as VM exits: software 3, timer 7, external 11";
    0x7c7 HVIP       "hvip"       "interrupts pending for Ring -1; software (bit 3) alone can be cleared";
    0x7c8 HVTIMECMP  "hvtimecmp"  "Ring -1's timer: pending while the machine's time >= hvtimecmp";
    0x7d0 VMTRAPCFG  "vmtrapcfg"  "trap filter of the current VM";
    0x7d1 HPTBR      "hptbr"      "second-stage page-table base of the current VM: mode, VMID, root";
    0x7d2 GPTBR      "gptbr"      "the guest's page-table base, its CR3, as Ring -1 sees it";
    0x7d3 EXCMAP     "excmap"     "exceptions that exit, a bit for each cause number";
    0x7d4 MSRMAP     "msrmap"     "physical address of the MSR map, a multiple of 4096; 0: none";
    0x7d5 MSRSHADOW  "msrshadow"  "physical address of the MSR shadow table, a multiple of 4096; 0: none";
    0x7d6 IOMAP      "iomap"      "physical address of the I/O permission map, a multiple of 4096; 0: none";
    0x7d7 TIMEOFF    "timeoff"    "what is added to the guest's time, after scaling";
    0x7d8 TIMESCALE  "timescale"  "what the machine's time is multiplied by for the guest, as 32.32 fixed point";
    0x7d9 VCPUID     "vcpuid"     "number of this virtual CPU in its VM";
    0x7da VICPEND    "vicpend"    "virtual interrupt vectors that are pending, a bit each";
    0x7e0 VMACTION   "vmaction"   "what VMRESUME does first: 0 retry, 1 complete, 2 inject";
    0x7e1 VMRESULT   "vmresult"   "complete: the value for the destination register; inject: the trap value. An exit presets it with the old value";
    0x7e2 VMINJECT   "vminject"   "inject: the cause, with bit 63 for an interrupt";
    0x7e3 VMPC       "vmpc"       "the guest's PC";
    0x7e4 VMRING     "vmring"     "the guest's ring: 0 or 3";
    0x7e5 VMFCSR     "vmfcsr"     "the guest's fcsr";
    0xc00 CYCLE      "cycle"      "cycles; without the cycle model, retired instructions";
    0xc01 TIME       "time"       "time in ticks of 100 ns, scaled and offset in a guest";
    0xc02 INSTRET    "instret"    "retired instructions of this hart";
    0xdc0 VMCOUNT_EXIT "vmcount_exit" "VM exits of the current VM";
    0xdc1 VMCOUNT_EMU "vmcount_emu" "instructions of the current VM that Ring -1 completed in software";
    0xdc2 VMCOUNT_TLBMISS "vmcount_tlbmiss" "combined TLB misses of the current VM";
    0xfc0 VMCAUSE    "vmcause"    "cause of the last VM exit";
    0xfc1 VMQUAL     "vmqual"     "decoded access of the last VM exit (see vmcs)";
    0xfc2 VMINST     "vminst"     "bits of the instruction that exited; 0 if none";
    0xfc3 VMGVA      "vmgva"      "guest-virtual address of the access that exited";
    0xfc4 VMGPA      "vmgpa"      "guest-physical address of the access that exited";
    0xfc5 VMVALUE    "vmvalue"    "the value that the instruction writes";
    0xfc6 VMCODE     "vmcode"     "port, MSR, exception or interrupt number of the last VM exit";
    0xfc7 VMCOOKIE   "vmcookie"   "cookie of the virtual device that was accessed";
    0xfc8 VMCSPTR    "vmcsptr"    "physical address of the current VMCS; all ones if none";
    0xfc9 HARTID     "hartid"     "number of this hart";
}

/// First of the 32 MSRs through which Ring -1 reads and writes the guest's R0 to R31.
pub const GUEST_R0: u16 = 0xbc0;
/// First of the 32 MSRs through which Ring -1 reads and writes the guest's F0 to F31.
pub const GUEST_F0: u16 = 0xbe0;

/// The ring that an MSR number belongs to (bits 9:8). Number 2 (RISC-V's hypervisor extension) belongs to Ring -1 too,
/// where no MSR has it.
pub const fn ring(number: u16) -> Ring {
    match number >> 8 & 3 {
        0 => Ring::User,
        1 => Ring::Kernel,
        _ => Ring::Hypervisor,
    }
}

/// Whether an MSR number is one of read-only registers (bits 11:10).
pub const fn is_read_only(number: u16) -> bool {
    number >> 10 & 3 == 3
}

/// Whether an MSR is V-ISA's own.
pub const fn is_visa(number: u16) -> bool {
    matches!(number, 0x5c0..=0x5ff | 0x7c0..=0x7ff | 0xbc0..=0xbff | 0xdc0..=0xdff | 0xfc0..=0xfff)
}

/// The MSR with a number. The guest-register windows are not in it (see [`guest_register`]).
pub fn by_number(number: u16) -> Option<&'static Msr> {
    MSRS.binary_search_by_key(&number, |msr| msr.number).ok().map(|index| &MSRS[index])
}

/// The MSR with a name in lower case.
pub fn by_name(name: &str) -> Option<&'static Msr> {
    MSRS.iter().find(|msr| msr.name == name)
}

/// The MSR that control register `cr` is.
pub fn by_control_register(cr: u8) -> Option<&'static Msr> {
    MSRS.iter().find(|msr| msr.cr == Some(cr))
}

/// A register of the guest's bank, as an MSR number names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GuestRegister {
    /// R0 to R31.
    Integer(u8),
    /// F0 to F31.
    Float(u8),
}

/// The guest register that an MSR number is a window on (`VMR0` to `VMR31`, `VMF0` to `VMF31`).
pub const fn guest_register(number: u16) -> Option<GuestRegister> {
    match number {
        0xbc0..=0xbdf => Some(GuestRegister::Integer((number - GUEST_R0) as u8)),
        0xbe0..=0xbff => Some(GuestRegister::Float((number - GUEST_F0) as u8)),
        _ => None,
    }
}

/// Bits of sstatus.
pub mod sstatus {
    /// Interrupts enabled in Ring 0.
    pub const SIE: u64 = 1 << 1;
    /// SIE before the trap.
    pub const SPIE: u64 = 1 << 5;
    /// The ring before the trap: set for Ring 0.
    pub const SPP: u64 = 1 << 8;
    /// Floating-point state: 0 off, 1 initial, 2 clean, 3 dirty.
    pub const FS: u64 = 3 << 13;
    /// Ring 0 may access pages of Ring 3.
    pub const SUM: u64 = 1 << 18;
    /// Loads may read pages that are executable only.
    pub const MXR: u64 = 1 << 19;
    /// Ring 3 is 64-bit (read-only).
    pub const UXL: u64 = 2 << 32;
    /// FS is dirty (read-only).
    pub const SD: u64 = 1 << 63;
    /// Bits that software can write.
    pub const WRITABLE: u64 = SIE | SPIE | SPP | FS | SUM | MXR;
}

/// Bits of hvstatus.
pub mod hvstatus {
    /// Interrupts enabled in Ring -1.
    pub const HIE: u64 = 1 << 3;
    /// HIE before the trap.
    pub const HPIE: u64 = 1 << 7;
    /// Bits that software can write.
    pub const WRITABLE: u64 = HIE | HPIE;
}
