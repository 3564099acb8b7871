//! Memory as a device sees it: physical, or, for a device that belongs to a VM, guest-physical behind that VM's
//! second-stage page table. Each access carries who asks ([`Requester`]).
//!
//! [`DmaMemory`] is a vm-memory `GuestMemory`, so virtqueues walk through it unchanged. Nothing is cached: every access
//! asks the translation anew, so a hypervisor that unmaps a page needs no flush for devices. What devices write is told
//! to whoever watches the page ([`Ram::slice`]).

use std::iter::FusedIterator;

use serde::{Deserialize, Serialize};
use visa_isa::{GuestPhysical, Physical};
use visa_mem::Ram;
use vm_memory::bitmap::BS;
use vm_memory::guest_memory::{Error, GuestMemorySliceIterator, Result};
use vm_memory::{GuestAddress, GuestMemory, Permissions, VolatileSlice};

/// Translations by a page table hold for one naturally aligned block of this many bytes.
pub const DMA_PAGE_BYTES: u64 = 4096;

/// What a device wants to do with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DmaAccess {
    /// Read only.
    Read,
    /// Write, or read and write.
    Write,
}

/// Who asks: a device that reaches memory, or sends messages, by itself. What may be reached is a matter of this, not of where the
/// device's own registers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Requester(pub u16);

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmaExtent {
    /// The physical address.
    pub physical: Physical,
    /// For how many bytes from there on this holds.
    pub bytes: u64,
}

impl DmaExtent {
    /// An address in a page that is translated as one.
    pub fn in_page(physical: Physical) -> Self {
        Self { physical, bytes: DMA_PAGE_BYTES - physical.0 % DMA_PAGE_BYTES }
    }
}

/// What stands between devices and memory. The board implements it.
pub trait DmaTranslation {
    /// Where an address leads for a requester and this access; `None`: nowhere.
    fn translate(&self, requester: Requester, address: GuestPhysical, access: DmaAccess)
    -> Option<DmaExtent>;
}

/// Each address leads to itself, whoever asks.
struct Physically;

impl DmaTranslation for Physically {
    fn translate(&self, _: Requester, address: GuestPhysical, _: DmaAccess) -> Option<DmaExtent> {
        Some(DmaExtent { physical: Physical(address.0), bytes: u64::MAX })
    }
}

/// RAM, as a requester sees it.
#[derive(Clone, Copy)]
pub struct DmaMemory<'m> {
    ram: &'m Ram,
    requester: Requester,
    translation: &'m dyn DmaTranslation,
}

impl<'m> DmaMemory<'m> {
    /// Untranslated: the device's addresses are physical.
    pub fn physical(ram: &'m Ram) -> Self {
        Self { ram, requester: Requester(0), translation: &Physically }
    }

    /// The addresses that `requester` uses go through `translation`.
    pub fn translated(ram: &'m Ram, requester: Requester, translation: &'m dyn DmaTranslation) -> Self {
        Self { ram, requester, translation }
    }

    /// The size of all of RAM, in bytes.
    pub fn bytes(&self) -> u64 {
        self.ram.size()
    }

    /// The first stretch of `address..address + count` that is contiguous in RAM.
    fn first_slice(&self, address: u64, count: usize, access: Permissions) -> Result<VolatileSlice<'m, ()>> {
        let wanted = if access.has_write() { DmaAccess::Write } else { DmaAccess::Read };
        let extent = self.translation.translate(self.requester, GuestPhysical(address), wanted);
        let DmaExtent { physical, bytes } =
            extent.ok_or(Error::InvalidGuestAddress(GuestAddress(address)))?;
        let length = usize::try_from(bytes).map_or(count, |bytes| count.min(bytes));
        self.ram.slice(physical.0, length, access.has_write())
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
