//! The board: devices behind the bus, their interrupt lines, the console, and the path of their DMA.
//!
//! Nothing here runs by itself. The machine tells the time ([`Board::set_time`]), hands in what was typed
//! ([`Board::console_input`]), and asks for the lines to each hart; everything else is a consequence of an access by a
//! hart. So a run is a function of its inputs.

mod console;
mod contents;
mod disk;
mod dma;
mod overlay;

use std::io::Write;

use visa_devices::{
    Block, BlockBackend, BlockError, DmaMemory, Finisher, FinisherRequest, MalformedChain, Model, Plic, Rtc,
    UART_LINE_STATUS, Uart, VirtioMmio,
};
use visa_isa::Ring;
use visa_mem::{AccessFault, AccessSize, Device, Platform, Ram, RamError};

use crate::memory_map::{
    MEMORY_MAP, PORT_UART_BASE, PORT_UART_PORTS, RAM_BASE, TIMEBASE_HZ, Unit, VIRTIO_SLOTS, region_at,
    region_of,
};
use console::Console;
pub use console::{CONSOLE_INPUT_BYTES_MAX, Printed};
pub use contents::DiskContents;
pub use disk::{DiskCache, DiskError, DiskImage, FileBackend};
use dma::{Closed, SecondStage};
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

/// A virtio transport and the VM it belongs to.
struct VirtioSlot {
    transport: VirtioMmio,
    /// The second stage of its DMA, of which mode 0 lets everything through. `None`: no VM has it, and it reaches nothing.
    hptbr: Option<u64>,
}

/// The board.
pub struct Board {
    ram: Ram,
    harts: usize,
    finisher: Finisher,
    rtc: Rtc,
    plic: Plic,
    uart: Uart,
    port_uart: Uart,
    virtio: [VirtioSlot; VIRTIO_SLOTS],
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
        let mut board = Self {
            ram,
            harts,
            finisher: Finisher::new(),
            rtc: Rtc::new(),
            plic: Plic::new(harts),
            uart: Uart::new(),
            port_uart: Uart::new(),
            virtio: std::array::from_fn(|_| VirtioSlot { transport: VirtioMmio::empty(), hptbr: None }),
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
        self.settle(Unit::Uart);
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
        self.console.unread() == 0 && [&self.uart, &self.port_uart].into_iter().any(awaits)
    }

    /// Whether the guest polls the console for a byte and there is none: it looked many times in a row without printing.
    pub fn console_is_polled(&self) -> bool {
        self.console.is_polled()
    }

    /// Puts a disk into the first free virtio slot and returns the slot's number.
    pub fn attach_disk(
        &mut self,
        backend: Box<dyn BlockBackend>,
        identifier: &str,
    ) -> Result<usize, BoardError> {
        let slot =
            self.virtio.iter().position(|slot| !slot.transport.is_present()).ok_or(BoardError::NoFreeSlot)?;
        self.virtio[slot].transport = VirtioMmio::new(Box::new(Block::new(backend, identifier)));
        Ok(slot)
    }

    /// The numbers of the virtio slots that hold a device.
    pub fn virtio_slots(&self) -> Vec<usize> {
        (0..VIRTIO_SLOTS).filter(|slot| self.virtio[*slot].transport.is_present()).collect()
    }

    /// What the disks hold, all of which is read.
    pub fn disk_contents(&mut self) -> Result<Vec<DiskContents>, BlockError> {
        let slots = self.virtio.iter_mut().enumerate();
        let disks = slots.filter_map(|(slot, device)| Some((slot, device.transport.contents()?)));
        disks.map(|(slot, disk)| DiskContents::of(slot, disk)).collect()
    }

    /// What made the device in `slot` ask for a reset, if it did since the last call: for the host's log.
    pub fn take_virtio_fault(&mut self, slot: usize) -> Option<MalformedChain> {
        self.virtio.get_mut(slot)?.transport.take_fault()
    }

    /// What has failed on the host's side of the device in `slot` (a disk file, say) since the last call.
    pub fn take_virtio_error(&mut self, slot: usize) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        self.virtio.get_mut(slot)?.transport.take_error()
    }

    /// Resets every device, as a machine reset does. RAM, the time, the disks' contents, and what was typed and not yet
    /// read stay; devices that were assigned to a VM are taken back.
    pub fn reset(&mut self) {
        for region in &MEMORY_MAP {
            self.model_mut(region.unit).reset();
        }
        self.port_uart.reset();
        self.virtio.iter_mut().for_each(|slot| slot.hptbr = None);
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
        self.rtc.set_time_ns(self.start_time_ns.wrapping_add(since_start_ns));
        self.settle(Unit::Rtc);
    }

    /// The time as last told, in ticks.
    pub fn time(&self) -> u64 {
        self.time_ticks
    }

    /// The tick at which some device will next raise an interrupt by the passing of time alone.
    pub fn next_event(&self) -> Option<u64> {
        self.time_ticks.checked_add(self.rtc.until_event_ns()?.div_ceil(NANOSECONDS_PER_TICK))
    }

    /// The level of the external interrupt input of `ring` of `hart`: PLIC context `2 * hart` for Ring -1, and
    /// `2 * hart + 1` for Ring 0. Ring 3 has none.
    #[inline]
    pub fn external_line(&self, hart: usize, ring: Ring) -> bool {
        match ring {
            Ring::Hypervisor => self.plic.line(2 * hart),
            Ring::Kernel => self.plic.line(2 * hart + 1),
            Ring::User => false,
        }
    }

    /// What a guest has asked of the machine through the finisher.
    #[inline]
    pub fn finisher_request(&self) -> Option<FinisherRequest> {
        self.finisher.request()
    }

    /// Takes that request.
    pub fn take_finisher_request(&mut self) -> Option<FinisherRequest> {
        self.finisher.take_request()
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
        for slot in 0..VIRTIO_SLOTS {
            if self.virtio[slot].transport.needs_service() {
                self.settle(Unit::Virtio(slot));
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

    /// Carries on what an access to `unit`, or news from outside, has set in motion.
    fn settle(&mut self, unit: Unit) {
        match unit {
            Unit::Finisher | Unit::Plic => return,
            Unit::Rtc => {}
            Unit::Uart => self.console.exchange(&mut self.uart),
            Unit::Virtio(slot) => self.serve_virtio(slot),
        }
        let level = self.model(unit).interrupt();
        let source = MEMORY_MAP.iter().find(|region| region.unit == unit).and_then(|region| region.interrupt);
        if let Some(source) = source {
            self.plic.set_level(source, level);
        }
    }

    /// Serves what a slot's queues were notified of, or a part of it.
    fn serve_virtio(&mut self, slot: usize) {
        let VirtioSlot { transport, hptbr } = &mut self.virtio[slot];
        if transport.needs_service() {
            let second_stage = hptbr.map(|hptbr| SecondStage::new(&self.ram, hptbr));
            let memory = match &second_stage {
                Some(Some(stage)) => DmaMemory::translated(&self.ram, stage),
                Some(None) => DmaMemory::physical(&self.ram),
                None => DmaMemory::translated(&self.ram, &Closed),
            };
            while transport.needs_service() && self.worked < WORK_AT_A_TIME {
                self.worked += transport.serve_next(&memory);
            }
        }
    }

    /// What a load from a device would give, without doing anything to it: for debuggers. `None`: there is no device, the
    /// load would fault, or it cannot be told.
    pub fn peek(&self, address: u64, size: AccessSize) -> Option<u64> {
        let (unit, offset) = decode(address, size).ok()?;
        self.model(unit).peek(offset, size)
    }

    /// The device that answers in a region.
    pub fn model(&self, unit: Unit) -> &dyn Model {
        match unit {
            Unit::Finisher => &self.finisher,
            Unit::Rtc => &self.rtc,
            Unit::Plic => &self.plic,
            Unit::Uart => &self.uart,
            Unit::Virtio(slot) => &self.virtio[slot].transport,
        }
    }

    fn model_mut(&mut self, unit: Unit) -> &mut dyn Model {
        match unit {
            Unit::Finisher => &mut self.finisher,
            Unit::Rtc => &mut self.rtc,
            Unit::Plic => &mut self.plic,
            Unit::Uart => &mut self.uart,
            Unit::Virtio(slot) => &mut self.virtio[slot].transport,
        }
    }
}

/// The device and offset of an access: naturally aligned, and inside one window.
fn decode(address: u64, size: AccessSize) -> Result<(Unit, u64), AccessFault> {
    if !address.is_multiple_of(size.bytes()) {
        return Err(AccessFault);
    }
    let region = region_at(address, size.bytes()).ok_or(AccessFault)?;
    Ok((region.unit, address - region.base))
}

/// The register of the port space's 16550 that `port` is, if it is one.
fn port_uart_offset(port: u16) -> Option<u64> {
    port.checked_sub(PORT_UART_BASE).filter(|offset| *offset < PORT_UART_PORTS).map(u64::from)
}

impl Platform for Board {
    #[inline(always)]
    fn ram(&self) -> &Ram {
        &self.ram
    }

    fn mmio_read(&mut self, address: u64, size: AccessSize) -> Result<u64, AccessFault> {
        let (unit, offset) = decode(address, size)?;
        if self.withholds() {
            return Ok(0);
        }
        if unit == Unit::Uart && offset == UART_LINE_STATUS {
            self.console.poll(&mut self.uart);
        }
        let value = self.model_mut(unit).read(offset, size);
        self.settle(unit);
        value
    }

    fn mmio_write(&mut self, address: u64, size: AccessSize, value: u64) -> Result<(), AccessFault> {
        let (unit, offset) = decode(address, size)?;
        if self.withholds() {
            return Ok(());
        }
        let outcome = self.model_mut(unit).write(offset, size, value);
        self.settle(unit);
        outcome
    }

    fn port_read(&mut self, port: u16, size: AccessSize) -> u64 {
        let Some(offset) = port_uart_offset(port) else { return size.all_ones() };
        if self.withholds() {
            return 0;
        }
        if offset == UART_LINE_STATUS {
            self.console.poll(&mut self.port_uart);
        }
        let value = self.port_uart.read(offset, size).unwrap_or(size.all_ones());
        self.console.exchange(&mut self.port_uart);
        value
    }

    fn port_write(&mut self, port: u16, size: AccessSize, value: u64) {
        let Some(offset) = port_uart_offset(port) else { return };
        if self.withholds() {
            return;
        }
        // A size that the port does not take is swallowed like a write to an absent one.
        let _ = self.port_uart.write(offset, size, value);
        self.console.exchange(&mut self.port_uart);
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
        let end = address.saturating_add(length);
        for (slot, device) in self.virtio.iter_mut().enumerate() {
            let window = region_of(Unit::Virtio(slot));
            if window.base < end && address < window.base + window.size {
                device.hptbr = hptbr;
            }
        }
    }
}
