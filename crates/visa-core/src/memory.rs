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

/// Where an access leads, as [`Hart::refill`] has found and counted it: the access that is made of it does not look again, which would count
/// a miss twice.
#[derive(Clone, Copy, Debug)]
#[must_use = "the access is to be made of it at once"]
pub struct ResolvedAccess {
    address: u64,
    access: Access,
    found: Result<(Physical, u32), TranslationFault>,
}

impl ResolvedAccess {
    /// What was found, if it is of this access.
    #[inline(always)]
    fn of(self, address: u64, access: Access) -> Option<Result<(Physical, u32), TranslationFault>> {
        (self.address == address && self.access == access).then_some(self.found)
    }
}

/// The way to memory of one instruction, or of one fetch: the platform, and the access as far as it has been resolved before.
pub struct MemoryPort<'a, P> {
    /// RAM, devices, wires.
    pub platform: &'a mut P,
    resolved: Option<ResolvedAccess>,
}

impl<'a, P: Platform> MemoryPort<'a, P> {
    /// For an instruction of whose access nothing is known.
    #[inline(always)]
    pub fn new(platform: &'a mut P) -> Self {
        MemoryPort { platform, resolved: None }
    }

    /// For the instruction whose access was resolved, if one was.
    #[inline(always)]
    pub fn resolved(platform: &'a mut P, resolved: Option<ResolvedAccess>) -> Self {
        MemoryPort { platform, resolved }
    }
}

impl Hart {
    /// Loads `size` bytes, zero-extended.
    #[inline(always)]
    pub fn load<P: Platform>(
        &mut self,
        port: &mut MemoryPort<P>,
        address: u64,
        size: AccessSize,
    ) -> Result<u64, Stop> {
        if let Some(offset) = self.mmu.tlb.lookup(Access::Load, address, size.bytes())
            && let Some(value) = load_ram(port.platform.ram(), offset, size)
        {
            return Ok(value);
        }
        self.load_slowly(port, address, size)
    }

    /// Stores the low `size` bytes of a value.
    #[inline(always)]
    pub fn store<P: Platform>(
        &mut self,
        port: &mut MemoryPort<P>,
        address: u64,
        size: AccessSize,
        value: u64,
    ) -> Result<(), Stop> {
        if let Some(offset) = self.mmu.tlb.lookup(Access::Store, address, size.bytes())
            && let Some(()) = store_ram_outside_code(port.platform.ram(), offset, size, value)
        {
            return Ok(());
        }
        self.store_slowly(port, address, size, value)
    }

    #[cold]
    fn load_slowly<P: Platform>(
        &mut self,
        port: &mut MemoryPort<P>,
        address: u64,
        size: AccessSize,
    ) -> Result<u64, Stop> {
        if crosses_page(address, size.bytes()) {
            return self.load_across(port, address, size);
        }
        match self.place(port, address, Access::Load, size)? {
            Place::Ram(offset) => load_ram(port.platform.ram(), offset, size)
                .ok_or(Stop::Exception(Exception::LoadAccessFault, address)),
            Place::Device(physical) => {
                self.pending_work = true;
                port.platform.tell_time(self.ticks());
                let value = port.platform.mmio_read(physical.0, size);
                value.map_err(|_| Stop::Exception(Exception::LoadAccessFault, address))
            }
        }
    }

    #[cold]
    fn store_slowly<P: Platform>(
        &mut self,
        port: &mut MemoryPort<P>,
        address: u64,
        size: AccessSize,
        value: u64,
    ) -> Result<(), Stop> {
        if crosses_page(address, size.bytes()) {
            return self.store_across(port, address, size, value);
        }
        match self.place(port, address, Access::Store, size)? {
            Place::Ram(offset) => {
                store_ram(port.platform.ram(), offset, size, value)
                    .ok_or(Stop::Exception(Exception::StoreAccessFault, address))?;
                self.see_written(port.platform.ram());
                Ok(())
            }
            Place::Device(physical) => {
                self.pending_work = true;
                port.platform.tell_time(self.ticks());
                let done = port.platform.mmio_write(physical.0, size, value);
                done.map_err(|_| Stop::Exception(Exception::StoreAccessFault, address))
            }
        }
    }

    /// A load over the end of a page: both pages must be RAM. The address at fault is that of the page's first byte
    /// that is touched.
    fn load_across<P: Platform>(
        &mut self,
        port: &mut MemoryPort<P>,
        address: u64,
        size: AccessSize,
    ) -> Result<u64, Stop> {
        let [low, high] = self.both_places(port, address, Access::Load, size)?;
        let mut value = 0;
        for index in 0..size.bytes() {
            let offset = byte_of(low, high, address, index);
            let byte = port
                .platform
                .ram()
                .load_u8(offset)
                .ok_or(Stop::Exception(Exception::LoadAccessFault, address))?;
            value |= (byte as u64) << (8 * index);
        }
        Ok(value)
    }

    fn store_across<P: Platform>(
        &mut self,
        port: &mut MemoryPort<P>,
        address: u64,
        size: AccessSize,
        value: u64,
    ) -> Result<(), Stop> {
        let [low, high] = self.both_places(port, address, Access::Store, size)?;
        for index in 0..size.bytes() {
            let offset = byte_of(low, high, address, index);
            port.platform
                .ram()
                .store_u8(offset, (value >> (8 * index)) as u8)
                .ok_or(Stop::Exception(Exception::StoreAccessFault, address))?;
        }
        self.see_written(port.platform.ram());
        Ok(())
    }

    /// Offsets of RAM of the first byte, and of the first byte in the second page.
    fn both_places<P: Platform>(
        &mut self,
        port: &mut MemoryPort<P>,
        address: u64,
        access: Access,
        size: AccessSize,
    ) -> Result<[u64; 2], Stop> {
        let second = (address | (PAGE_SIZE - 1)).wrapping_add(1);
        let low = self.part_place(port, address, access, size)?;
        Ok([low, self.part_place(port, second, access, size)?])
    }

    /// The offset of RAM of the part of an access that is in one page.
    fn part_place<P: Platform>(
        &mut self,
        port: &mut MemoryPort<P>,
        start: u64,
        access: Access,
        size: AccessSize,
    ) -> Result<u64, Stop> {
        let is_virtual_device = |hart: &Hart| hart.state.exit.cause == ExitCause::DeviceAccess as u64;
        match self.place(port, start, access, size) {
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
        port: &mut MemoryPort<P>,
        address: u64,
        access: Access,
        size: AccessSize,
    ) -> Result<Place, Stop> {
        let resolved = port.resolved.and_then(|resolved| resolved.of(address, access));
        let ram = port.platform.ram();
        let (physical, page_shift) = match resolved.unwrap_or_else(|| self.translate(ram, address, access)) {
            Ok(found) => found,
            Err(fault) => return Err(self.raise(fault, address, access, size.bytes())),
        };
        let Some(offset) = ram.offset_of(physical.0, 1) else { return Ok(Place::Device(physical)) };
        self.fill(ram, address, access, offset, page_shift);
        Ok(Place::Ram(offset))
    }

    /// Where an access leads.
    #[inline(always)]
    fn translate(
        &mut self,
        ram: &Ram,
        address: u64,
        access: Access,
    ) -> Result<(Physical, u32), TranslationFault> {
        match self.mmu.translate_quickly(&mut self.state, ram, address, access) {
            Some(found) => Ok(found),
            None => self.mmu.translate(&mut self.state, ram, address, access),
        }
    }

    /// Enters what was found for an access into the first level, if it may be there.
    #[inline(always)]
    fn fill(&mut self, ram: &Ram, address: u64, access: Access, offset: u64, page_shift: u32) -> bool {
        // The walk may have set A or D in a page of code.
        self.see_written(ram);
        if access == Access::Store && ram.has_code(offset) {
            return false;
        }
        self.mmu.tlb.fill(access, address, offset & !(PAGE_SIZE - 1), page_shift);
        true
    }

    /// For generated code that misses the first level: does what a load or a store does then, of what has been resolved of the access if
    /// anything has. `Ok`: the first level knows the page now, and nothing else is to be done before or after the access.
    ///
    /// # Errors
    ///
    /// Otherwise the access is to be executed at once, by [`Hart::load`] and its like, of what has been resolved.
    #[inline(always)]
    pub fn refill(
        &mut self,
        ram: &Ram,
        address: u64,
        access: Access,
        resolved: Option<ResolvedAccess>,
    ) -> Result<(), ResolvedAccess> {
        let found = match resolved.and_then(|resolved| resolved.of(address, access)) {
            Some(found) => found,
            None => self.translate(ram, address, access),
        };
        if let Ok((physical, page_shift)) = found
            && let Some(offset) = ram.offset_of(physical.0, 1)
            && self.fill(ram, address, access, offset, page_shift)
            && !self.pending_work
        {
            return Ok(());
        }
        Err(ResolvedAccess { address, access, found })
    }

    /// For code that is left where an access needs more than a translation: as [`Hart::refill`], with the offset of RAM of the
    /// address.
    ///
    /// # Errors
    ///
    /// The access must be made as a whole, before anything else that a guest could notice. If there is a fault, which has been counted, and
    /// may have set A in the first stage, it is that of the access.
    pub fn refill_ahead(
        &mut self,
        ram: &Ram,
        address: u64,
        access: Access,
    ) -> Result<u64, Option<ResolvedAccess>> {
        let found = self.translate(ram, address, access);
        // What is found, but not entered, the second level knows from now on.
        let Ok((physical, page_shift)) = found else {
            return Err(Some(ResolvedAccess { address, access, found }));
        };
        let offset = ram.offset_of(physical.0, 1).ok_or(None)?;
        let is_known = self.fill(ram, address, access, offset, page_shift) && !self.pending_work;
        if is_known { Ok(offset) } else { Err(None) }
    }

    /// The offset of RAM that the instruction at a virtual address is fetched from.
    #[inline]
    pub fn fetch<P: Platform>(&mut self, port: &mut MemoryPort<P>, address: u64) -> Result<u64, Stop> {
        match self.mmu.tlb.lookup(Access::Fetch, address, 2) {
            Some(offset) => Ok(offset),
            None => self.fetch_slowly(port, address),
        }
    }

    #[cold]
    fn fetch_slowly<P: Platform>(&mut self, port: &mut MemoryPort<P>, address: u64) -> Result<u64, Stop> {
        match self.place(port, address, Access::Fetch, AccessSize::Half)? {
            Place::Ram(offset) => Ok(offset),
            Place::Device(_) => Err(Stop::Exception(Exception::FetchAccessFault, address)),
        }
    }

    /// The offset of RAM for an atomic: translated as a store, aligned, never a device.
    pub fn atomic_place<P: Platform>(
        &mut self,
        port: &mut MemoryPort<P>,
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
        match self.place(port, address, access, size)? {
            Place::Ram(offset) => Ok(offset),
            Place::Device(_) => Err(Stop::Exception(access.access_fault(), address)),
        }
    }

    /// After writes that did not go by the first level: what was made of code that they have changed is dropped before the
    /// next instruction.
    pub fn see_written(&mut self, ram: &Ram) {
        self.pending_work |= ram.any_code_written();
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
fn store_ram_outside_code(ram: &Ram, offset: u64, size: AccessSize, value: u64) -> Option<()> {
    match size {
        AccessSize::Byte => ram.store_u8_outside_code(offset, value as u8),
        AccessSize::Half => ram.store_u16_outside_code(offset, value as u16),
        AccessSize::Word => ram.store_u32_outside_code(offset, value as u32),
        AccessSize::Double => ram.store_u64_outside_code(offset, value),
    }
}
