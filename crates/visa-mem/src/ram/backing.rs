//! The host's memory behind guest RAM.

use vm_memory::guest_memory::Error as MemoryError;
use vm_memory::{
    GuestAddress, GuestMemoryRegion, GuestMemoryRegionBytes, GuestUsize, MemoryRegionAddress, VolatileSlice,
};

#[cfg(feature = "mmap")]
use super::mmap::Mapping;
use super::vector::Vector;

/// What RAM is made of. A guest cannot tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backing {
    /// An anonymous mapping, which takes memory only where it was touched, and of which the host is asked for more than it
    /// could back. Needs the feature `mmap`.
    #[cfg(feature = "mmap")]
    Mapping,
    /// A vector of the host's allocator: for hosts that map nothing. Whether it takes memory that nobody has touched is the
    /// allocator's matter.
    Vector,
}

impl Backing {
    /// All that this build has, the usual one first.
    pub const ALL: &[Backing] = &[
        #[cfg(feature = "mmap")]
        Backing::Mapping,
        Backing::Vector,
    ];
}

impl Default for Backing {
    fn default() -> Self {
        Backing::ALL[0]
    }
}

/// RAM as vm-memory sees it: one region of guest memory.
pub struct Region {
    /// Gives the memory back when it is dropped.
    _owner: Box<dyn Send>,
    /// First of `bytes` bytes that the owner keeps, on a boundary of a page; neither changes.
    host: *mut u8,
    bytes: usize,
    base: u64,
}

impl Region {
    /// Zeroed memory for `bytes` bytes at a physical address, or what the host says.
    pub(super) fn new(backing: Backing, base: u64, bytes: usize) -> Result<Region, String> {
        let (owner, host): (Box<dyn Send>, _) = match backing {
            #[cfg(feature = "mmap")]
            Backing::Mapping => {
                let mapping = Mapping::new(bytes)?;
                let host = mapping.pointer();
                (Box::new(mapping), host)
            }
            Backing::Vector => {
                let mut vector = Vector::new(bytes)?;
                let host = vector.pointer();
                (Box::new(vector), host)
            }
        };
        Ok(Region { _owner: owner, host, bytes, base })
    }

    pub(super) fn host(&self) -> *mut u8 {
        self.host
    }
}

// What vm-memory copies goes through slices of this.
impl GuestMemoryRegion for Region {
    type B = ();

    fn len(&self) -> GuestUsize {
        self.bytes as u64
    }

    fn start_addr(&self) -> GuestAddress {
        GuestAddress(self.base)
    }

    fn bitmap(&self) {}

    fn get_slice(
        &self,
        offset: MemoryRegionAddress,
        count: usize,
    ) -> Result<VolatileSlice<'_, ()>, MemoryError> {
        let offset = usize::try_from(offset.0).map_err(|_| MemoryError::InvalidBackendAddress)?;
        if count > self.bytes || offset > self.bytes - count {
            return Err(MemoryError::InvalidBackendAddress);
        }
        // SAFETY: `offset + count` is at most `bytes`, so the slice is inside the memory that `_owner` keeps for as long as
        // `self` is borrowed; rules 1 to 3 of the module above: all other accesses are copies on the same thread.
        Ok(unsafe { VolatileSlice::new(self.host.add(offset), count) })
    }
}

impl GuestMemoryRegionBytes for Region {}
