//! Loads, stores, atomics' memory and fetches of the ring in use.
//!
//! Each access first asks the first level of the TLB, which answers with an offset of RAM. Whatever it does not know
//! goes the slow way: translation, devices, the end of a page in the middle of an access, pages that hold code.

use visa_isa::cause::{Exception, ExitCause};
use visa_isa::exit::{AccessKind, DeviceAccess, Exit, MemoryAccess, NestedPageFault, PageFault};
use visa_isa::paging::PAGE_SIZE;
use visa_isa::trap_filter;
use visa_isa::{GuestVirtual, Physical};
use visa_mem::{AccessSize, Platform, Ram};

use crate::hart::Hart;
use crate::trap::Stop;
use visa_isa::paging::Access;
use visa_mmu::TranslationFault;

/// Where an access goes.
enum Place {
    /// An offset of RAM.
    Ram(u64),
    /// A physical address with no RAM.
    Device(Physical),
}

/// What was found for an access that is about to be executed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handed {
    address: u64,
    access: Access,
    found: Result<(Physical, u32), TranslationFault>,
}

impl Hart {
    /// Loads `size` bytes, zero-extended.
    #[inline(always)]
    pub fn load<P: Platform>(
        &mut self,
        platform: &mut P,
        address: u64,
        size: AccessSize,
    ) -> Result<u64, Stop> {
        if let Some(offset) = self.mmu.tlb.lookup(Access::Load, address, size.bytes())
            && let Some(value) = load_ram(platform.ram(), offset, size)
        {
            return Ok(value);
        }
        self.load_slowly(platform, address, size)
    }

    /// Stores the low `size` bytes of a value.
    #[inline(always)]
    pub fn store<P: Platform>(
        &mut self,
        platform: &mut P,
        address: u64,
        size: AccessSize,
        value: u64,
    ) -> Result<(), Stop> {
        if let Some(offset) = self.mmu.tlb.lookup(Access::Store, address, size.bytes())
            && let Some(()) = store_ram_unwatched(platform.ram(), offset, size, value)
        {
            return Ok(());
        }
        self.store_slowly(platform, address, size, value)
    }

    #[cold]
    fn load_slowly<P: Platform>(
        &mut self,
        platform: &mut P,
        address: u64,
        size: AccessSize,
    ) -> Result<u64, Stop> {
        if crosses_page(address, size.bytes()) {
            return self.load_across(platform, address, size);
        }
        match self.place(platform, address, Access::Load, size)? {
            Place::Ram(offset) => load_ram(platform.ram(), offset, size)
                .ok_or(Stop::Exception(Exception::LoadAccessFault, address)),
            Place::Device(physical) => {
                self.pending_work = true;
                platform.tell_time(self.ticks());
                let value = platform.mmio_read(physical.0, size);
                value.map_err(|_| Stop::Exception(Exception::LoadAccessFault, address))
            }
        }
    }

    #[cold]
    fn store_slowly<P: Platform>(
        &mut self,
        platform: &mut P,
        address: u64,
        size: AccessSize,
        value: u64,
    ) -> Result<(), Stop> {
        if crosses_page(address, size.bytes()) {
            return self.store_across(platform, address, size, value);
        }
        match self.place(platform, address, Access::Store, size)? {
            Place::Ram(offset) => {
                store_ram(platform.ram(), offset, size, value)
                    .ok_or(Stop::Exception(Exception::StoreAccessFault, address))?;
                self.see_written(platform.ram());
                Ok(())
            }
            Place::Device(physical) => {
                self.pending_work = true;
                platform.tell_time(self.ticks());
                let done = platform.mmio_write(physical.0, size, value);
                done.map_err(|_| Stop::Exception(Exception::StoreAccessFault, address))
            }
        }
    }

    /// A load over the end of a page: both pages must be RAM. The address at fault is that of the page's first byte
    /// that is touched.
    fn load_across<P: Platform>(
        &mut self,
        platform: &mut P,
        address: u64,
        size: AccessSize,
    ) -> Result<u64, Stop> {
        let [low, high] = self.both_places(platform, address, Access::Load, size)?;
        let mut value = 0;
        for index in 0..size.bytes() {
            let offset = byte_of(low, high, address, index);
            let byte =
                platform.ram().load_u8(offset).ok_or(Stop::Exception(Exception::LoadAccessFault, address))?;
            value |= (byte as u64) << (8 * index);
        }
        Ok(value)
    }

    fn store_across<P: Platform>(
        &mut self,
        platform: &mut P,
        address: u64,
        size: AccessSize,
        value: u64,
    ) -> Result<(), Stop> {
        let [low, high] = self.both_places(platform, address, Access::Store, size)?;
        for index in 0..size.bytes() {
            let offset = byte_of(low, high, address, index);
            platform
                .ram()
                .store_u8(offset, (value >> (8 * index)) as u8)
                .ok_or(Stop::Exception(Exception::StoreAccessFault, address))?;
        }
        self.see_written(platform.ram());
        Ok(())
    }

    /// Offsets of RAM of the first byte, and of the first byte in the second page.
    fn both_places<P: Platform>(
        &mut self,
        platform: &mut P,
        address: u64,
        access: Access,
        size: AccessSize,
    ) -> Result<[u64; 2], Stop> {
        let second = (address | (PAGE_SIZE - 1)).wrapping_add(1);
        let low = self.part_place(platform, address, access, size)?;
        Ok([low, self.part_place(platform, second, access, size)?])
    }

    /// The offset of RAM of the part of an access that is in one page.
    fn part_place<P: Platform>(
        &mut self,
        platform: &mut P,
        start: u64,
        access: Access,
        size: AccessSize,
    ) -> Result<u64, Stop> {
        let is_virtual_device = |hart: &Hart| hart.state.exit.cause == ExitCause::DeviceAccess as u64;
        match self.place(platform, start, access, size) {
            Ok(Place::Ram(found)) => Ok(found),
            Ok(Place::Device(_)) => Err(Stop::Exception(access.access_fault(), start)),
            // The part of an access is not an access that Ring -1 could complete.
            Err(Stop::Exit) if is_virtual_device(self) => Err(Stop::Exception(access.access_fault(), start)),
            Err(stop) => Err(stop),
        }
    }

    /// Translates and fills the first level. An access of `size` bytes from `address` on must not leave the page.
    fn place<P: Platform>(
        &mut self,
        platform: &mut P,
        address: u64,
        access: Access,
        size: AccessSize,
    ) -> Result<Place, Stop> {
        let ram = platform.ram();
        let (physical, page_shift) = match self.translate_or_take(ram, address, access) {
            Ok(found) => found,
            Err(fault) => return Err(self.raise(fault, address, access, size.bytes())),
        };
        let Some(offset) = ram.offset_of(physical.0, 1) else { return Ok(Place::Device(physical)) };
        self.fill(ram, address, access, offset, page_shift);
        Ok(Place::Ram(offset))
    }

    /// What was found for the access already, or else is found now.
    #[inline(always)]
    fn translate_or_take(
        &mut self,
        ram: &Ram,
        address: u64,
        access: Access,
    ) -> Result<(Physical, u32), TranslationFault> {
        match self.handed {
            Some(handed) if handed.address == address && handed.access == access => {
                self.handed = None;
                handed.found
            }
            _ => match self.mmu.translate_quickly(&mut self.state, ram, address, access) {
                Some(found) => Ok(found),
                None => self.mmu.translate(&mut self.state, ram, address, access),
            },
        }
    }

    /// Enters what was found for an access into the first level, if it may be there.
    #[inline(always)]
    fn fill(&mut self, ram: &Ram, address: u64, access: Access, offset: u64, page_shift: u32) -> bool {
        // The walk may have set A or D in a page of code.
        self.see_written(ram);
        if access == Access::Store && ram.is_watched(offset) {
            return false;
        }
        self.mmu.tlb.fill(access, address, offset & !(PAGE_SIZE - 1), page_shift);
        true
    }

    /// For generated code that misses the first level: does what a load or a store does then. True: the first level knows the
    /// page now, and nothing else is to be done before or after the access.
    ///
    /// Otherwise the access is to be executed at once, by [`Hart::load`] and its like, and then [`Hart::take_back`] to be
    /// called. The access takes what was found here: looking again would count a miss twice.
    #[inline(always)]
    pub fn refill(&mut self, ram: &Ram, address: u64, access: Access) -> bool {
        let found = self.translate_or_take(ram, address, access);
        if let Ok((physical, page_shift)) = found
            && let Some(offset) = ram.offset_of(physical.0, 1)
            && self.fill(ram, address, access, offset, page_shift)
            && !self.pending_work
        {
            return true;
        }
        self.handed = Some(Handed { address, access, found });
        false
    }

    /// For code that is left where an access needs more than a translation: as [`Hart::refill`], with the offset of RAM of the
    /// address. `None`: the access must be made as a whole, before anything else that a guest could notice; it takes a fault
    /// that was found here, which has been counted, and may have set A in the first stage.
    pub fn refill_ahead(&mut self, ram: &Ram, address: u64, access: Access) -> Option<u64> {
        let found = self.translate_or_take(ram, address, access);
        if found.is_err() {
            self.handed = Some(Handed { address, access, found });
        }
        // What is found, but not entered, the second level knows from now on.
        let (physical, page_shift) = found.ok()?;
        let offset = ram.offset_of(physical.0, 1)?;
        (self.fill(ram, address, access, offset, page_shift) && !self.pending_work).then_some(offset)
    }

    /// Forgets what [`Hart::refill`] found, if the access did not need it.
    pub fn take_back(&mut self) {
        self.handed = None;
    }

    /// The offset of RAM that the instruction at a virtual address is fetched from.
    #[inline]
    pub fn fetch<P: Platform>(&mut self, platform: &mut P, address: u64) -> Result<u64, Stop> {
        match self.mmu.tlb.lookup(Access::Fetch, address, 2) {
            Some(offset) => Ok(offset),
            None => self.fetch_slowly(platform, address),
        }
    }

    #[cold]
    fn fetch_slowly<P: Platform>(&mut self, platform: &mut P, address: u64) -> Result<u64, Stop> {
        match self.place(platform, address, Access::Fetch, AccessSize::Half)? {
            Place::Ram(offset) => Ok(offset),
            Place::Device(_) => Err(Stop::Exception(Exception::FetchAccessFault, address)),
        }
    }

    /// The offset of RAM for an atomic: translated as a store, aligned, never a device.
    pub fn atomic_place<P: Platform>(
        &mut self,
        platform: &mut P,
        address: u64,
        access: Access,
        size: AccessSize,
    ) -> Result<u64, Stop> {
        if address & (size.bytes() - 1) != 0 {
            let misaligned =
                if access == Access::Load { Exception::LoadMisaligned } else { Exception::StoreMisaligned };
            return Err(Stop::Exception(misaligned, address));
        }
        if let Some(offset) = self.mmu.tlb.lookup(access, address, size.bytes()) {
            return Ok(offset);
        }
        match self.place(platform, address, access, size)? {
            Place::Ram(offset) => Ok(offset),
            Place::Device(_) => Err(Stop::Exception(access.access_fault(), address)),
        }
    }

    /// After writes that did not go by the first level: what was made of code that they have changed is dropped before the
    /// next instruction.
    pub fn see_written(&mut self, ram: &Ram) {
        self.pending_work |= ram.any_watched_written();
    }

    /// Decides who hears of a fault.
    fn raise(&mut self, fault: TranslationFault, address: u64, access: Access, bytes: u64) -> Stop {
        let kind = match access {
            Access::Load => AccessKind::Load,
            Access::Store => AccessKind::Store,
            Access::Fetch => AccessKind::Fetch,
        };
        let made = MemoryAccess { guest_virtual: GuestVirtual(address), bytes, kind, written: None };
        self.exit(match fault {
            TranslationFault::Access => return Stop::Exception(access.access_fault(), address),
            TranslationFault::Page if self.filter(trap_filter::PF) => {
                Exit::PageFault(PageFault { exception: access.page_fault(), access: made })
            }
            TranslationFault::Page => return Stop::Exception(access.page_fault(), address),
            TranslationFault::Nested { guest_physical, walk } => {
                Exit::NestedPageFault(NestedPageFault { guest_physical, of_walk: walk, access: made })
            }
            TranslationFault::Device { guest_physical, cookie } => {
                Exit::DeviceAccess(DeviceAccess { guest_physical, cookie, access: made })
            }
        })
    }
}

fn crosses_page(address: u64, bytes: u64) -> bool {
    address & (PAGE_SIZE - 1) > PAGE_SIZE - bytes
}

/// The offset of byte `index` of an access that starts at `address` in the page of `low` and goes on at `high`.
fn byte_of(low: u64, high: u64, address: u64, index: u64) -> u64 {
    let in_first = PAGE_SIZE - (address & (PAGE_SIZE - 1));
    if index < in_first { low + index } else { high + (index - in_first) }
}

/// Loads from RAM, zero-extended.
#[inline(always)]
pub fn load_ram(ram: &Ram, offset: u64, size: AccessSize) -> Option<u64> {
    match size {
        AccessSize::Byte => ram.load_u8(offset).map(u64::from),
        AccessSize::Half => ram.load_u16(offset).map(u64::from),
        AccessSize::Word => ram.load_u32(offset).map(u64::from),
        AccessSize::Double => ram.load_u64(offset),
    }
}

/// Stores the low bytes to RAM.
pub fn store_ram(ram: &Ram, offset: u64, size: AccessSize, value: u64) -> Option<()> {
    match size {
        AccessSize::Byte => ram.store_u8(offset, value as u8),
        AccessSize::Half => ram.store_u16(offset, value as u16),
        AccessSize::Word => ram.store_u32(offset, value as u32),
        AccessSize::Double => ram.store_u64(offset, value),
    }
}

/// The same, to a page that the first level of the TLB knows.
#[inline(always)]
fn store_ram_unwatched(ram: &Ram, offset: u64, size: AccessSize, value: u64) -> Option<()> {
    match size {
        AccessSize::Byte => ram.store_u8_unwatched(offset, value as u8),
        AccessSize::Half => ram.store_u16_unwatched(offset, value as u16),
        AccessSize::Word => ram.store_u32_unwatched(offset, value as u32),
        AccessSize::Double => ram.store_u64_unwatched(offset, value),
    }
}
