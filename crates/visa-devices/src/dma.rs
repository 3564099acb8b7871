//! Memory as a device sees it: physical, or, for a device that belongs to a VM, guest-physical behind that VM's
//! second-stage page table.
//!
//! [`DmaMemory`] is a vm-memory `GuestMemory`, so virtqueues walk through it unchanged. Nothing is cached: every access
//! asks the translation anew, so a hypervisor that unmaps a page needs no flush for devices. What devices write is told
//! to whoever watches the page ([`Ram::slice`]).

use std::iter::FusedIterator;

use visa_isa::{GuestPhysical, Physical};
use visa_mem::Ram;
use vm_memory::bitmap::BS;
use vm_memory::guest_memory::{Error, GuestMemorySliceIterator, Result};
use vm_memory::{GuestAddress, GuestMemory, Permissions, VolatileSlice};

/// Translations hold for one naturally aligned block of this many bytes.
pub const DMA_PAGE_BYTES: u64 = 4096;

/// What a device wants to do with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DmaAccess {
    /// Read only.
    Read,
    /// Write, or read and write.
    Write,
}

/// The second stage in front of a device that is assigned to a VM. The board implements it.
pub trait DmaTranslation {
    /// Where an address of the device's leads for this access; `None` when it is not mapped so. The answer holds up to the end
    /// of the page ([`DMA_PAGE_BYTES`]).
    fn translate(&self, address: GuestPhysical, access: DmaAccess) -> Option<Physical>;
}

/// RAM, seen through an optional translation.
#[derive(Clone, Copy)]
pub struct DmaMemory<'m> {
    ram: &'m Ram,
    translation: Option<&'m dyn DmaTranslation>,
}

impl<'m> DmaMemory<'m> {
    /// Untranslated: the device's addresses are physical.
    pub fn physical(ram: &'m Ram) -> Self {
        Self { ram, translation: None }
    }

    /// The device's addresses go through `translation`.
    pub fn translated(ram: &'m Ram, translation: &'m dyn DmaTranslation) -> Self {
        Self { ram, translation: Some(translation) }
    }

    /// The size of all of RAM, in bytes.
    pub fn bytes(&self) -> u64 {
        self.ram.size()
    }

    /// The first stretch of `address..address + count` that is contiguous in RAM.
    fn first_slice(&self, address: u64, count: usize, access: Permissions) -> Result<VolatileSlice<'m, ()>> {
        let (physical, length) = match self.translation {
            None => (address, count),
            Some(translation) => {
                let wanted = if access.has_write() { DmaAccess::Write } else { DmaAccess::Read };
                let physical = translation
                    .translate(GuestPhysical(address), wanted)
                    .ok_or(Error::InvalidGuestAddress(GuestAddress(address)))?;
                let to_page_end = DMA_PAGE_BYTES - address % DMA_PAGE_BYTES;
                (physical.0, count.min(to_page_end as usize))
            }
        };
        self.ram.slice(physical, length, access.has_write())
    }
}

impl GuestMemory for DmaMemory<'_> {
    type PhysicalMemory = visa_mem::GuestMemory;
    type Bitmap = ();

    fn check_range(&self, address: GuestAddress, count: usize, access: Permissions) -> bool {
        DmaSlices { memory: *self, address: address.0, remaining: count, access }.all(|slice| slice.is_ok())
    }

    fn get_slices<'a>(
        &'a self,
        address: GuestAddress,
        count: usize,
        access: Permissions,
    ) -> Result<impl GuestMemorySliceIterator<'a, BS<'a, ()>>> {
        Ok(DmaSlices { memory: *self, address: address.0, remaining: count, access })
    }
}

/// The stretches of one access, in order. It ends after the first that fails.
struct DmaSlices<'m> {
    memory: DmaMemory<'m>,
    address: u64,
    remaining: usize,
    access: Permissions,
}

impl<'m> Iterator for DmaSlices<'m> {
    type Item = Result<VolatileSlice<'m, ()>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 {
            return None;
        }
        let slice = self.memory.first_slice(self.address, self.remaining, self.access);
        let length = slice.as_ref().map_or(0, VolatileSlice::len);
        self.remaining -= length;
        match self.address.checked_add(length as u64) {
            Some(next) if length > 0 => self.address = next,
            _ => self.remaining = 0,
        }
        Some(slice)
    }
}

impl FusedIterator for DmaSlices<'_> {}

impl<'m> GuestMemorySliceIterator<'m, ()> for DmaSlices<'m> {}
