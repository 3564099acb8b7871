//! Why a guest left for Ring -1 (VMCAUSE), and the exceptions and interrupts that stay within a ring.

/// Calls a macro with every cause of a VM exit. A row is `number Name(Data) "name" "when it happens"`; the data, one of the types of
/// [`crate::exit`], are what the exit record says of the cause, beside the instruction.
macro_rules! for_each_exit_cause {
    ($then:ident) => {
        $then! {
            0x01 IllegalPrivileged(Denied) "illegal-privileged" "a privileged instruction or register, used where VMTRAPCFG.PRIV traps it";
            0x02 IoAccess(PortAccess) "io-access" "IN or OUT at a port that traps";
            0x03 ControlRegister(MsrAccess) "control-register-write" "a write of a control register that traps: CR3 by VMTRAPCFG.CR3, others by the MSR map";
            0x04 PageFault(PageFault) "page-fault" "a page fault of the guest's own tables, with VMTRAPCFG.PF set";
            0x05 Timer(PendingInterrupt) "timer" "the guest's timer with VMTRAPCFG.TIMER set, or Ring -1's own timer";
            0x06 ExternalInterrupt(PendingInterrupt) "external-interrupt" "an external interrupt that Ring -1 takes";
            0x07 Hypercall "hypercall" "ECALL in Ring 0";
            0x08 MsrAccess(MsrAccess) "msr-access" "a read or write of an MSR that traps";
            0x09 NestedPageFault(NestedPageFault) "nested-page-fault" "a guest-physical address that the second stage does not map, or not for this access";
            0x0a Halt "halt" "HLT (WFI) with VMTRAPCFG.HALT set";
            0x0b DeviceAccess(DeviceAccess) "device-access" "a load or store in a range that IOVMAP bound as trap";
            0x0c VmexitInstruction "vmexit-instruction" "VMEXIT in Ring 0";
            0x0d Shutdown(RaisedException) "shutdown" "three exceptions without an instruction in between: the guest cannot go on";
            0x0e EntryFailure(InvalidField) "entry-failure" "VMENTER, VMRESUME or VMLOAD found a field of the VMCS invalid; VMQUAL names it";
            0x0f SingleStep "single-step" "one instruction done, with VMTRAPCFG.STEP set";
            0x10 VisaInstruction(Denied) "visa-instruction" "a V-ISA instruction or register in Ring 0, with VMTRAPCFG.VISA set, or VINT_SEND to a target that is not resident";
            0x11 DirtyLogFull "dirty-log-full" "reserved for dirty-page logging";
            0x12 Exception(RaisedException) "exception" "an exception that the exception map EXCMAP names";
            0x13 TlbFlush(TlbFlush) "tlb-flush" "SFENCE.VMA with VMTRAPCFG.FLUSH set";
            0x14 Pause "pause" "PAUSE with VMTRAPCFG.PAUSE set";
            0x15 PciConfiguration(PortAccess) "pci-configuration" "IN or OUT at the PCI configuration ports with VMTRAPCFG.PCI set";
            0x16 SoftwareInterrupt(PendingInterrupt) "software-interrupt" "another hart's VINT_SEND to this hart's Ring -1";
        }
    };
}

macro_rules! causes {
    ($( $number:literal $name:ident $(($data:ident))? $text:literal $summary:literal; )*) => {
        /// The reason of a VM exit, as VMCAUSE returns it.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[repr(u8)]
        pub enum ExitCause { $( #[doc = $summary] $name = $number, )* }

        impl ExitCause {
            /// Every cause, by number.
            pub const ALL: &'static [ExitCause] = &[ $(ExitCause::$name),* ];

            /// The name that tables and JSON show: lower case, words joined by hyphens.
            pub const fn name(self) -> &'static str {
                match self { $(ExitCause::$name => $text,)* }
            }

            /// One sentence on when it happens.
            pub const fn summary(self) -> &'static str {
                match self { $(ExitCause::$name => $summary,)* }
            }

            /// The cause with a number.
            pub const fn from_number(number: u64) -> Option<ExitCause> {
                match number { $($number => Some(ExitCause::$name),)* _ => None }
            }
        }
    };
}

for_each_exit_cause!(causes);

macro_rules! exceptions {
    ($( $number:literal $name:ident $text:literal; )*) => {
        /// A synchronous exception (scause, HVCAUSE), as the RISC-V privileged specification numbers them.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        pub enum Exception { $( #[doc = $text] $name = $number, )* }

        impl Exception {
            /// Every exception, by number.
            pub const ALL: &'static [Exception] = &[ $(Exception::$name),* ];

            /// What it is, in words.
            pub const fn name(self) -> &'static str {
                match self { $(Exception::$name => $text,)* }
            }

            /// Its name in one word, in CamelCase.
            pub const fn identifier(self) -> &'static str {
                match self { $(Exception::$name => stringify!($name),)* }
            }

            /// The exception with a number.
            pub const fn from_number(number: u64) -> Option<Exception> {
                match number { $($number => Some(Exception::$name),)* _ => None }
            }

            /// Whether it is one of the three page faults.
            pub const fn is_page_fault(self) -> bool {
                matches!(self, Exception::FetchPageFault | Exception::LoadPageFault | Exception::StorePageFault)
            }
        }
    };
}

exceptions! {
    0  FetchMisaligned   "instruction address misaligned";
    1  FetchAccessFault  "instruction access fault";
    2  IllegalInstruction "illegal instruction";
    3  Breakpoint        "breakpoint";
    4  LoadMisaligned    "load address misaligned";
    5  LoadAccessFault   "load access fault";
    6  StoreMisaligned   "store address misaligned";
    7  StoreAccessFault  "store access fault";
    8  EcallUser         "environment call from Ring 3";
    9  EcallKernel       "environment call from Ring 0";
    11 EcallHypervisor   "environment call from Ring -1";
    12 FetchPageFault    "instruction page fault";
    13 LoadPageFault     "load page fault";
    15 StorePageFault    "store page fault";
    24 BadDescriptor     "invalid descriptor of IOVMAP, IOVMASK or VINT_SEND";
}

/// Exceptions that EXCMAP may name: those that a guest can raise and that have no cause of their own.
pub const EXCEPTION_MAP_VALID: u64 = 0b0000_0001_1111_1111;

/// Set in scause and HVCAUSE for an interrupt.
pub const INTERRUPT: u64 = 1 << 63;

/// What a value of scause stands for, in words. Numbers that the machine has not are "unknown".
pub const fn trap_name(cause: u64) -> &'static str {
    const NUMBER: u64 = !INTERRUPT;
    if cause & INTERRUPT == 0 {
        return match Exception::from_number(cause) {
            Some(exception) => exception.name(),
            None => "unknown exception",
        };
    }
    match (cause & NUMBER) as u32 {
        interrupt::SUPERVISOR_SOFTWARE => "software interrupt",
        interrupt::SUPERVISOR_TIMER => "timer interrupt",
        interrupt::SUPERVISOR_EXTERNAL => "external interrupt",
        _ => "unknown interrupt",
    }
}

macro_rules! interrupts {
    ($( $number:literal $name:ident $summary:literal; )*) => {
        /// Interrupt numbers: bits of sie and sip (supervisor) and of HVIE and HVIP (hypervisor).
        pub mod interrupt {
            $( #[doc = $summary] pub const $name: u32 = $number; )*
            /// The supervisor's interrupts as a mask of sie and sip.
            pub const SUPERVISOR_MASK: u64 =
                1 << SUPERVISOR_SOFTWARE | 1 << SUPERVISOR_TIMER | 1 << SUPERVISOR_EXTERNAL;
            /// Ring -1's interrupts as a mask of HVIE and HVIP.
            pub const HYPERVISOR_MASK: u64 =
                1 << HYPERVISOR_SOFTWARE | 1 << HYPERVISOR_TIMER | 1 << HYPERVISOR_EXTERNAL;
        }

        /// Name, number and meaning of each interrupt.
        pub const INTERRUPTS: &[(&str, u32, &str)] = &[ $((stringify!($name), $number, $summary)),* ];
    };
}

interrupts! {
    1  SUPERVISOR_SOFTWARE "supervisor software interrupt";
    5  SUPERVISOR_TIMER    "supervisor timer interrupt";
    9  SUPERVISOR_EXTERNAL "supervisor external interrupt: PLIC or virtual interrupt controller";
    3  HYPERVISOR_SOFTWARE "Ring -1 software interrupt: VINT_SEND with the host bit";
    7  HYPERVISOR_TIMER    "Ring -1 timer interrupt: HVTIMECMP";
    11 HYPERVISOR_EXTERNAL "Ring -1 external interrupt";
}
