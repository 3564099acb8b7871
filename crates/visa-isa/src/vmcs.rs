//! The VM control structure: one 4 KiB page in physical memory, little-endian, every field 64 bits.

/// Bytes of a VMCS, and its alignment.
pub const SIZE: u64 = 4096;

/// What REVISION must hold: `VISA` in ASCII, then the layout's version.
pub const REVISION_VALUE: u64 = 0x0001_4153_4956;

/// The part of the VMCS that a field belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// Identification.
    Header,
    /// What the hypervisor configures.
    Control,
    /// The guest's registers.
    Guest,
    /// What the last exit left. VMSAVE writes it, VMLOAD does not read it.
    Exit,
    /// Counters of this virtual CPU.
    Counter,
}

/// A field of the VMCS.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Byte offset.
    pub offset: u16,
    /// How many 64-bit values it holds.
    pub count: u16,
    /// Its part.
    pub section: Section,
    /// The MSR in which it lives while the VMCS is current, if there is one.
    pub msr: Option<u16>,
    /// One sentence on what it holds.
    pub summary: &'static str,
}

macro_rules! vmcs {
    ($( $section:ident { $( $offset:literal $name:ident $([$count:literal])? $(= $msr:ident)? $summary:literal; )* } )*) => {
        $( $( #[doc = $summary] pub const $name: u16 = $offset; )* )*

        /// Every field, by offset.
        pub static FIELDS: &[Field] = &[ $( $( Field {
            name: stringify!($name), offset: $offset, count: vmcs!(@count $($count)?), section: Section::$section,
            msr: vmcs!(@msr $($msr)?), summary: $summary,
        }, )* )* ];
    };
    (@count) => { 1 };
    (@count $count:literal) => { $count };
    (@msr) => { None };
    (@msr $msr:ident) => { Some(crate::msr::$msr) };
}

vmcs! {
    Header {
        0x000 REVISION "layout's identity and version";
    }
    Control {
        0x010 TRAPCFG = VMTRAPCFG "trap filter";
        0x018 NESTED_BASE = HPTBR "second-stage page-table base and VMID";
        0x020 EXCEPTION_MAP = EXCMAP "exceptions that exit";
        0x028 MSR_MAP = MSRMAP "physical address of the MSR map, or 0";
        0x030 MSR_SHADOW = MSRSHADOW "physical address of the MSR shadow table, or 0";
        0x038 IO_MAP = IOMAP "physical address of the I/O permission map, or 0";
        0x040 TIME_OFFSET = TIMEOFF "added to the guest's time";
        0x048 TIME_SCALE = TIMESCALE "multiplier of the guest's time, 32.32 fixed point; not 0";
        0x050 VIRTUAL_CPU = VCPUID "number of this virtual CPU in its VM, below 65536";
        0x058 ACTION = VMACTION "resume action: 0 retry, 1 complete, 2 inject";
        0x060 RESULT = VMRESULT "value for the resume action";
        0x068 INJECT = VMINJECT "cause to inject";
    }
    Guest {
        0x100 PC = VMPC "program counter";
        0x108 RING = VMRING "ring: 0 or 3";
        0x110 GUEST_FCSR = VMFCSR "floating-point control and status";
        0x118 GUEST_SSTATUS = SSTATUS "sstatus";
        0x120 GUEST_SIE = SIE "sie";
        0x128 GUEST_SIP = SIP "sip: SSIP alone";
        0x130 GUEST_STVEC = STVEC "stvec";
        0x138 GUEST_SCOUNTEREN = SCOUNTEREN "scounteren";
        0x140 GUEST_SENVCFG = SENVCFG "senvcfg";
        0x148 GUEST_SSCRATCH = SSCRATCH "sscratch";
        0x150 GUEST_SEPC = SEPC "sepc";
        0x158 GUEST_SCAUSE = SCAUSE "scause";
        0x160 GUEST_STVAL = STVAL "stval";
        0x168 GUEST_STIMECMP = STIMECMP "stimecmp";
        0x170 PAGE_TABLE_BASE = GPTBR "the guest's CR3 (GPTBR)";
        0x178 VIC_PENDING = VICPEND "virtual interrupts pending";
        0x180 VIC_ENABLED = VICENAB "virtual interrupts enabled";
        0x188 VIC_THRESHOLD = VICTHRESH "virtual interrupt threshold, below 64";
        0x200 REGISTERS [32] "R0 (ignored) to R31";
        0x300 FLOAT_REGISTERS [32] "F0 to F31";
    }
    Exit {
        0x400 EXIT_CAUSE = VMCAUSE "cause of the last exit";
        0x408 EXIT_QUALIFICATION = VMQUAL "decoded access";
        0x410 EXIT_INSTRUCTION = VMINST "instruction bits";
        0x418 EXIT_GUEST_VIRTUAL = VMGVA "guest-virtual address";
        0x420 EXIT_GUEST_PHYSICAL = VMGPA "guest-physical address";
        0x428 EXIT_VALUE = VMVALUE "value that the instruction writes";
        0x430 EXIT_CODE = VMCODE "port, MSR, exception or interrupt number";
        0x438 EXIT_COOKIE = VMCOOKIE "cookie of the virtual device";
    }
    Counter {
        0x500 COUNT_EXIT = VMCOUNT_EXIT "VM exits";
        0x508 COUNT_EMU = VMCOUNT_EMU "instructions completed in software";
        0x510 COUNT_TLBMISS = VMCOUNT_TLBMISS "combined TLB misses";
    }
    Control {
        0xc00 RANGES [128] "32 IOVMAP ranges of four values each (see io::range)";
    }
}

/// How many IOVMAP ranges a VM has.
pub const RANGE_COUNT: usize = 32;

/// The resume action: what VMRESUME (and VMENTER of the current VMCS) does before the guest goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Action {
    /// Go on at VMPC.
    Retry = 0,
    /// Write VMRESULT to the destination register as decoded, step past the instruction, count it in VMCOUNT_EMU.
    Complete = 1,
    /// Deliver the exception or interrupt VMINJECT to Ring 0, with VMRESULT as the trap value.
    Inject = 2,
}

impl Action {
    /// The action's name.
    pub const fn name(self) -> &'static str {
        match self {
            Action::Retry => "retry",
            Action::Complete => "complete",
            Action::Inject => "inject",
        }
    }

    /// The action with a number.
    pub const fn from_number(number: u64) -> Option<Action> {
        match number {
            0 => Some(Action::Retry),
            1 => Some(Action::Complete),
            2 => Some(Action::Inject),
            _ => None,
        }
    }
}

/// Bits of VMQUAL, the decoded access.
pub mod qualification {
    /// Bytes accessed, bits 7:0; 0 if the exit is not of an access.
    pub const SIZE: u64 = 0xff;
    /// The access writes. An atomic both reads and writes: see [`READ`].
    pub const WRITE: u64 = 1 << 8;
    /// The result is sign-extended from the size.
    pub const SIGNED: u64 = 1 << 9;
    /// The access is an instruction fetch.
    pub const EXECUTE: u64 = 1 << 10;
    /// The register is a floating-point one.
    pub const FLOAT: u64 = 1 << 11;
    /// The access is one of a walk of the guest's page tables.
    pub const WALK: u64 = 1 << 12;
    /// The access reads, or the instruction has a destination register.
    pub const READ: u64 = 1 << 13;
    /// The timer or interrupt is Ring -1's own, not the guest's.
    pub const HOST: u64 = 1 << 14;
    /// First bit of the destination register's number (bits 20:16).
    pub const REGISTER_SHIFT: u32 = 16;
    /// First bit of the instruction's length in bytes (bits 27:24); 0 if no instruction exited.
    pub const LENGTH_SHIFT: u32 = 24;
    /// First bit of the guest's ring (bits 31:28): 0 or 3.
    pub const RING_SHIFT: u32 = 28;
    /// First bit of the VMCS offset that an entry failure names (bits 63:48).
    pub const FIELD_SHIFT: u32 = 48;

    /// A flag or field of VMQUAL, for documents and headers.
    #[derive(Clone, Copy, Debug)]
    pub struct Field {
        /// Its name.
        pub name: &'static str,
        /// Its lowest bit.
        pub low: u32,
        /// Number of bits.
        pub width: u32,
        /// What it says.
        pub summary: &'static str,
    }

    const fn field(name: &'static str, low: u32, width: u32, summary: &'static str) -> Field {
        Field { name, low, width, summary }
    }

    const fn flag(name: &'static str, mask: u64, summary: &'static str) -> Field {
        field(name, mask.trailing_zeros(), 1, summary)
    }

    /// Every flag and field, from bit 0 up.
    pub const FIELDS: &[Field] = &[
        field("SIZE", 0, SIZE.count_ones(), "bytes accessed; 0 if the exit is not of an access"),
        flag("WRITE", WRITE, "the access writes; an atomic both reads and writes"),
        flag("SIGNED", SIGNED, "the result is sign-extended from the size"),
        flag("EXECUTE", EXECUTE, "the access is an instruction fetch"),
        flag("FLOAT", FLOAT, "the register is a floating-point one"),
        flag("WALK", WALK, "the access is one of a walk of the guest's page tables"),
        flag("READ", READ, "the access reads, or the instruction has a destination register"),
        flag("HOST", HOST, "the timer or interrupt is Ring -1's own, not the guest's"),
        field("REGISTER", REGISTER_SHIFT, 5, "number of the destination register"),
        field("LENGTH", LENGTH_SHIFT, 4, "the instruction's length in bytes; 0 if no instruction exited"),
        field("RING", RING_SHIFT, 4, "the guest's ring: 0 or 3"),
        field("FIELD", FIELD_SHIFT, 16, "byte offset of the VMCS field that an entry failure names"),
    ];
}

/// The VMCS field at a byte offset, for messages.
pub fn field_at(offset: u16) -> Option<&'static Field> {
    FIELDS.iter().find(|field| (field.offset..field.offset + field.count * 8).contains(&offset))
}
