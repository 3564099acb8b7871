//! Where everything is: the physical address map (that of QEMU's `virt` board, so that existing guests know it), the
//! interrupt sources, who asks for memory, and the port space. Board and device tree are both made from these lists: a device is a
//! line in one of them.
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

use visa_devices::{Finisher, Model, Plic, Requester, Rtc, Uart, VirtioMmio};

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

/// What the board does with a device beside what it does with all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceRole {
    /// Nothing.
    Plain,
    /// It ends the run: a [`Finisher`].
    Finisher,
    /// Interrupt lines end there: a [`Plic`].
    InterruptController,
    /// It is an end of the console's wire: a [`Uart`].
    Console,
    /// A virtio device can be put there, by slot: a [`VirtioMmio`].
    VirtioSlot(usize),
}

/// A device that has not been used yet, on a board of so many harts.
pub type Make = fn(harts: usize) -> Box<dyn Model>;

/// A device and its window.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// The device tree's generic name for it.
    pub name: &'static str,
    /// Physical address of the first byte.
    pub base: u64,
    /// Length in bytes.
    pub size: u64,
    /// The device.
    pub make: Make,
    /// The source of the interrupt controller that its line is, if it has one.
    pub interrupt: Option<u32>,
    /// As who it reaches memory and sends messages, if it does.
    pub requester: Option<Requester>,
    /// What it is to the board.
    pub role: DeviceRole,
}

/// A device in the port space.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Its first port.
    pub first: u16,
    /// How many.
    pub count: u16,
    /// The device.
    pub make: Make,
    /// What it is to the board.
    pub role: DeviceRole,
}

/// Every device with a window, in ascending order: the board's list, and the device tree's.
pub const MEMORY_MAP: &[Region] = &[
    region("test", 0x10_0000, 0x1000, |_| Box::new(Finisher::new())).role(DeviceRole::Finisher),
    region("rtc", 0x10_1000, 0x1000, |_| Box::new(Rtc::new())).interrupt(11),
    region("plic", 0x0C00_0000, 0x60_0000, |harts| Box::new(Plic::new(harts)))
        .role(DeviceRole::InterruptController),
    region("serial", 0x1000_0000, 0x100, |_| Box::new(Uart::new())).interrupt(10).role(DeviceRole::Console),
    virtio(0),
    virtio(1),
    virtio(2),
    virtio(3),
    virtio(4),
    virtio(5),
    virtio(6),
    virtio(7),
];

/// Every device in the port space.
pub const PORT_MAP: &[Ports] = &[Ports {
    first: PORT_UART_BASE,
    count: PORT_UART_PORTS,
    make: |_| Box::new(Uart::new()),
    role: DeviceRole::Console,
}];

/// A device without an interrupt and without DMA.
const fn region(name: &'static str, base: u64, size: u64, make: Make) -> Region {
    Region { name, base, size, make, interrupt: None, requester: None, role: DeviceRole::Plain }
}

/// A virtio transport. Slot s is requester 1 + s, as its interrupt is source 1 + s.
const fn virtio(slot: usize) -> Region {
    const BASE: u64 = 0x1000_1000;
    const STRIDE: u64 = 0x1000;
    region("virtio_mmio", BASE + slot as u64 * STRIDE, STRIDE, |_| Box::new(VirtioMmio::empty()))
        .interrupt(1 + slot as u32)
        .requester(1 + slot as u16)
        .role(DeviceRole::VirtioSlot(slot))
}

impl Region {
    const fn interrupt(self, source: u32) -> Region {
        Region { interrupt: Some(source), ..self }
    }

    const fn requester(self, number: u16) -> Region {
        Region { requester: Some(Requester(number)), ..self }
    }

    const fn role(self, role: DeviceRole) -> Region {
        Region { role, ..self }
    }

    /// The offset of `address` in this region, if `length` bytes from there on are all inside.
    pub fn offset_of(&self, address: u64, length: u64) -> Option<u64> {
        let offset = address.checked_sub(self.base)?;
        (length <= self.size && offset <= self.size - length).then_some(offset)
    }
}

/// The region that holds all of `length` bytes at physical `address`, as its place in the map.
pub fn region_at(address: u64, length: u64) -> Option<usize> {
    MEMORY_MAP.iter().position(|region| region.offset_of(address, length).is_some())
}

/// The device in the port space that a port is of, as its place in the map, and the port's offset there.
pub fn port_at(port: u16) -> Option<(usize, u64)> {
    let offset_in = |ports: &Ports| port.checked_sub(ports.first).filter(|offset| *offset < ports.count);
    let mut maps = PORT_MAP.iter().enumerate();
    maps.find_map(|(place, ports)| offset_in(ports).map(|offset| (place, u64::from(offset))))
}

/// The requesters whose windows reach into `length` bytes at physical `address`: whoever is given these bytes is given the devices.
pub fn requesters_in(address: u64, length: u64) -> impl Iterator<Item = Requester> {
    let end = address.saturating_add(length);
    let reaches = move |region: &&Region| region.base < end && address < region.base + region.size;
    MEMORY_MAP.iter().filter(reaches).filter_map(|region| region.requester)
}

/// The first region with a role.
///
/// # Panics
///
/// If the map has none.
pub fn region_of(role: DeviceRole) -> &'static Region {
    MEMORY_MAP.iter().find(|region| region.role == role).expect("the map has every role")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use visa_devices::PLIC_SOURCES;

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
    fn nothing_is_given_twice() {
        let interrupts: Vec<u32> = MEMORY_MAP.iter().filter_map(|region| region.interrupt).collect();
        let requesters: Vec<Requester> = MEMORY_MAP.iter().filter_map(|region| region.requester).collect();
        let different = |numbers: Vec<u64>| numbers.iter().collect::<BTreeSet<_>>().len() == numbers.len();
        assert!(different(interrupts.iter().map(|source| u64::from(*source)).collect()), "{interrupts:?}");
        assert!(interrupts.iter().all(|source| (1..PLIC_SOURCES).contains(source)), "{interrupts:?}");
        assert!(different(requesters.iter().map(|number| u64::from(number.0)).collect()), "{requesters:?}");
        for pair in PORT_MAP.windows(2) {
            assert!(pair[0].first + pair[0].count <= pair[1].first, "{pair:x?}");
        }
    }

    #[test]
    fn the_addresses_are_those_that_guests_know() {
        let at = |role| (region_of(role).base, region_of(role).interrupt);
        assert_eq!(at(DeviceRole::Finisher), (0x10_0000, None));
        assert_eq!(at(DeviceRole::Plain), (0x10_1000, Some(11)));
        assert_eq!(at(DeviceRole::InterruptController), (0x0C00_0000, None));
        assert_eq!(at(DeviceRole::Console), (0x1000_0000, Some(10)));
        assert_eq!(at(DeviceRole::VirtioSlot(0)), (0x1000_1000, Some(1)));
        assert_eq!(at(DeviceRole::VirtioSlot(7)), (0x1000_8000, Some(8)));
        let slots = MEMORY_MAP.iter().filter(|region| matches!(region.role, DeviceRole::VirtioSlot(_)));
        assert_eq!(slots.count(), VIRTIO_SLOTS);
    }

    #[test]
    fn an_access_across_the_end_of_a_region_is_in_none() {
        let at = |address, length| region_at(address, length).map(|place| MEMORY_MAP[place].role);
        assert_eq!(at(0x1000_00FF, 1), Some(DeviceRole::Console));
        assert_eq!(at(0x1000_00FF, 2), None);
        assert_eq!(at(0x1000_8FFC, 4), Some(DeviceRole::VirtioSlot(7)));
        assert_eq!(at(0x1000_9000, 4), None);
        assert_eq!(at(0, 1), None);
        assert_eq!(at(u64::MAX, 8), None);
        assert_eq!((port_at(0x3F7), port_at(0x3F8), port_at(0x3FF)), (None, Some((0, 0)), Some((0, 7))));
        assert_eq!(port_at(0x400), None);
    }

    #[test]
    fn windows_say_whose_dma_they_are() {
        let in_window = |address, length| requesters_in(address, length).map(|who| who.0).collect::<Vec<_>>();
        assert!(in_window(0x1000_0000, 0x1000).is_empty());
        assert_eq!(in_window(0x1000_1FFF, 2), [1, 2]);
        assert_eq!(in_window(0x1000_8000, 1), [8]);
        assert!(in_window(0x1000_8000, 0).is_empty());
        assert_eq!(in_window(0, u64::MAX), [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
