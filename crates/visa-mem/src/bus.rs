//! The vocabulary of a bus access, and the two sides of it: who asks ([`Platform`]) and who answers ([`Device`]).

use crate::Ram;

/// How many bytes one access moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessSize {
    /// 1 byte.
    Byte,
    /// 2 bytes.
    Half,
    /// 4 bytes.
    Word,
    /// 8 bytes.
    Double,
}

impl AccessSize {
    /// Every size, smallest first.
    pub const ALL: [AccessSize; 4] = [Self::Byte, Self::Half, Self::Word, Self::Double];

    /// The size in bytes: 1, 2, 4 or 8.
    #[inline(always)]
    pub const fn bytes(self) -> u64 {
        1 << self as u32
    }

    /// The size that moves exactly `bytes` bytes, if there is one.
    #[inline]
    pub const fn from_bytes(bytes: u64) -> Option<Self> {
        match bytes {
            1 => Some(Self::Byte),
            2 => Some(Self::Half),
            4 => Some(Self::Word),
            8 => Some(Self::Double),
            _ => None,
        }
    }

    /// A value of this size with every bit set: what an absent port reads as.
    #[inline(always)]
    pub const fn all_ones(self) -> u64 {
        u64::MAX >> (64 - 8 * self.bytes())
    }
}

/// Nothing answers this access: no device at the address, or the device does not take this size or alignment there.
///
/// It is an architectural outcome, not a host error: the hart turns it into a load, store or fetch access fault (or,
/// for a guest, into whatever the trap filter says).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no device answers this access")]
pub struct AccessFault;

/// One block of device registers.
///
/// `offset` counts bytes from the start of the device's window. A device is pure state: it does no I/O, starts no
/// threads and knows no time but what it is told. It must return, never panic, for every offset, size and value.
pub trait Device {
    /// Reads `size` bytes at `offset`, zero-extended. May have side effects, as reads of device registers do.
    fn read(&mut self, offset: u64, size: AccessSize) -> Result<u64, AccessFault>;

    /// What such a read gives, without its side effects, for an observer. `None`: it faults, or that cannot be told.
    fn peek(&self, offset: u64, size: AccessSize) -> Option<u64> {
        let _ = (offset, size);
        None
    }

    /// Writes the low `size` bytes of `value` at `offset`; the bits above are to be ignored.
    fn write(&mut self, offset: u64, size: AccessSize, value: u64) -> Result<(), AccessFault>;
}

/// What a hart needs from the board that carries it.
///
/// Harts reach RAM through [`Platform::ram`] directly; only accesses that fall outside of it come to the other methods.
/// Addresses are host-physical. An access that is not naturally aligned, or that reaches beyond its device's window,
/// faults.
pub trait Platform {
    /// The guest's RAM.
    fn ram(&self) -> &Ram;

    /// Loads `size` bytes from the device at physical `address`, zero-extended.
    fn mmio_read(&mut self, address: u64, size: AccessSize) -> Result<u64, AccessFault>;

    /// Stores the low `size` bytes of `value` to the device at physical `address`.
    fn mmio_write(&mut self, address: u64, size: AccessSize, value: u64) -> Result<(), AccessFault>;

    /// IN: reads `size` bytes from the port space. Absent ports read as all ones of that size.
    fn port_read(&mut self, port: u16, size: AccessSize) -> u64;

    /// OUT: writes the low `size` bytes of `value` to the port space. Absent ports swallow the write.
    fn port_write(&mut self, port: u16, size: AccessSize, value: u64);

    /// The level of the external interrupt line of a hart: to its Ring -1, or else to its Ring 0. Asked after each access to
    /// a device, and before each run.
    fn external_interrupt(&self, hart: usize, to_hypervisor: bool) -> bool {
        let _ = (hart, to_hypervisor);
        false
    }

    /// Counts bytes that an instruction has worked through beyond what instructions usually do: after many of them
    /// [`Platform::stop_requested`] asks for the run to come back, so that somebody may look around.
    fn charge(&mut self, bytes: u64) {
        let _ = bytes;
    }

    /// Whether the run is to come back: a device asked for its end, or has work to do before the hart may go on. Asked
    /// after each access to a device, and before each run.
    fn stop_requested(&self) -> bool {
        false
    }

    /// Assigns the devices whose MMIO windows reach into the `length` bytes at `address` to a VM: from then on the
    /// addresses in their DMA are guest-physical, and are translated through the second-stage table that `hptbr` names
    /// (mode in bits 63:60, VMID in 57:44, root page number in 43:0); with mode 0 they are physical. `None` takes the
    /// devices back: as after reset, their DMA reaches nothing. Windows without DMA are ignored.
    fn set_dma_domain(&mut self, address: u64, length: u64, hptbr: Option<u64>);

    /// Tells the time, in ticks since the start, before each access to a device and when [`Platform::next_event`] is due.
    fn tell_time(&mut self, ticks: u64) {
        let _ = ticks;
    }

    /// The tick at which a device will next raise an interrupt by the passing of time alone.
    fn next_event(&self) -> Option<u64> {
        None
    }
}
