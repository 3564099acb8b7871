//! Fetching the instruction at which the guest left: through its page tables and the VM's memory.
//!
//! The hardware may have fetched it by a translation that the tables no longer have, because the guest has not fenced
//! yet. The tables are as good: hardware might have dropped the translation at any moment.

use crate::guest::memory::{Region, translate};
use visa_isa::GuestVirtual;
use visa_isa::cause::Exception;
use visa_isa::paging::entry::ENTRY_BYTES;
use visa_isa::paging::{self, Access, Accessor, First, Mode, PAGE_SIZE, TableBase};

/// Memory of the guest, by physical address.
pub trait Memory {
    /// Reads an entry of a page table.
    fn entry(&self, physical: u64) -> u64;
    /// Reads half of an instruction.
    fn half(&self, physical: u64) -> u16;
}

/// The guest's address space as an instruction fetch sees it.
#[derive(Clone, Copy, Debug)]
pub struct Space<'a> {
    /// Its memory.
    pub regions: &'a [Region],
    /// satp.
    pub satp: u64,
    /// Ring 0 fetches, rather than Ring 3.
    pub kernel: bool,
}

/// A fetch that faults: the exception and its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchFault(pub Exception, pub u64);

impl Space<'_> {
    /// The bits of the instruction at a guest-virtual address: 16 of them for a compressed one. It may reach into the
    /// next page.
    pub fn instruction(&self, memory: &impl Memory, address: u64) -> Result<u32, FetchFault> {
        const COMPRESSED: u32 = 3;
        let physical = self.locate(memory, address)?;
        let low = u32::from(memory.half(physical));
        if low & COMPRESSED != COMPRESSED {
            return Ok(low);
        }
        let second = address.wrapping_add(2);
        let physical =
            if second.is_multiple_of(PAGE_SIZE) { self.locate(memory, second)? } else { physical + 2 };
        Ok(u32::from(memory.half(physical)) << 16 | low)
    }

    /// Where half an instruction is in memory. The VM's memory comes in whole pages.
    fn locate(&self, memory: &impl Memory, address: u64) -> Result<u64, FetchFault> {
        let fault = |exception| FetchFault(exception, address);
        let by = Accessor { kernel: self.kernel, sum: false, mxr: false };
        let guest_physical = self.walk(memory, address, Access::Fetch, by).map_err(fault)?;
        translate(self.regions, guest_physical, 2).ok_or(fault(Exception::FetchAccessFault))
    }

    /// Where a byte is in memory that is loaded, with the guest's SUM and MXR; `None` if that would fault.
    pub fn locate_data(&self, memory: &impl Memory, address: u64, sum: bool, mxr: bool) -> Option<u64> {
        let by = Accessor { kernel: self.kernel, sum, mxr };
        let guest_physical = self.walk(memory, address, Access::Load, by).ok()?;
        translate(self.regions, guest_physical, 1)
    }

    /// Guest-virtual to guest-physical (RISC-V privileged, 12.3.2). A is left as it is: the fetch that is repeated here
    /// has set it, and a call that loads is not what makes a page old or young.
    fn walk(
        &self,
        memory: &impl Memory,
        address: u64,
        access: Access,
        by: Accessor,
    ) -> Result<u64, Exception> {
        let base = TableBase::from_cr3(self.satp).ok_or(access.page_fault())?;
        if base.mode == Mode::Bare {
            return Ok(address);
        }
        let leaf = paging::walk::<First, _>(base, GuestVirtual(address), |slot, _| {
            let slot = translate(self.regions, slot.0, ENTRY_BYTES).ok_or(access.access_fault())?;
            Ok(memory.entry(slot))
        });
        let leaf = leaf.map_err(|why| why.or(access.page_fault()))?;
        if !by.may(access, leaf.entry.0) {
            return Err(access.page_fault());
        }
        Ok(leaf.translate(GuestVirtual(address)).0)
    }
}
