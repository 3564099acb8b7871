//! Guest RAM: one contiguous region of the physical address space, backed by an anonymous mapping of the host that
//! costs memory only where the guest has written, or by a vector ([`Backing`]).
//!
//! Everything `unsafe` about guest memory is in this module. The rules that make it sound:
//!
//! 1. `Ram` owns the host's memory (through `memory`), whose address and length never change.
//! 2. Nobody gets a Rust reference into it; every access is a copy through a raw pointer.
//! 3. `Ram` is not `Sync`: plain accesses through `&Ram` come from one thread at a time.
//!
//! Whoever writes to RAM does it by a function of this file, and each of them tells the watch (`Ram::wrote`), so that
//! nobody forgets the pages that hold code. The exceptions are the stores of a page that the first level of a TLB knows,
//! where no page with code is: `store_*_outside_code`, and the same in generated code.

mod backing;
#[cfg(feature = "mmap")]
mod mmap;
mod vector;

use crate::alignment::RAM_ALIGNMENT;
use crate::code_pages::CodePages;
use crate::trial::{Journal, PageBytes, Trial, WrittenPage};
pub use backing::{Backing, Region};
use vm_memory::guest_memory::Error as MemoryError;
use vm_memory::{
    Bytes, GuestAddress, GuestMemoryRegion, GuestRegionCollection, MemoryRegionAddress, VolatileSlice,
};

/// The object that virtqueues walk: vm-memory's view of the same bytes.
pub type GuestMemory = GuestRegionCollection<Region>;

/// The largest RAM that can be asked for, in bytes (1 TiB). Hosts that commit lazily would grant far more than they
/// could ever back, so the limit is ours.
pub const RAM_SIZE_MAX: u64 = 1 << 40;

/// Why a RAM could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RamError {
    /// The size is zero or not a multiple of [`RAM_ALIGNMENT`].
    #[error("RAM size {size:#x} is not a positive multiple of {RAM_ALIGNMENT:#x} bytes")]
    Size {
        /// The size asked for, in bytes.
        size: u64,
    },
    /// The size is beyond [`RAM_SIZE_MAX`].
    #[error("RAM size {size:#x} is larger than the limit of {RAM_SIZE_MAX:#x} bytes")]
    TooLarge {
        /// The size asked for, in bytes.
        size: u64,
    },
    /// The base is not a multiple of [`RAM_ALIGNMENT`], or the region wraps around the address space.
    #[error(
        "RAM of {size:#x} bytes cannot start at {base:#x}: unaligned, or beyond the end of the address space"
    )]
    Base {
        /// The base asked for.
        base: u64,
        /// The size asked for, in bytes.
        size: u64,
    },
    /// The host has no address space left for it.
    #[error("the host grants no {size:#x} bytes of memory for RAM: {reason}")]
    Host {
        /// The size asked for, in bytes.
        size: u64,
        /// What the host said.
        reason: String,
    },
}

/// Guest RAM.
///
/// The `load_*` and `store_*` family takes *offsets from the base of RAM* (not physical addresses), in bytes, of any
/// alignment, little-endian, and answers `None` when any byte of the access is outside. One hart at a time uses it:
/// it has interior mutability and is not `Sync`.
pub struct Ram {
    memory: Region,
    /// First byte of what `memory` owns.
    host: *mut u8,
    base: u64,
    /// In bytes; at least `RAM_ALIGNMENT`.
    size: u64,
    code_pages: CodePages,
    journal: Journal,
}

// SAFETY: `host` points into what `memory` owns, which is not tied to a thread; moving the whole object
// moves the only user of the plain accesses.
unsafe impl Send for Ram {}

impl std::fmt::Debug for Ram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ram({:#x}..{:#x})", self.base, self.base + self.size)
    }
}

/// Defines the load and store of one width.
macro_rules! accessors {
    ($load:ident, $store:ident, $outside_code:ident, $type:ty, $bits:literal) => {
        #[doc = concat!("Loads ", $bits, " bits at `offset` from the base of RAM; `None` when not wholly inside.")]
        #[inline(always)]
        pub fn $load(&self, offset: u64) -> Option<$type> {
            if offset > self.size - size_of::<$type>() as u64 {
                return None;
            }
            // SAFETY: `offset + size_of` is at most `size` (the subtraction above cannot wrap: `size` is at least a
            // page), so the bytes are inside what `memory` owns; rules 1 to 3 of the module.
            let value = unsafe { self.host.add(offset as usize).cast::<$type>().read_unaligned() };
            Some(<$type>::from_le(value))
        }

        #[doc = concat!("Stores ", $bits, " bits at `offset` from the base of RAM; `None` when not wholly inside.")]
        #[inline]
        pub fn $store(&self, offset: u64, value: $type) -> Option<()> {
            self.$outside_code(offset, value)?;
            self.wrote(offset, size_of::<$type>() as u64);
            Some(())
        }

        #[doc = concat!("The same, ", $bits, " bits, to a page that is known to have no code.")]
        #[inline(always)]
        pub fn $outside_code(&self, offset: u64, value: $type) -> Option<()> {
            if offset > self.size - size_of::<$type>() as u64 {
                return None;
            }
            self.keep(offset, size_of::<$type>() as u64);
            // SAFETY: as for the load.
            unsafe { self.host.add(offset as usize).cast::<$type>().write_unaligned(value.to_le()) };
            Some(())
        }
    };
}

impl Ram {
    /// Makes `size` bytes of zeroed RAM at physical address `base`, of what is usual on the host.
    pub fn new(base: u64, size: u64) -> Result<Self, RamError> {
        Ram::backed_by(Backing::default(), base, size)
    }

    /// Makes it of something else.
    pub fn backed_by(backing: Backing, base: u64, size: u64) -> Result<Self, RamError> {
        if size == 0 || !size.is_multiple_of(RAM_ALIGNMENT) {
            return Err(RamError::Size { size });
        }
        if size > RAM_SIZE_MAX {
            return Err(RamError::TooLarge { size });
        }
        if !base.is_multiple_of(RAM_ALIGNMENT) || base.checked_add(size).is_none() {
            return Err(RamError::Base { base, size });
        }
        let host_error = |reason: String| RamError::Host { size, reason };
        let length = usize::try_from(size).map_err(|error| host_error(error.to_string()))?;
        let memory = Region::new(backing, base, length).map_err(host_error)?;
        let host = memory.host();
        Ok(Self { memory, host, base, size, code_pages: CodePages::default(), journal: Journal::default() })
    }

    /// Physical address of the first byte.
    #[inline(always)]
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Size in bytes.
    #[inline(always)]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Physical address of the first byte after RAM.
    #[inline(always)]
    pub fn end(&self) -> u64 {
        self.base + self.size
    }

    /// The offset of `length` bytes at `physical_address`, if they are all inside RAM.
    #[inline(always)]
    pub fn offset_of(&self, physical_address: u64, length: u64) -> Option<u64> {
        let offset = physical_address.wrapping_sub(self.base);
        (length <= self.size && offset <= self.size - length).then_some(offset)
    }

    accessors!(load_u8, store_u8, store_u8_outside_code, u8, "8");
    accessors!(load_u16, store_u16, store_u16_outside_code, u16, "16");
    accessors!(load_u32, store_u32, store_u32_outside_code, u32, "32");
    accessors!(load_u64, store_u64, store_u64_outside_code, u64, "64");

    /// Copies RAM at `offset` into `into`; `None`, and nothing copied, when not wholly inside.
    pub fn read_bytes(&self, offset: u64, into: &mut [u8]) -> Option<()> {
        self.checked(offset, into.len())?;
        self.memory.read_slice(into, MemoryRegionAddress(offset)).ok()
    }

    /// Copies `from` into RAM at `offset`; `None`, and nothing copied, when not wholly inside.
    pub fn write_bytes(&self, offset: u64, from: &[u8]) -> Option<()> {
        self.checked(offset, from.len())?;
        self.keep(offset, from.len() as u64);
        self.memory.write_slice(from, MemoryRegionAddress(offset)).ok()?;
        self.wrote(offset, from.len() as u64);
        Some(())
    }

    /// Sets `length` bytes at `offset` to `value`; `None`, and nothing set, when not wholly inside.
    pub fn fill(&self, offset: u64, length: u64, value: u8) -> Option<()> {
        let length = usize::try_from(length).ok()?;
        self.checked(offset, length)?;
        self.keep(offset, length as u64);
        // SAFETY: `checked` has proved that `offset..offset + length` is inside; rules 1 to 3.
        unsafe { self.host.add(offset as usize).write_bytes(value, length) };
        self.wrote(offset, length as u64);
        Some(())
    }

    /// The bytes at a physical address as vm-memory sees them, for virtqueues; an error when not wholly inside. Use it on the
    /// thread that runs the harts. Who asks for it to write counts as having written all of it.
    pub fn slice(
        &self,
        address: u64,
        length: usize,
        to_write: bool,
    ) -> Result<VolatileSlice<'_>, MemoryError> {
        let offset = address.wrapping_sub(self.base);
        let slice = self.memory.get_slice(MemoryRegionAddress(offset), length);
        let slice = slice.map_err(|_| MemoryError::InvalidGuestAddress(GuestAddress(address)))?;
        if to_write {
            self.keep(offset, length as u64);
            self.wrote(offset, length as u64);
        }
        Ok(slice)
    }

    /// The host address of the first byte, for code that is generated against this RAM. Valid, for `size()` bytes, as
    /// long as this object lives.
    pub fn host_pointer(&self) -> *mut u8 {
        self.host
    }

    /// The page that holds `offset` has code from now on: that it is written, [`Ram::take_written`] will tell.
    pub fn mark_code(&self, offset: u64) {
        if offset < self.size {
            self.code_pages.set(offset, true);
        }
    }

    /// It has none any more.
    pub fn unmark_code(&self, offset: u64) {
        if offset < self.size {
            self.code_pages.set(offset, false);
        }
    }

    /// Whether the page that holds `offset` has code.
    pub fn has_code(&self, offset: u64) -> bool {
        self.code_pages.is_set(offset)
    }

    /// What every write to a page that may have code comes to: `length` bytes at `offset` are not what they were.
    #[inline]
    fn wrote(&self, offset: u64, length: u64) {
        if length != 0 {
            self.code_pages.note(offset, length);
        }
    }

    /// Whether a page with code was written since the last [`Ram::take_written`].
    pub fn any_code_written(&self) -> bool {
        self.code_pages.any_written()
    }

    /// Offsets of the pages with code that were written since the last call; one may occur more than once.
    pub fn take_written(&self) -> Vec<u64> {
        self.code_pages.take_written()
    }

    /// Begins a trial: what this object's own functions write from now on, and which pages they mark, is taken back at its end.
    /// Generated code must not write meanwhile.
    pub fn begin_trial(&self) {
        self.journal.kept.set(true);
        self.code_pages.begin_trial();
    }

    /// Ends it: RAM is as before.
    pub fn end_trial(&self) -> Trial {
        let written = self.journal.take().into_iter().map(|(offset, before)| {
            let after = self.page(offset);
            // A page that was written is inside RAM.
            let _ = self.write_bytes(offset, before.as_slice());
            WrittenPage { offset, before, after }
        });
        Trial { written: written.collect(), code_pages: self.code_pages.end_trial() }
    }

    /// What is in the page at an offset; zeros where there is no RAM.
    pub fn page(&self, offset: u64) -> PageBytes {
        let mut bytes = Box::new([0; RAM_ALIGNMENT as usize]);
        let _ = self.read_bytes(offset, bytes.as_mut_slice());
        bytes
    }

    /// Keeps what is in pages that are to be written, during a trial.
    #[inline(always)]
    fn keep(&self, offset: u64, length: u64) {
        if self.journal.kept.get() {
            self.journal.note(offset, length, |page, bytes| {
                // A page of RAM is inside it.
                let _ = self.read_bytes(page, bytes);
            });
        }
    }

    /// Whether `length` bytes at `offset` are inside.
    fn checked(&self, offset: u64, length: usize) -> Option<()> {
        let length = length as u64;
        (length <= self.size && offset <= self.size - length).then_some(())
    }
}
