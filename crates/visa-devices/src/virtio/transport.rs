//! The virtio-mmio transport, version 2 (virtio 1.2, section 4.2). Split virtqueues, no notification suppression by
//! event index.
//!
//! Work happens in two steps: a write to QueueNotify only marks the queue; the board then calls
//! [`VirtioMmio::serve_next`], request by request, with the memory that this device may touch. So the board decides how
//! much of it is done before somebody looks around.

use virtio_queue::{Queue, QueueOwnedT, QueueT};
use visa_mem::{AccessFault, AccessSize, Device};
use vm_memory::{Bytes, GuestAddress};

use super::backend::BlockBackend;
use super::chain::{Chain, MalformedChain};
use super::device::{Processed, RequestTurn, VirtioDevice};
use crate::dma::DmaMemory;
use crate::model::Model;

/// Register offsets, section 4.2.2.
mod register {
    pub const MAGIC_VALUE: u64 = 0x000;
    pub const VERSION: u64 = 0x004;
    pub const DEVICE_ID: u64 = 0x008;
    pub const VENDOR_ID: u64 = 0x00C;
    pub const DEVICE_FEATURES: u64 = 0x010;
    pub const DEVICE_FEATURES_SEL: u64 = 0x014;
    pub const DRIVER_FEATURES: u64 = 0x020;
    pub const DRIVER_FEATURES_SEL: u64 = 0x024;
    pub const QUEUE_SEL: u64 = 0x030;
    pub const QUEUE_NUM_MAX: u64 = 0x034;
    pub const QUEUE_NUM: u64 = 0x038;
    pub const QUEUE_READY: u64 = 0x044;
    pub const QUEUE_NOTIFY: u64 = 0x050;
    pub const INTERRUPT_STATUS: u64 = 0x060;
    pub const INTERRUPT_ACK: u64 = 0x064;
    pub const STATUS: u64 = 0x070;
    pub const QUEUE_DESC_LOW: u64 = 0x080;
    pub const QUEUE_DESC_HIGH: u64 = 0x084;
    pub const QUEUE_DRIVER_LOW: u64 = 0x090;
    pub const QUEUE_DRIVER_HIGH: u64 = 0x094;
    pub const QUEUE_DEVICE_LOW: u64 = 0x0A0;
    pub const QUEUE_DEVICE_HIGH: u64 = 0x0A4;
    /// Shared memory length and base, low and high: all ones say "no such region".
    pub const SHM_LEN_LOW: u64 = 0x0B0;
    pub const SHM_BASE_HIGH: u64 = 0x0BC;
    pub const CONFIG_GENERATION: u64 = 0x0FC;
    pub const CONFIG: u64 = 0x100;
}

/// Device status bits, section 2.1.
mod status {
    pub const DRIVER_OK: u32 = 4;
    pub const FEATURES_OK: u32 = 8;
    pub const DEVICE_NEEDS_RESET: u32 = 64;
}

mod interrupt {
    pub const USED_BUFFER: u32 = 1 << 0;
    pub const CONFIG_CHANGE: u32 = 1 << 1;
}

const MAGIC: u32 = u32::from_le_bytes(*b"virt");
const VERSION_MODERN: u32 = 2;
/// The subsystem vendor ID. Nothing is registered for this transport (section 4.2.2), and the number that small kernels' drivers look for
/// is QEMU's.
const VENDOR: u32 = u32::from_le_bytes(*b"QEMU");
const FEATURE_RING_INDIRECT: u64 = 1 << 28;
const FEATURE_VERSION_1: u64 = 1 << 32;
/// What it costs to look for a request, as [`Processed::work`] counts it.
const LOOK_WORK: u64 = 100;
/// VIRTQ_AVAIL_F_NO_INTERRUPT, in the first field of the available ring (section 2.7.6).
const AVAILABLE_NO_INTERRUPT: u16 = 1;

/// One virtqueue: the crate's walker, and the addresses that the driver has written but not yet made ready.
pub(super) struct Virtqueue {
    pub queue: Queue,
    pub size_max: u16,
    pub size: u32,
    pub descriptor_table: u64,
    pub available_ring: u64,
    pub used_ring: u64,
    /// How many requests the last notification may still be good for: at most the queue's size, so that a device which
    /// overwrites its own ring comes to an end. 0: there is nothing to do.
    pub left: u16,
    /// Whether one was served since the notification.
    pub served: bool,
    /// The one that has begun and not ended: its head, and what it consists of.
    pub current: Option<(u16, Chain)>,
}

impl Virtqueue {
    fn new(size_max: u16) -> Self {
        let queue = Queue::new(size_max).expect("a device's queue size is a power of two, at most 32768");
        Self {
            queue,
            size_max,
            size: size_max.into(),
            descriptor_table: 0,
            available_ring: 0,
            used_ring: 0,
            left: 0,
            served: false,
            current: None,
        }
    }

    /// Whether there may be something to serve.
    fn is_busy(&self) -> bool {
        self.left != 0 || self.current.is_some()
    }

    /// There is nothing to serve any more.
    fn give_up(&mut self) {
        (self.left, self.current) = (0, None);
    }

    /// The driver says that size and addresses are complete; `None` when they are not valid.
    fn make_ready(&mut self) -> Option<()> {
        self.queue.reset();
        self.queue.try_set_size(self.size.try_into().ok()?).ok()?;
        self.queue.try_set_desc_table_address(GuestAddress(self.descriptor_table)).ok()?;
        self.queue.try_set_avail_ring_address(GuestAddress(self.available_ring)).ok()?;
        self.queue.try_set_used_ring_address(GuestAddress(self.used_ring)).ok()?;
        self.queue.set_ready(true);
        Some(())
    }
}

/// One transport window, with a device behind it or (device ID 0) without.
///
/// Registers below 0x100 are 32 bits wide; the configuration space above takes every aligned size. Anything else
/// faults.
pub struct VirtioMmio {
    pub(super) device: Option<Box<dyn VirtioDevice>>,
    pub(super) queues: Vec<Virtqueue>,
    pub(super) device_features_select: u32,
    pub(super) driver_features_select: u32,
    pub(super) driver_features: u64,
    pub(super) queue_select: u32,
    pub(super) interrupt_status: u32,
    pub(super) status: u32,
    pub(super) fault: Option<MalformedChain>,
}

impl VirtioMmio {
    /// A transport with `device` behind it.
    pub fn new(device: Box<dyn VirtioDevice>) -> Self {
        let queues = device.queue_sizes().iter().map(|size| Virtqueue::new(*size)).collect();
        Self { device: Some(device), queues, ..Self::empty() }
    }

    /// A transport without a device: drivers find device ID 0 and leave it alone.
    pub fn empty() -> Self {
        Self {
            device: None,
            queues: Vec::new(),
            device_features_select: 0,
            driver_features_select: 0,
            driver_features: 0,
            queue_select: 0,
            interrupt_status: 0,
            status: 0,
            fault: None,
        }
    }

    /// Whether there is a device behind the transport.
    pub fn is_present(&self) -> bool {
        self.device.is_some()
    }

    /// What made the device ask for a reset, for the host's log; taking it clears it.
    pub fn take_fault(&mut self) -> Option<MalformedChain> {
        self.fault.take()
    }

    /// What has failed on the host's side of the device ([`VirtioDevice::take_error`]).
    pub fn take_error(&mut self) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        self.device.as_mut()?.take_error()
    }

    /// The contents of the disk behind it, if there is one.
    pub fn contents(&mut self) -> Option<&mut dyn BlockBackend> {
        self.device.as_mut()?.contents()
    }

    /// Whether a queue has been notified, and may have requests that are not served.
    pub fn needs_service(&self) -> bool {
        self.queues.iter().any(Virtqueue::is_busy)
    }

    /// Serves the requests of every notified queue.
    pub fn service(&mut self, memory: &DmaMemory<'_>) {
        while self.needs_service() {
            self.serve_next(memory);
        }
    }

    /// Serves the next request of a notified queue, or a part of a large one; returns what it cost, as
    /// [`Processed::work`] counts it. After the last one, there is an interrupt.
    pub fn serve_next(&mut self, memory: &DmaMemory<'_>) -> u64 {
        let Some(index) = self.queues.iter().position(Virtqueue::is_busy) else { return 0 };
        if !self.is_running() || !self.queues[index].queue.ready() {
            self.queues[index].give_up();
            return LOOK_WORK;
        }
        match self.serve_one(index, memory) {
            Ok(work) => LOOK_WORK + work,
            Err(fault) => {
                self.queues[index].give_up();
                self.fault = Some(fault);
                self.need_reset();
                LOOK_WORK
            }
        }
    }

    fn is_running(&self) -> bool {
        self.status & status::DRIVER_OK != 0 && self.status & status::DEVICE_NEEDS_RESET == 0
    }

    /// The next request of a queue that is ready or a part of it, or the end of the queue's service.
    fn serve_one(&mut self, index: usize, memory: &DmaMemory<'_>) -> Result<u64, MalformedChain> {
        let (Some(device), virtqueue) = (&mut self.device, &mut self.queues[index]) else { return Ok(0) };
        let Virtqueue { queue, left, served, current, .. } = virtqueue;
        if !queue.is_valid(memory) {
            return Err(MalformedChain::Ring);
        }
        let (turn, (head, chain)) = match current.take() {
            Some(current) => (RequestTurn::GoesOn, current),
            None => {
                *left -= 1;
                match queue.iter(memory).map_err(|_| MalformedChain::Ring)?.next() {
                    Some(chain) => (RequestTurn::Begins, (chain.head_index(), Chain::collect(chain)?)),
                    None => {
                        *left = 0;
                        return self.finish(index, memory).map(|()| 0);
                    }
                }
            }
        };
        let Processed { written, work } = device.process(index, &chain, turn, memory)?;
        let Some(written) = written else {
            *current = Some((head, chain));
            return Ok(work);
        };
        queue.add_used(memory, head, written).map_err(|_| MalformedChain::Ring)?;
        *served = true;
        if *left == 0 {
            self.finish(index, memory)?;
        }
        Ok(work)
    }

    /// The end of a queue's service: the driver is told, unless it does not want that.
    fn finish(&mut self, index: usize, memory: &DmaMemory<'_>) -> Result<(), MalformedChain> {
        let Virtqueue { queue, served, .. } = &mut self.queues[index];
        let flags: u16 =
            memory.read_obj(GuestAddress(queue.avail_ring())).map_err(|_| MalformedChain::Ring)?;
        if std::mem::take(served) && u16::from_le(flags) & AVAILABLE_NO_INTERRUPT == 0 {
            self.interrupt_status |= interrupt::USED_BUFFER;
        }
        Ok(())
    }

    /// Section 2.1.2: after an error that it cannot recover from, a device says so once, and does nothing more.
    fn need_reset(&mut self) {
        self.status |= status::DEVICE_NEEDS_RESET;
        if self.status & status::DRIVER_OK != 0 {
            self.interrupt_status |= interrupt::CONFIG_CHANGE;
        }
    }

    fn device_features(&self) -> u64 {
        self.device.as_ref().map_or(0, |device| device.features() | FEATURE_VERSION_1 | FEATURE_RING_INDIRECT)
    }

    fn write_status(&mut self, value: u32) {
        if value == 0 {
            return self.reset();
        }
        // The driver only ever adds bits; what the device has set, it cannot clear but by a reset.
        let mut next = value & 0xFF | self.status & status::DEVICE_NEEDS_RESET;
        if next & !self.status & status::FEATURES_OK != 0 {
            // A driver must accept VERSION_1, and a device may go on with one that has not (sections 6.1 and 6.2): what it then does
            // with these registers is the same.
            let acceptable = self.driver_features & !self.device_features() == 0;
            match &mut self.device {
                Some(device) if acceptable => device.accept_features(self.driver_features),
                _ => next &= !status::FEATURES_OK,
            }
        }
        self.status = next;
    }

    /// Features may be negotiated only until FEATURES_OK.
    fn write_driver_features(&mut self, value: u32) {
        if self.status & status::FEATURES_OK != 0 {
            return;
        }
        let value = u64::from(value);
        match self.driver_features_select {
            0 => self.driver_features = self.driver_features & !u64::from(u32::MAX) | value,
            1 => self.driver_features = self.driver_features & u64::from(u32::MAX) | value << 32,
            _ => {}
        }
    }

    fn selected(&self) -> Option<&Virtqueue> {
        self.queues.get(self.queue_select as usize)
    }

    fn write_queue_ready(&mut self, value: u32) {
        let Some(queue) = self.queues.get_mut(self.queue_select as usize) else { return };
        if value & 1 == 0 {
            queue.queue.set_ready(false);
        } else if !queue.queue.ready() && queue.make_ready().is_none() {
            self.fault = Some(MalformedChain::Ring);
            self.need_reset();
        }
    }

    /// Size and addresses of the selected queue; fixed while it is ready (section 4.2.2.2).
    fn write_queue_register(&mut self, offset: u64, value: u32) {
        let Some(queue) = self.queues.get_mut(self.queue_select as usize) else { return };
        if queue.queue.ready() {
            return;
        }
        let set_low = |field: &mut u64| *field = *field & !u64::from(u32::MAX) | u64::from(value);
        let set_high = |field: &mut u64| *field = *field & u64::from(u32::MAX) | u64::from(value) << 32;
        match offset {
            register::QUEUE_NUM => queue.size = value,
            register::QUEUE_DESC_LOW => set_low(&mut queue.descriptor_table),
            register::QUEUE_DESC_HIGH => set_high(&mut queue.descriptor_table),
            register::QUEUE_DRIVER_LOW => set_low(&mut queue.available_ring),
            register::QUEUE_DRIVER_HIGH => set_high(&mut queue.available_ring),
            register::QUEUE_DEVICE_LOW => set_low(&mut queue.used_ring),
            register::QUEUE_DEVICE_HIGH => set_high(&mut queue.used_ring),
            _ => {}
        }
    }

    fn read_config(&self, offset: u64, size: AccessSize) -> u64 {
        let config = self.device.as_ref().map(|device| device.config()).unwrap_or_default();
        (0..size.bytes()).rev().fold(0, |value, index| {
            let byte = usize::try_from(offset + index).ok().and_then(|at| config.get(at).copied());
            value << 8 | u64::from(byte.unwrap_or(0))
        })
    }
}

impl Device for VirtioMmio {
    fn read(&mut self, offset: u64, size: AccessSize) -> Result<u64, AccessFault> {
        self.peek(offset, size).ok_or(AccessFault)
    }

    fn peek(&self, offset: u64, size: AccessSize) -> Option<u64> {
        if !offset.is_multiple_of(size.bytes()) {
            return None;
        }
        if offset >= register::CONFIG {
            return Some(self.read_config(offset - register::CONFIG, size));
        }
        if size != AccessSize::Word {
            return None;
        }
        let value = match offset {
            register::MAGIC_VALUE => MAGIC,
            register::VERSION => VERSION_MODERN,
            register::DEVICE_ID => self.device.as_ref().map_or(0, |device| device.device_id()),
            register::VENDOR_ID => VENDOR,
            register::DEVICE_FEATURES => match self.device_features_select {
                0 => self.device_features() as u32,
                1 => (self.device_features() >> 32) as u32,
                _ => 0,
            },
            register::QUEUE_NUM_MAX => self.selected().map_or(0, |queue| queue.size_max.into()),
            register::QUEUE_READY => self.selected().is_some_and(|queue| queue.queue.ready()).into(),
            register::INTERRUPT_STATUS => self.interrupt_status,
            register::STATUS => self.status,
            register::SHM_LEN_LOW..=register::SHM_BASE_HIGH => u32::MAX,
            register::CONFIG_GENERATION => 0,
            // Write-only and reserved registers.
            _ => 0,
        };
        Some(value.into())
    }

    fn write(&mut self, offset: u64, size: AccessSize, value: u64) -> Result<(), AccessFault> {
        if !offset.is_multiple_of(size.bytes()) {
            return Err(AccessFault);
        }
        if offset >= register::CONFIG {
            return Ok(()); // no device here has a writable configuration field
        }
        if size != AccessSize::Word {
            return Err(AccessFault);
        }
        let value = value as u32;
        match offset {
            register::DEVICE_FEATURES_SEL => self.device_features_select = value,
            register::DRIVER_FEATURES => self.write_driver_features(value),
            register::DRIVER_FEATURES_SEL => self.driver_features_select = value,
            register::QUEUE_SEL => self.queue_select = value,
            register::QUEUE_READY => self.write_queue_ready(value),
            register::QUEUE_NOTIFY => {
                if let Some(queue) = self.queues.get_mut(value as usize) {
                    (queue.left, queue.served) = (queue.queue.size(), false);
                }
            }
            register::INTERRUPT_ACK => self.interrupt_status &= !value,
            register::STATUS => self.write_status(value),
            _ => self.write_queue_register(offset, value),
        }
        Ok(())
    }
}
