//! The transport as a model: what a reset leaves of it, and its state as bytes.

use serde::{Deserialize, Serialize};
use virtio_queue::{Queue, QueueState, QueueT};

use super::chain::Chain;
use super::transport::{VirtioMmio, Virtqueue};
use crate::dma::DmaMemory;
use crate::model::{COMPATIBLE, LoadError, Model, Property, bytes_of, require, value_of};

const DEVICE: &str = "virtio transport";

/// A queue: what its driver has written, and, once that is ready, how far it has come.
#[derive(Serialize, Deserialize)]
struct SavedQueue {
    size: u32,
    descriptor_table: u64,
    available_ring: u64,
    used_ring: u64,
    left: u16,
    served: bool,
    current: Option<(u16, Chain)>,
    ready: bool,
    ready_size: u16,
    ready_addresses: [u64; 3],
    next_available: u16,
    next_used: u16,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    /// The kind of device behind it; 0: none.
    device_id: u32,
    device_features_select: u32,
    driver_features_select: u32,
    driver_features: u64,
    queue_select: u32,
    interrupt_status: u32,
    status: u32,
    queues: Vec<SavedQueue>,
    device: Vec<u8>,
}

impl SavedQueue {
    fn of(queue: &Virtqueue) -> SavedQueue {
        let state = queue.queue.state();
        SavedQueue {
            size: queue.size,
            descriptor_table: queue.descriptor_table,
            available_ring: queue.available_ring,
            used_ring: queue.used_ring,
            left: queue.left,
            served: queue.served,
            current: queue.current.clone(),
            ready: state.ready,
            ready_size: state.size,
            ready_addresses: [state.desc_table, state.avail_ring, state.used_ring],
            next_available: state.next_avail,
            next_used: state.next_used,
        }
    }

    fn restore(self, size_max: u16) -> Result<Virtqueue, LoadError> {
        let [desc_table, avail_ring, used_ring] = self.ready_addresses;
        let state = QueueState {
            max_size: size_max,
            next_avail: self.next_available,
            next_used: self.next_used,
            event_idx_enabled: false,
            size: self.ready_size,
            ready: self.ready,
            desc_table,
            avail_ring,
            used_ring,
        };
        let malformed = LoadError::Range { device: DEVICE, field: "a queue's size or addresses" };
        let queue = Queue::try_from(state).map_err(|_| malformed)?;
        require(self.left <= queue.size(), DEVICE, "the requests that are left")?;
        let is_short = self.current.as_ref().is_none_or(|(_, chain)| chain.is_short());
        require(is_short, DEVICE, "the chain of a request")?;
        Ok(Virtqueue {
            queue,
            size_max,
            size: self.size,
            descriptor_table: self.descriptor_table,
            available_ring: self.available_ring,
            used_ring: self.used_ring,
            left: self.left,
            served: self.served,
            current: self.current,
        })
    }
}

impl Model for VirtioMmio {
    /// As a driver does it by writing 0 to Status, too.
    fn reset(&mut self) {
        let fault = self.fault.take();
        let new = match self.device.take() {
            Some(mut device) => {
                device.reset();
                Self::new(device)
            }
            None => Self::empty(),
        };
        // The fault is the host's to take; the driver's reset does not make it unhappen.
        *self = Self { fault, ..new };
    }

    fn save(&self) -> Vec<u8> {
        let device = self.device.as_ref();
        bytes_of(&Saved {
            device_id: device.map_or(0, |device| device.device_id()),
            device_features_select: self.device_features_select,
            driver_features_select: self.driver_features_select,
            driver_features: self.driver_features,
            queue_select: self.queue_select,
            interrupt_status: self.interrupt_status,
            status: self.status,
            queues: self.queues.iter().map(SavedQueue::of).collect(),
            device: device.map(|device| device.save()).unwrap_or_default(),
        })
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), LoadError> {
        let saved: Saved = value_of(DEVICE, saved)?;
        let device_id = self.device.as_ref().map_or(0, |device| device.device_id());
        require(saved.device_id == device_id, DEVICE, "the kind of device behind it")?;
        require(saved.queues.len() == self.queues.len(), DEVICE, "the number of queues")?;
        let sizes = self.queues.iter().map(|queue| queue.size_max);
        let queues = saved.queues.into_iter().zip(sizes).map(|(queue, size_max)| queue.restore(size_max));
        let queues = queues.collect::<Result<Vec<_>, _>>()?;
        if let Some(device) = &mut self.device {
            device.load(&saved.device)?;
        }
        self.queues = queues;
        self.device_features_select = saved.device_features_select;
        self.driver_features_select = saved.driver_features_select;
        self.driver_features = saved.driver_features;
        self.queue_select = saved.queue_select;
        self.interrupt_status = saved.interrupt_status;
        self.status = saved.status;
        self.fault = None;
        Ok(())
    }

    fn describe(&self) -> Vec<Property> {
        vec![Property::Texts(COMPATIBLE, &["virtio,mmio"])]
    }

    fn needs_service(&self) -> bool {
        VirtioMmio::needs_service(self)
    }

    fn serve_next(&mut self, memory: &DmaMemory<'_>) -> u64 {
        VirtioMmio::serve_next(self, memory)
    }

    fn interrupt(&self) -> bool {
        self.interrupt_status != 0
    }
}
