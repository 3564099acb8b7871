//! Operands of the I/O and interrupt instructions: the descriptor of IOVMAP, the policies of IOVMASK and of the MSR
//! map, and the register formats of VINT_SEND.

/// What a guest's access to a port or an MSR does. Two bits each in the maps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Policy {
    /// As VMTRAPCFG says.
    Default = 0,
    /// Goes to the real port or register.
    Pass = 1,
    /// Causes a VM exit.
    Trap = 2,
    /// A port reads as ones and ignores writes; an MSR reads from the shadow table, and writes of it exit.
    Absent = 3,
}

impl Policy {
    /// The policy in the low two bits.
    pub const fn from_bits(bits: u64) -> Policy {
        match bits & 3 {
            0 => Policy::Default,
            1 => Policy::Pass,
            2 => Policy::Trap,
            _ => Policy::Absent,
        }
    }

    /// The policy's name.
    pub const fn name(self) -> &'static str {
        match self {
            Policy::Default => "default",
            Policy::Pass => "pass",
            Policy::Trap => "trap",
            Policy::Absent => "absent",
        }
    }
}

/// Bytes of the I/O permission map: two bits for each of 65,536 ports, port 0 in the lowest bits of byte 0.
pub const IO_MAP_BYTES: u64 = 65536 / 4;
/// Bytes of the MSR map: two bits for each of 4,096 MSRs, MSR 0 in the lowest bits of byte 0.
pub const MSR_MAP_BYTES: u64 = 4096 / 4;
/// Bytes of the MSR shadow table: eight for each of 4,096 MSRs.
pub const MSR_SHADOW_BYTES: u64 = 4096 * 8;

/// First port of PCI configuration.
pub const PCI_CONFIGURATION_FIRST: u16 = 0xcf8;
/// Last port of PCI configuration.
pub const PCI_CONFIGURATION_LAST: u16 = 0xcff;

/// What an IOVMAP range does. Numbers 2 (doorbell) and 3 (shadow) are reserved for kinds that this version of the
/// machine does not have; a descriptor that names them is invalid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum RangeKind {
    /// No longer bound.
    Unmap = 0,
    /// Loads and stores exit with [`crate::cause::ExitCause::DeviceAccess`] and the range's cookie.
    Trap = 1,
    /// Loads and stores go to the physical addresses from the target on, without an exit.
    Passthrough = 4,
}

impl RangeKind {
    /// The kind with a number.
    pub const fn from_number(number: u64) -> Option<RangeKind> {
        match number {
            0 => Some(RangeKind::Unmap),
            1 => Some(RangeKind::Trap),
            4 => Some(RangeKind::Passthrough),
            _ => None,
        }
    }

    /// The kind's name.
    pub const fn name(self) -> &'static str {
        match self {
            RangeKind::Unmap => "unmap",
            RangeKind::Trap => "trap",
            RangeKind::Passthrough => "passthrough",
        }
    }
}

/// Byte offsets in the descriptor of IOVMAP, which is [`RANGE_BYTES`] long and aligned to that. The ranges in a VMCS
/// have the same layout. Each field is 64 bits, little-endian.
pub mod range {
    /// Kind ([`super::RangeKind`]).
    pub const KIND: u64 = 0;
    /// First guest-physical address.
    pub const GUEST_ADDRESS: u64 = 8;
    /// Length in bytes. Passthrough: whole pages.
    pub const LENGTH: u64 = 16;
    /// Passthrough: the physical address that the first guest-physical address maps to, page-aligned. Trap: the cookie
    /// that the exit carries.
    pub const TARGET: u64 = 24;
}

/// Bytes of a range descriptor.
pub const RANGE_BYTES: u64 = 32;

/// IOVMASK's first operand: first port in bits 15:0, last port in bits 31:16; the rest zero.
pub const fn ports(first: u16, last: u16) -> u64 {
    first as u64 | (last as u64) << 16
}

/// VINT_SEND's operand: vector (1 to 63) in bits 5:0, target virtual CPU in bits 31:16.
pub const fn interrupt(vector: u8, virtual_cpu: u16) -> u64 {
    (vector & 63) as u64 | (virtual_cpu as u64) << 16
}

/// VINT_SEND's operand in Ring -1: the target is the Ring -1 of the hart in bits 31:16, as a software interrupt.
pub const INTERRUPT_TO_HOST: u64 = 1 << 63;
/// VINT_SEND's operand in Ring -1: the target is the current guest of the hart in bits 31:16.
pub const INTERRUPT_BITS: u64 = 0xffff_003f;
/// Vectors that exist: 1 to 63.
pub const VECTORS: u64 = !1;
