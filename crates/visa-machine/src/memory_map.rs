//! Where everything is: the physical address map (that of QEMU's `virt` board, so that existing guests know it), the
//! interrupt sources, and the port space. Board and device tree are both made from these tables.
//!
//! ```text
//! 0x0010_0000  finisher   ends or resets the run
//! 0x0010_1000  rtc        Goldfish clock                 source 11
//! 0x0C00_0000  plic       interrupt controller
//! 0x1000_0000  serial     16550, the console             source 10
//! 0x1000_1000  virtio 0   virtio-mmio transport          source 1
//!      ...        ...
//! 0x1000_8000  virtio 7                                  source 8
//! 0x8000_0000  RAM, as much as the machine was given
//! ```

/// Physical address of the first byte of RAM.
pub const RAM_BASE: u64 = 0x8000_0000;

/// Number of virtio-mmio transports.
pub const VIRTIO_SLOTS: usize = 8;

/// First port of the 16550 in the port space (COM1 of a PC). It shares the console with the memory-mapped one and has
/// no interrupt.
pub const PORT_UART_BASE: u16 = 0x3F8;

/// Number of ports of that 16550.
pub const PORT_UART_PORTS: u16 = 8;

/// Frequency of the machine's time counter, in Hz.
pub const TIMEBASE_HZ: u64 = 10_000_000;

/// What answers in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The test finisher.
    Finisher,
    /// The real-time clock.
    Rtc,
    /// The interrupt controller.
    Plic,
    /// The memory-mapped 16550.
    Uart,
    /// A virtio-mmio transport, by slot.
    Virtio(usize),
}

/// One device's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// What answers here.
    pub unit: Unit,
    /// The device tree's generic name for it.
    pub name: &'static str,
    /// Physical address of the first byte.
    pub base: u64,
    /// Length in bytes.
    pub size: u64,
    /// The PLIC source it drives, if any.
    pub interrupt: Option<u32>,
}

const DEVICES: usize = 4 + VIRTIO_SLOTS;

/// Every device window, in ascending order.
pub const MEMORY_MAP: [Region; DEVICES] = memory_map();

const fn memory_map() -> [Region; DEVICES] {
    const VIRTIO_BASE: u64 = 0x1000_1000;
    const VIRTIO_STRIDE: u64 = 0x1000;
    const VIRTIO_INTERRUPT: u32 = 1;
    const fn region(unit: Unit, name: &'static str, base: u64, size: u64, interrupt: Option<u32>) -> Region {
        Region { unit, name, base, size, interrupt }
    }
    let mut map = [region(Unit::Finisher, "test", 0x10_0000, 0x1000, None); DEVICES];
    map[1] = region(Unit::Rtc, "rtc", 0x10_1000, 0x1000, Some(11));
    map[2] = region(Unit::Plic, "plic", 0x0C00_0000, 0x60_0000, None);
    map[3] = region(Unit::Uart, "serial", 0x1000_0000, 0x100, Some(10));
    let mut slot = 0;
    while slot < VIRTIO_SLOTS {
        let base = VIRTIO_BASE + slot as u64 * VIRTIO_STRIDE;
        let interrupt = Some(VIRTIO_INTERRUPT + slot as u32);
        map[DEVICES - VIRTIO_SLOTS + slot] =
            region(Unit::Virtio(slot), "virtio_mmio", base, VIRTIO_STRIDE, interrupt);
        slot += 1;
    }
    map
}

impl Region {
    /// The offset of `address` in this region, if `length` bytes from there on are all inside.
    pub fn offset_of(&self, address: u64, length: u64) -> Option<u64> {
        let offset = address.checked_sub(self.base)?;
        (length <= self.size && offset <= self.size - length).then_some(offset)
    }
}

/// The region that holds all of `length` bytes at physical `address`.
pub fn region_at(address: u64, length: u64) -> Option<&'static Region> {
    MEMORY_MAP.iter().find(|region| region.offset_of(address, length).is_some())
}

/// The region of `unit`.
///
/// # Panics
///
/// For a virtio slot that the map does not have.
pub fn region_of(unit: Unit) -> &'static Region {
    MEMORY_MAP.iter().find(|region| region.unit == unit).expect("every unit is in the map")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_ascend_without_overlap_and_end_below_ram() {
        for pair in MEMORY_MAP.windows(2) {
            assert!(pair[0].base + pair[0].size <= pair[1].base, "{pair:x?}");
        }
        let last = MEMORY_MAP.last().unwrap();
        assert!(last.base + last.size <= RAM_BASE);
    }

    #[test]
    fn the_addresses_are_those_that_guests_know() {
        let at = |unit| (region_of(unit).base, region_of(unit).interrupt);
        assert_eq!(at(Unit::Finisher), (0x10_0000, None));
        assert_eq!(at(Unit::Rtc), (0x10_1000, Some(11)));
        assert_eq!(at(Unit::Plic), (0x0C00_0000, None));
        assert_eq!(at(Unit::Uart), (0x1000_0000, Some(10)));
        assert_eq!(at(Unit::Virtio(0)), (0x1000_1000, Some(1)));
        assert_eq!(at(Unit::Virtio(7)), (0x1000_8000, Some(8)));
    }

    #[test]
    fn an_access_across_the_end_of_a_region_is_in_none() {
        assert_eq!(region_at(0x1000_00FF, 1).map(|region| region.unit), Some(Unit::Uart));
        assert_eq!(region_at(0x1000_00FF, 2), None);
        assert_eq!(region_at(0x1000_8FFC, 4).map(|region| region.unit), Some(Unit::Virtio(7)));
        assert_eq!(region_at(0x1000_9000, 4), None);
        assert_eq!(region_at(0, 1), None);
        assert_eq!(region_at(u64::MAX, 8), None);
    }
}
