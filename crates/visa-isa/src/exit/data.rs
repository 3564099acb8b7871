//! What the exit record says of each cause.
//!
//! A machine without decode assist leaves out what only the instruction tells: the fields say what stands in its place.

use super::qualification::Qualification;
use super::record::{ExitRecord, UnknownExit};
use crate::Ring;
use crate::address::{GuestPhysical, GuestVirtual};
use crate::cause::{Exception, ExitCause};

/// What a record says of an exit of some cause. Both directions stand side by side: what one puts there, the other finds.
pub trait Data: Sized {
    /// Of a record, whose cause is this one.
    fn of(cause: ExitCause, record: &ExitRecord) -> Result<Self, UnknownExit>;

    /// Puts it into a record, of whose qualification what is there already stays.
    fn put(self, record: &mut ExitRecord);
}

/// IN or OUT.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PortAccess {
    /// The first port.
    pub port: u16,
    /// Bytes moved; 0 without decode assist, and the rest then says nothing.
    pub bytes: u64,
    /// What OUT writes; `None` for IN.
    pub written: Option<u64>,
}

impl Data for PortAccess {
    fn of(_: ExitCause, record: &ExitRecord) -> Result<PortAccess, UnknownExit> {
        Ok(PortAccess {
            port: record.code as u16,
            bytes: record.qualification.bytes(),
            written: record.qualification.writes().then_some(record.value),
        })
    }

    fn put(self, record: &mut ExitRecord) {
        record.code = self.port as u64;
        record.value = self.written.unwrap_or(0);
        record.qualification |= Qualification::of_bytes(self.bytes);
        record.qualification |= match self {
            PortAccess { bytes: 0, .. } => Qualification::default(),
            PortAccess { written: Some(_), .. } => Qualification::WRITE,
            PortAccess { written: None, .. } => Qualification::READ,
        };
    }
}

/// An access of an MSR, which is a control register or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MsrAccess {
    /// The MSR; 0, which is none, without decode assist, and the rest then says nothing.
    pub number: u16,
    /// What the instruction writes, set and clear forms already applied; `None` if it only reads.
    pub written: Option<u64>,
}

impl Data for MsrAccess {
    fn of(_: ExitCause, record: &ExitRecord) -> Result<MsrAccess, UnknownExit> {
        let written = record.qualification.writes().then_some(record.value);
        Ok(MsrAccess { number: record.code as u16, written })
    }

    fn put(self, record: &mut ExitRecord) {
        record.code = self.number as u64;
        record.value = self.written.unwrap_or(0);
        if self.number != 0 {
            record.qualification |= Qualification::READ;
        }
        if self.written.is_some() {
            record.qualification |= Qualification::WRITE;
        }
    }
}

/// What a ring may not use (specification, 3.2), or VINT_SEND to a virtual CPU that no hart has current.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denied {
    /// A port.
    Port(PortAccess),
    /// An MSR.
    Msr(MsrAccess),
    /// An instruction, whatever it is about: VMINST says which. With the operand of VINT_SEND; 0 of others, and without decode
    /// assist.
    Instruction(u64),
}

impl Default for Denied {
    fn default() -> Denied {
        Denied::Instruction(0)
    }
}

impl Data for Denied {
    /// The number of a port or of an MSR is told by the size, which an access of an MSR has not.
    fn of(cause: ExitCause, record: &ExitRecord) -> Result<Denied, UnknownExit> {
        Ok(match (record.qualification.bytes(), record.code) {
            (0, 0) => Denied::Instruction(record.value),
            (0, _) => Denied::Msr(MsrAccess::of(cause, record)?),
            _ => Denied::Port(PortAccess::of(cause, record)?),
        })
    }

    fn put(self, record: &mut ExitRecord) {
        match self {
            Denied::Port(access) => access.put(record),
            Denied::Msr(access) => access.put(record),
            Denied::Instruction(operand) => record.value = operand,
        }
    }
}

/// What an access of memory does there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessKind {
    /// It fetches an instruction.
    Fetch,
    /// It reads.
    Load,
    /// It writes.
    Store,
    /// It reads and writes.
    Atomic,
}

/// An access of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryAccess {
    /// The first byte that cannot be accessed: its guest-virtual address.
    pub guest_virtual: GuestVirtual,
    /// Bytes of the whole access; 0 without decode assist.
    pub bytes: u64,
    /// What it does. Without decode assist an atomic is a store.
    pub kind: AccessKind,
    /// What it writes, of an atomic the second operand; `None` if it only reads, and without decode assist.
    pub written: Option<u64>,
}

impl Data for MemoryAccess {
    fn of(_: ExitCause, record: &ExitRecord) -> Result<MemoryAccess, UnknownExit> {
        let decoded = record.qualification;
        let kind = match (decoded.is_fetch(), decoded.reads(), decoded.writes()) {
            (true, ..) => AccessKind::Fetch,
            (false, true, true) => AccessKind::Atomic,
            (false, false, true) => AccessKind::Store,
            (false, _, false) => AccessKind::Load,
        };
        Ok(MemoryAccess {
            guest_virtual: GuestVirtual(record.guest_virtual),
            bytes: decoded.bytes(),
            kind,
            written: (decoded.writes() && decoded.bytes() != 0).then_some(record.value),
        })
    }

    fn put(self, record: &mut ExitRecord) {
        record.guest_virtual = self.guest_virtual.0;
        record.value = self.written.unwrap_or(0);
        record.qualification |= Qualification::of_bytes(self.bytes);
        record.qualification |= match self.kind {
            AccessKind::Fetch => Qualification::FETCH,
            AccessKind::Load => Qualification::READ,
            AccessKind::Store => Qualification::WRITE,
            AccessKind::Atomic => Qualification::READ | Qualification::WRITE,
        };
    }
}

/// A fault of the guest's own tables (specification, 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageFault {
    /// The exception that the guest would get.
    pub exception: Exception,
    /// The access.
    pub access: MemoryAccess,
}

impl Data for PageFault {
    fn of(cause: ExitCause, record: &ExitRecord) -> Result<PageFault, UnknownExit> {
        Ok(PageFault { exception: exception(cause, record)?, access: MemoryAccess::of(cause, record)? })
    }

    fn put(self, record: &mut ExitRecord) {
        record.code = self.exception as u64;
        self.access.put(record);
    }
}

/// A guest-physical address that the second stage does not map for an access (specification, 4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NestedPageFault {
    /// The address.
    pub guest_physical: GuestPhysical,
    /// It is that of an entry of the guest's tables which the access needed, not that of the access.
    pub of_walk: bool,
    /// The access.
    pub access: MemoryAccess,
}

impl Data for NestedPageFault {
    fn of(cause: ExitCause, record: &ExitRecord) -> Result<NestedPageFault, UnknownExit> {
        Ok(NestedPageFault {
            guest_physical: GuestPhysical(record.guest_physical),
            of_walk: record.qualification.is_walk(),
            access: MemoryAccess::of(cause, record)?,
        })
    }

    fn put(self, record: &mut ExitRecord) {
        self.access.put(record);
        record.guest_physical = self.guest_physical.0;
        if self.of_walk {
            record.qualification |= Qualification::WALK;
        }
    }
}

/// An access of a virtual device (specification, 5.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceAccess {
    /// The guest-physical address.
    pub guest_physical: GuestPhysical,
    /// The cookie of the range that IOVMAP bound.
    pub cookie: u64,
    /// The access.
    pub access: MemoryAccess,
}

impl Data for DeviceAccess {
    fn of(cause: ExitCause, record: &ExitRecord) -> Result<DeviceAccess, UnknownExit> {
        let access = MemoryAccess::of(cause, record)?;
        Ok(DeviceAccess {
            guest_physical: GuestPhysical(record.guest_physical),
            cookie: record.cookie,
            access,
        })
    }

    fn put(self, record: &mut ExitRecord) {
        self.access.put(record);
        record.guest_physical = self.guest_physical.0;
        record.cookie = self.cookie;
    }
}

/// An interrupt that Ring -1 takes, for itself or in the guest's place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PendingInterrupt {
    /// Its number ([`crate::cause::interrupt`]).
    pub number: u32,
    /// Whose it is: Ring -1's own, or Ring 0's.
    pub owner: Ring,
}

impl Data for PendingInterrupt {
    fn of(_: ExitCause, record: &ExitRecord) -> Result<PendingInterrupt, UnknownExit> {
        let is_own = record.qualification.is_of_hypervisor();
        let owner = if is_own { Ring::Hypervisor } else { Ring::Kernel };
        Ok(PendingInterrupt { number: record.code as u32, owner })
    }

    fn put(self, record: &mut ExitRecord) {
        record.code = self.number as u64;
        if self.owner == Ring::Hypervisor {
            record.qualification |= Qualification::OF_HYPERVISOR;
        }
    }
}

/// An exception that the guest does not get: EXCMAP names it (specification, 3.4), or it is one too many (2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RaisedException {
    /// The exception.
    pub exception: Exception,
    /// What stval would get.
    pub trap_value: u64,
    /// What the instruction would have written; 0 if that is nothing, and without decode assist.
    pub written: u64,
}

impl Data for RaisedException {
    fn of(cause: ExitCause, record: &ExitRecord) -> Result<RaisedException, UnknownExit> {
        let exception = exception(cause, record)?;
        Ok(RaisedException { exception, trap_value: record.guest_virtual, written: record.value })
    }

    fn put(self, record: &mut ExitRecord) {
        record.code = self.exception as u64;
        record.guest_virtual = self.trap_value;
        record.value = self.written;
    }
}

/// A field of the VMCS that a check of an entry found invalid (specification, 2.6), by its byte offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidField(pub u16);

impl Data for InvalidField {
    fn of(_: ExitCause, record: &ExitRecord) -> Result<InvalidField, UnknownExit> {
        Ok(InvalidField(record.qualification.field()))
    }

    fn put(self, record: &mut ExitRecord) {
        record.qualification |= Qualification::of_field(self.0);
    }
}

/// SFENCE.VMA (specification, 3.1). Without decode assist it has no operands, which flush what any others do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TlbFlush {
    /// The first operand, an address, unless it is R0.
    pub address: Option<GuestVirtual>,
    /// The second, an ASID, unless it is R0.
    pub asid: Option<u64>,
}

/// Bits of VMCODE: which operands are not R0.
const HAS_ADDRESS: u64 = 1;
const HAS_ASID: u64 = 2;

impl Data for TlbFlush {
    fn of(_: ExitCause, record: &ExitRecord) -> Result<TlbFlush, UnknownExit> {
        let given = |bit: u64, value: u64| (record.code & bit != 0).then_some(value);
        Ok(TlbFlush {
            address: given(HAS_ADDRESS, record.guest_virtual).map(GuestVirtual),
            asid: given(HAS_ASID, record.value),
        })
    }

    fn put(self, record: &mut ExitRecord) {
        record.guest_virtual = self.address.unwrap_or_default().0;
        record.value = self.asid.unwrap_or(0);
        record.code = self.address.map_or(0, |_| HAS_ADDRESS) | self.asid.map_or(0, |_| HAS_ASID);
    }
}

fn exception(cause: ExitCause, record: &ExitRecord) -> Result<Exception, UnknownExit> {
    Exception::from_number(record.code).ok_or(UnknownExit::Exception(cause, record.code))
}
