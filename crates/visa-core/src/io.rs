//! Ports, IOVMASK and IOVMAP (specification, chapter 5).

use visa_isa::Ring;
use visa_isa::cause::Exception;
use visa_isa::exit::{Exit, PortAccess};
use visa_isa::io::{PCI_CONFIGURATION_FIRST, PCI_CONFIGURATION_LAST, Policy, RANGE_BYTES, RangeKind, range};
use visa_isa::paging::PAGE_SIZE;
use visa_isa::trap_filter;
use visa_mem::{AccessSize, Platform, Ram};

use crate::hart::Hart;
use crate::trap::Stop;
use visa_state::Feature;
use visa_state::Range;

/// Ports whose policies share a byte of the I/O permission map.
const PORTS_OF_BYTE: u64 = 4;

/// Guest-physical ranges end below this address.
const ADDRESS_LIMIT: u64 = 1 << 56;

impl Hart {
    /// IN: the value, zero-extended.
    pub fn port_in<P: Platform>(
        &mut self,
        platform: &mut P,
        port: u16,
        size: AccessSize,
    ) -> Result<u64, Stop> {
        match self.port_policy(platform.ram(), port, size, None)? {
            Policy::Absent => Ok(size.all_ones()),
            _ => {
                self.pending_work = true;
                platform.tell_time(self.ticks());
                Ok(platform.port_read(port, size))
            }
        }
    }

    /// OUT.
    pub fn port_out<P: Platform>(
        &mut self,
        platform: &mut P,
        port: u16,
        size: AccessSize,
        value: u64,
    ) -> Result<(), Stop> {
        let value = value & size.all_ones();
        if self.port_policy(platform.ram(), port, size, Some(value))? != Policy::Absent {
            self.pending_work = true;
            platform.tell_time(self.ticks());
            platform.port_write(port, size, value);
        }
        Ok(())
    }

    /// Whether an access of ports passes or is absent; otherwise it exits, or the ring may not make it.
    fn port_policy(
        &mut self,
        ram: &Ram,
        port: u16,
        size: AccessSize,
        written: Option<u64>,
    ) -> Result<Policy, Stop> {
        match self.state.ring {
            Ring::Hypervisor => return Ok(Policy::Pass),
            Ring::User => return Err(self.not_in_this_ring(true)),
            Ring::Kernel => {}
        }
        let last = port.saturating_add(size.bytes() as u16 - 1);
        let is_pci = port <= PCI_CONFIGURATION_LAST && last >= PCI_CONFIGURATION_FIRST;
        let access = PortAccess { port, bytes: size.bytes(), written };
        let exit = if is_pci && self.filter(trap_filter::PCI) {
            Exit::PciConfiguration(access)
        } else {
            let policy = match self.state.features.has(Feature::TrapFilter) {
                true => self.strictest_policy(ram, port, last),
                false => Policy::Default,
            };
            match policy {
                Policy::Trap => Exit::IoAccess(access),
                Policy::Default if self.filter(trap_filter::IO) => Exit::IoAccess(access),
                policy => return Ok(policy),
            }
        };
        Err(self.exit(exit))
    }

    fn strictest_policy(&self, ram: &Ram, first: u16, last: u16) -> Policy {
        let strictness = |policy: &Policy| match policy {
            Policy::Pass => 0,
            Policy::Default => 1,
            Policy::Absent => 2,
            Policy::Trap => 3,
        };
        let policies = (first..=last).map(|port| map_policy(ram, self.state.vm.io_map, port as u64));
        policies.max_by_key(strictness).unwrap_or(Policy::Default)
    }

    /// IOVMASK.
    pub fn iovmask<P: Platform>(&mut self, platform: &mut P, ports: u64, policy: u64) -> Result<(), Stop> {
        if self.state.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        let (first, last) = (ports & 0xffff, ports >> 16 & 0xffff);
        if self.state.vm.io_map == 0 || ports >> 32 != 0 || first > last {
            return Err(Stop::Exception(Exception::BadDescriptor, 0));
        }
        if policy > Policy::Absent as u64 {
            return Err(Stop::Exception(Exception::BadDescriptor, 1));
        }
        let written = self.set_policies(platform.ram(), first, last, policy as u8);
        // Nothing has been written if that is an error.
        let bytes = written.map_err(|location| Stop::Exception(Exception::StoreAccessFault, location))?;
        platform.charge(bytes);
        self.pending_work = true;
        Ok(())
    }

    /// Writes the two bits of each port into the I/O permission map; how many bytes of it. Or nothing if part of what it would
    /// write is not in RAM: then the error is the first address that is not.
    fn set_policies(&mut self, ram: &Ram, first: u64, last: u64, policy: u8) -> Result<u64, u64> {
        let location = |port: u64| self.state.vm.io_map.wrapping_add(port / PORTS_OF_BYTE);
        let bytes = last / PORTS_OF_BYTE - first / PORTS_OF_BYTE + 1;
        let Some(start) = ram.offset_of(location(first), bytes) else {
            let places = (0..bytes).map(|index| location(first).wrapping_add(index));
            let outside = places.into_iter().find(|&place| ram.offset_of(place, 1).is_none());
            return Err(outside.unwrap_or(location(first)));
        };
        let ends = [(first, 0), (last, bytes - 1)].map(|(port, index)| (port % PORTS_OF_BYTE, index));
        let mut map = vec![policy * 0b0101_0101; bytes as usize];
        // Ports of the first and the last byte that are not meant keep their policies.
        let kept = [(1u8 << (2 * ends[0].0)) - 1, !(((1u16 << (2 * ends[1].0 + 2)) - 1) as u8)];
        for ((_, index), kept) in ends.into_iter().zip(kept) {
            let byte = &mut map[index as usize];
            *byte = *byte & !kept | ram.load_u8(start + index).unwrap_or_default() & kept;
        }
        let _ = ram.write_bytes(start, &map);
        self.see_written(ram);
        Ok(bytes)
    }

    /// IOVMAP.
    pub fn iovmap<P: Platform>(&mut self, platform: &mut P, descriptor: u64) -> Result<(), Stop> {
        if self.state.in_guest() {
            return Err(self.not_in_this_ring(true));
        }
        let new = read_range(platform.ram(), descriptor)
            .ok_or(Stop::Exception(Exception::LoadAccessFault, descriptor))?;
        let bad = |offset| Stop::Exception(Exception::BadDescriptor, offset);
        match RangeKind::from_number(new.kind).ok_or(bad(range::KIND))? {
            RangeKind::Unmap => {
                let ranges = &mut self.state.vm.ranges;
                let old =
                    ranges.iter_mut().find(|old| old.length != 0 && old.guest_address == new.guest_address);
                let old = std::mem::take(old.ok_or(bad(range::GUEST_ADDRESS))?);
                if old.kind == RangeKind::Passthrough as u64 {
                    platform.set_dma_domain(old.target, old.length, None);
                }
            }
            kind => {
                check_range(&new).map_err(bad)?;
                if self.state.vm.ranges.iter().any(|old| old.overlaps(new.guest_address, new.length)) {
                    return Err(bad(range::GUEST_ADDRESS));
                }
                let free = self.state.vm.ranges.iter_mut().find(|old| old.length == 0);
                *free.ok_or(bad(range::KIND))? = new;
                if kind == RangeKind::Passthrough {
                    platform.set_dma_domain(new.target, new.length, Some(self.state.vm.hptbr));
                }
            }
        }
        self.state.vm.update_has_ranges();
        self.mmu.note_ranges(&self.state);
        self.update_translation_context();
        Ok(())
    }
}

impl Hart {
    /// Tells the devices that are passed through to the current VM which tables their DMA goes by. On a machine without a
    /// second stage HPTBR says nothing of them: IOVMAP alone gives them tables.
    pub(crate) fn bind_devices<P: Platform>(&self, platform: &mut P) {
        if !self.state.vm.has_ranges || !self.state.features.has(Feature::NestedPaging) {
            return;
        }
        for range in self.state.vm.ranges.iter().filter(|range| range.kind == RangeKind::Passthrough as u64) {
            platform.set_dma_domain(range.target, range.length, Some(self.state.vm.hptbr));
        }
    }
}

/// Checks a range that is not of the kind unmap; the error is the offset of the field at fault.
pub(crate) fn check_range(new: &Range) -> Result<(), u64> {
    let aligned = |value: u64| value.is_multiple_of(PAGE_SIZE);
    if !aligned(new.guest_address) || new.guest_address >= ADDRESS_LIMIT {
        return Err(range::GUEST_ADDRESS);
    }
    if new.length == 0 || !aligned(new.length) || new.length > ADDRESS_LIMIT - new.guest_address {
        return Err(range::LENGTH);
    }
    let passthrough = new.kind == RangeKind::Passthrough as u64;
    if passthrough && (!aligned(new.target) || new.target > ADDRESS_LIMIT - new.length) {
        return Err(range::TARGET);
    }
    Ok(())
}

/// Reads a descriptor; `None` if it is not aligned or not in RAM.
fn read_range(ram: &Ram, address: u64) -> Option<Range> {
    let offset = ram.offset_of(address, RANGE_BYTES).filter(|_| address.is_multiple_of(RANGE_BYTES))?;
    Some(Range {
        kind: ram.load_u64(offset + range::KIND)?,
        guest_address: ram.load_u64(offset + range::GUEST_ADDRESS)?,
        length: ram.load_u64(offset + range::LENGTH)?,
        target: ram.load_u64(offset + range::TARGET)?,
    })
}

/// The two bits of a permission map for an index. No map, and a map that is not in RAM, say default.
pub(crate) fn map_policy(ram: &Ram, map: u64, index: u64) -> Policy {
    if map == 0 {
        return Policy::Default;
    }
    let byte =
        ram.offset_of(map.wrapping_add(index / 4), 1).and_then(|offset| ram.load_u8(offset)).unwrap_or(0);
    Policy::from_bits(byte as u64 >> (index % 4 * 2))
}
