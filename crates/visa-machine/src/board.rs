//! The board: devices behind the bus, their interrupt lines, the console, and the path of their DMA.
//!
//! Nothing here runs by itself. The machine tells the time ([`Board::set_time`]), hands in what was typed
//! ([`Board::console_input`]), and asks for the lines to each hart; everything else is a consequence of an access by a
//! hart. So a run is a function of its inputs.

mod console;
mod contents;
mod disk;
mod dma;
mod list;
mod overlay;
mod slots;
mod state;

use std::io::Write;

use visa_devices::{
    DmaAccess, DmaMemory, DmaTranslation, Finisher, FinisherRequest, Level, MessageInterrupt, Plic,
    Requester, UART_LINE_STATUS, Uart, VirtioMmio,
};
use visa_isa::{GuestPhysical, Ring};
use visa_mem::{AccessFault, AccessSize, Platform, Ram, RamError};

use crate::memory_map::{
    DeviceRole, MEMORY_MAP, RAM_BASE, TIMEBASE_HZ, VIRTIO_SLOTS, port_at, region_at, requesters_in,
};
use console::Console;
pub use console::{CONSOLE_INPUT_BYTES_MAX, Printed};
pub use contents::DiskContents;
pub use disk::{DiskCache, DiskError, DiskImage, FileBackend};
use dma::{Domains, DomainsOver};
use list::{Devices, Handle};
pub use overlay::{DiskChanges, OverlayBackend};

/// The most harts a board carries: what the PLIC's window has contexts for, rounded down to the field's habit.
pub const HARTS_MAX: usize = 64;

const NANOSECONDS_PER_TICK: u64 = 1_000_000_000 / TIMEBASE_HZ;

/// How much devices do before somebody may look around, in units of [`visa_devices::Processed::work`]: some
/// milliseconds of the host's time.
const WORK_AT_A_TIME: u64 = 1_000_000;

/// What to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardConfig {
    /// Size of RAM in bytes.
    pub ram_bytes: u64,
    /// Number of harts, 1 to [`HARTS_MAX`].
    pub harts: usize,
    /// What the real-time clock shows at tick 0, in nanoseconds since the Unix epoch.
    pub start_time_ns: u64,
}

/// Why a board could not be built or changed.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// RAM could not be made.
    #[error(transparent)]
    Ram(#[from] RamError),
    /// RAM is elsewhere than the memory map says.
    #[error("a board's RAM begins at {RAM_BASE:#x}, not at {base:#x}")]
    RamBase {
        /// Where it begins.
        base: u64,
    },
    /// The number of harts is out of range.
    #[error("a board carries 1 to {HARTS_MAX} harts, not {harts}")]
    Harts {
        /// The number asked for.
        harts: usize,
    },
    /// Every virtio slot is taken.
    #[error("all {VIRTIO_SLOTS} virtio slots are taken")]
    NoFreeSlot,
}

/// The board.
pub struct Board {
    ram: Ram,
    harts: usize,
    /// Those of the memory map, then those of the port map.
    devices: Devices,
    finisher: Handle<Finisher>,
    plic: Handle<Plic>,
    /// Both ends of the console's wire.
    serial: Vec<Handle<Uart>>,
    /// By slot.
    virtio: Vec<Handle<VirtioMmio>>,
    /// The places of those that are told the time.
    timed: Vec<usize>,
    domains: Domains,
    console: Console,
    start_time_ns: u64,
    time_ticks: u64,
    /// What devices, and instructions that do as much, have done since the last [`Board::work`].
    worked: u64,
    /// Whether devices are out of reach, and whether somebody reached for one meanwhile.
    withheld: Option<bool>,
}

impl Board {
    /// Builds a board with empty virtio slots, and RAM of what is usual on the host. Its console prints to nowhere.
    pub fn new(config: &BoardConfig) -> Result<Self, BoardError> {
        let &BoardConfig { ram_bytes, harts, start_time_ns } = config;
        Board::with_ram(Ram::new(RAM_BASE, ram_bytes)?, harts, start_time_ns)
    }

    /// Builds it with RAM from outside.
    pub fn with_ram(ram: Ram, harts: usize, start_time_ns: u64) -> Result<Self, BoardError> {
        if ram.base() != RAM_BASE {
            return Err(BoardError::RamBase { base: ram.base() });
        }
        if harts == 0 || harts > HARTS_MAX {
            return Err(BoardError::Harts { harts });
        }
        let devices = Devices::new(harts);
        let timed = devices.places().filter(|place| devices.at(*place).keeps_time()).collect();
        let mut board = Self {
            ram,
            harts,
            finisher: devices.first(DeviceRole::Finisher),
            plic: devices.first(DeviceRole::InterruptController),
            serial: devices.with_role(DeviceRole::Console),
            virtio: (0..VIRTIO_SLOTS).map(|slot| devices.first(DeviceRole::VirtioSlot(slot))).collect(),
            timed,
            devices,
            domains: Domains::default(),
            console: Console::new(),
            start_time_ns,
            time_ticks: 0,
            worked: 0,
            withheld: None,
        };
        board.settle_time();
        Ok(board)
    }

    /// Number of harts.
    pub fn harts(&self) -> usize {
        self.harts
    }

    /// Where the console prints. A sink that fails loses the byte, as a wire would; the first error is kept for
    /// [`Board::take_console_error`].
    pub fn set_console_output(&mut self, output: Box<dyn Write + Send>) {
        self.console.set_output(output);
    }

    /// The first error of the console's sink since the last call.
    pub fn take_console_error(&mut self) -> Option<std::io::Error> {
        self.console.take_error()
    }

    /// Types `bytes` on the console; returns how many of them were taken (there is room for
    /// [`CONSOLE_INPUT_BYTES_MAX`] unread ones). They wait until the guest's driver listens.
    pub fn console_input(&mut self, bytes: &[u8]) -> usize {
        let taken = self.console.type_ahead(bytes);
        for index in 0..self.serial.len() {
            let place = self.serial[index].place();
            if place < MEMORY_MAP.len() {
                self.settle(place);
            }
        }
        taken
    }

    /// What the guest has printed on the console since the start.
    pub fn console_printed(&self) -> Printed {
        self.console.printed()
    }

    /// How many typed bytes the guest has not read yet.
    pub fn console_unread(&self) -> usize {
        self.console.unread()
    }

    /// Whether the guest has read all that was typed, and has itself interrupted by more.
    pub fn console_awaits_input(&self) -> bool {
        let awaits = |uart: &Uart| uart.wants_received_data() && uart.receiver_is_empty();
        self.console.unread() == 0 && self.serial.iter().any(|port| awaits(self.devices.get(*port)))
    }

    /// Whether the guest polls the console for a byte and there is none: it looked many times in a row without printing.
    pub fn console_is_polled(&self) -> bool {
        self.console.is_polled()
    }

    /// Resets every device, as a machine reset does. RAM, the time, the disks' contents, and what was typed and not yet
    /// read stay; devices that were assigned to a VM are taken back.
    pub fn reset(&mut self) {
        for place in self.devices.places() {
            self.devices.at_mut(place).reset();
        }
        self.domains = Domains::default();
        self.settle_time();
    }

    /// Tells the board the time, in ticks of [`TIMEBASE_HZ`]. Devices see no other clock.
    pub fn set_time(&mut self, ticks: u64) {
        if self.time_ticks == ticks {
            return;
        }
        self.time_ticks = ticks;
        self.settle_time();
    }

    fn settle_time(&mut self) {
        let since_start_ns = self.time_ticks.wrapping_mul(NANOSECONDS_PER_TICK);
        let now_ns = self.start_time_ns.wrapping_add(since_start_ns);
        for index in 0..self.timed.len() {
            let place = self.timed[index];
            self.devices.at_mut(place).set_time_ns(now_ns);
            self.settle(place);
        }
    }

    /// The time as last told, in ticks.
    pub fn time(&self) -> u64 {
        self.time_ticks
    }

    /// The tick at which some device will next raise an interrupt by the passing of time alone.
    pub fn next_event(&self) -> Option<u64> {
        let until = self.timed.iter().filter_map(|place| self.devices.at(*place).until_event_ns()).min()?;
        self.time_ticks.checked_add(until.div_ceil(NANOSECONDS_PER_TICK))
    }

    /// The level of the external interrupt input of `ring` of `hart`: PLIC context `2 * hart` for Ring -1, and
    /// `2 * hart + 1` for Ring 0. Ring 3 has none.
    #[inline]
    pub fn external_line(&self, hart: usize, ring: Ring) -> bool {
        match ring {
            Ring::Hypervisor => self.devices.get(self.plic).line(2 * hart),
            Ring::Kernel => self.devices.get(self.plic).line(2 * hart + 1),
            Ring::User => false,
        }
    }

    /// What a guest has asked of the machine through the finisher.
    #[inline]
    pub fn finisher_request(&self) -> Option<FinisherRequest> {
        self.devices.get(self.finisher).request()
    }

    /// Takes that request.
    pub fn take_finisher_request(&mut self) -> Option<FinisherRequest> {
        self.devices.get_mut(self.finisher).take_request()
    }

    /// Whether devices have done so much that somebody should look around: the harts stand still until [`Board::work`].
    /// They do not notice: what a device does takes none of their time.
    #[inline]
    pub fn has_work(&self) -> bool {
        self.worked >= WORK_AT_A_TIME
    }

    /// Does what devices have left to do, as much as goes at a time: [`Board::has_work`] says whether that was all. How
    /// much is done at a time is a function of what the guest asked for.
    pub fn work(&mut self) {
        self.worked = 0;
        for place in 0..MEMORY_MAP.len() {
            if self.devices.at(place).needs_service() {
                self.settle(place);
            }
        }
    }

    /// From now on devices are out of reach: an access changes nothing, reads zero, and asks for the run to end.
    pub(crate) fn withhold_devices(&mut self) {
        self.withheld = Some(false);
    }

    /// Devices are there again. Whether one was reached for.
    pub(crate) fn release_devices(&mut self) -> bool {
        self.withheld.take().unwrap_or_default()
    }

    /// Whether devices are out of reach; it is noted that somebody reached for one.
    fn withholds(&mut self) -> bool {
        self.withheld.as_mut().is_some_and(|reached| {
            *reached = true;
            true
        })
    }

    /// Carries on what an access to the device at a place of the memory map, or news from outside, has set in motion.
    fn settle(&mut self, place: usize) {
        let region = &MEMORY_MAP[place];
        if region.role == DeviceRole::Console {
            self.exchange(place);
        }
        if let Some(requester) = region.requester {
            self.serve(place, requester);
        }
        if let Some(source) = region.interrupt {
            let level = if self.devices.at(place).interrupt() { Level::High } else { Level::Low };
            self.devices.get_mut(self.plic).set_level(source, level);
        }
    }

    /// Serves what a device has to do with memory, or a part of it, and sends its messages.
    fn serve(&mut self, place: usize, requester: Requester) {
        let device = self.devices.at_mut(place);
        if device.needs_service() {
            let domains = DomainsOver { domains: &self.domains, ram: &self.ram };
            let memory = DmaMemory::translated(&self.ram, requester, &domains);
            while device.needs_service() && self.worked < WORK_AT_A_TIME {
                self.worked += device.serve_next(&memory);
            }
        }
        if let Some(message) = device.take_message() {
            // One that leads nowhere is lost, as a write to there is.
            let _ = self.send(requester, message);
        }
    }

    /// Sends an interrupt as a message: a word goes to where the address leads in the requester's domain, RAM or a device. What that
    /// device does then is done before this returns, but for messages of its own, which go with its next access.
    pub fn send(&mut self, requester: Requester, message: MessageInterrupt) -> Result<(), AccessFault> {
        let MessageInterrupt { address, data } = message;
        let domains = DomainsOver { domains: &self.domains, ram: &self.ram };
        let extent = domains.translate(requester, GuestPhysical(address), DmaAccess::Write);
        let physical = extent.ok_or(AccessFault)?.physical.0;
        if !physical.is_multiple_of(AccessSize::Word.bytes()) {
            return Err(AccessFault);
        }
        if let Some(offset) = self.ram.offset_of(physical, AccessSize::Word.bytes()) {
            return self.ram.store_u32(offset, data).ok_or(AccessFault);
        }
        let (place, offset) = decode(physical, AccessSize::Word)?;
        self.devices.at_mut(place).write(offset, AccessSize::Word, data.into())
    }

    /// Moves bytes between the console and an end of its wire.
    fn exchange(&mut self, place: usize) {
        if let Some(port) = self.serial.iter().find(|port| port.place() == place) {
            self.console.exchange(self.devices.get_mut(*port));
        }
    }

    /// Gives an end of the console's wire a byte, when it is asked for one at an offset of its registers.
    fn poll(&mut self, place: usize, offset: u64) {
        if offset == UART_LINE_STATUS
            && let Some(port) = self.serial.iter().find(|port| port.place() == place)
        {
            self.console.poll(self.devices.get_mut(*port));
        }
    }

    /// What a load from a device would give, without doing anything to it: for debuggers. `None`: there is no device, the
    /// load would fault, or it cannot be told.
    pub fn peek(&self, address: u64, size: AccessSize) -> Option<u64> {
        let (place, offset) = decode(address, size).ok()?;
        self.devices.at(place).peek(offset, size)
    }
}

/// The place in the memory map, and the offset there, of an access: naturally aligned, and inside one window.
fn decode(address: u64, size: AccessSize) -> Result<(usize, u64), AccessFault> {
    if !address.is_multiple_of(size.bytes()) {
        return Err(AccessFault);
    }
    let place = region_at(address, size.bytes()).ok_or(AccessFault)?;
    Ok((place, address - MEMORY_MAP[place].base))
}

/// The place among all devices, and the offset there, of a port.
fn decode_port(port: u16) -> Option<(usize, u64)> {
    port_at(port).map(|(place, offset)| (MEMORY_MAP.len() + place, offset))
}

impl Platform for Board {
    #[inline(always)]
    fn ram(&self) -> &Ram {
        &self.ram
    }

    fn mmio_read(&mut self, address: u64, size: AccessSize) -> Result<u64, AccessFault> {
        let (place, offset) = decode(address, size)?;
        if self.withholds() {
            return Ok(0);
        }
        self.poll(place, offset);
        let value = self.devices.at_mut(place).read(offset, size);
        self.settle(place);
        value
    }

    fn mmio_write(&mut self, address: u64, size: AccessSize, value: u64) -> Result<(), AccessFault> {
        let (place, offset) = decode(address, size)?;
        if self.withholds() {
            return Ok(());
        }
        let outcome = self.devices.at_mut(place).write(offset, size, value);
        self.settle(place);
        outcome
    }

    fn port_read(&mut self, port: u16, size: AccessSize) -> u64 {
        let Some((place, offset)) = decode_port(port) else { return size.all_ones() };
        if self.withholds() {
            return 0;
        }
        self.poll(place, offset);
        let value = self.devices.at_mut(place).read(offset, size).unwrap_or(size.all_ones());
        self.exchange(place);
        value
    }

    fn port_write(&mut self, port: u16, size: AccessSize, value: u64) {
        let Some((place, offset)) = decode_port(port) else { return };
        if self.withholds() {
            return;
        }
        // A size that the port does not take is swallowed like a write to an absent one.
        let _ = self.devices.at_mut(place).write(offset, size, value);
        self.exchange(place);
    }

    fn external_interrupt(&self, hart: usize, to_hypervisor: bool) -> bool {
        self.external_line(hart, if to_hypervisor { Ring::Hypervisor } else { Ring::Kernel })
    }

    fn charge(&mut self, bytes: u64) {
        if !self.withholds() {
            self.worked = self.worked.saturating_add(bytes);
        }
    }

    fn stop_requested(&self) -> bool {
        self.withheld == Some(true) || self.finisher_request().is_some() || self.has_work()
    }

    fn tell_time(&mut self, ticks: u64) {
        // Time does not go back: an event that is due, as an access, is not for somebody who tries.
        if !self.withholds() {
            self.set_time(ticks);
        }
    }

    #[inline]
    fn next_event(&self) -> Option<u64> {
        Board::next_event(self)
    }

    fn set_dma_domain(&mut self, address: u64, length: u64, hptbr: Option<u64>) {
        if self.withholds() {
            return;
        }
        for requester in requesters_in(address, length) {
            self.domains.assign(requester, hptbr);
        }
    }
}
