//! VMTRAPCFG: which events of a guest cause a VM exit.

macro_rules! trap_filter {
    ($( $bit:literal $name:ident $text:literal $summary:literal; )*) => {
        $( #[doc = $summary] pub const $name: u64 = 1 << $bit; )*

        /// Bit number, name and meaning of each bit.
        pub const BITS: &[(u32, &str, &str)] = &[ $(($bit, $text, $summary)),* ];

        /// All bits that are defined. An entry with another bit set fails.
        pub const VALID: u64 = 0 $( | $name )*;
    };
}

trap_filter! {
    0  IO    "IO"    "IN and OUT, where the I/O permission map has no policy of its own";
    1  PRIV  "PRIV"  "SRET in Ring 0, and every privileged instruction or register used in a ring that may not";
    2  MSR   "MSR"   "reads and writes of MSRs (but fflags, frm, fcsr), where the MSR map has no policy of its own";
    3  CR3   "CR3"   "writes of CR3 (satp)";
    4  PF    "PF"    "page faults of the guest's own tables";
    5  TIMER "TIMER" "the guest's timer: exits when it becomes due, instead of interrupting the guest";
    6  EXT   "EXT"   "external interrupts of the guest's interrupt-controller context: exit instead of interrupting the guest";
    7  HALT  "HALT"  "HLT (WFI)";
    8  FLUSH "FLUSH" "SFENCE.VMA";
    9  STEP  "STEP"  "each instruction, once it is done";
    10 PCI   "PCI"   "IN and OUT at the PCI configuration ports 0xCF8 to 0xCFF";
    11 PAUSE "PAUSE" "PAUSE";
    12 VISA  "VISA"  "V-ISA instructions and registers in Ring 0";
}
