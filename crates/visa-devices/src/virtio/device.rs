//! What is behind a transport.

use super::backend::BlockBackend;
use super::chain::{Chain, MalformedChain};
use crate::dma::DmaMemory;
use crate::model::LoadError;

/// A request that was served, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processed {
    /// How many bytes were written to its buffers. `None`: it has not ended, and is to be gone on with.
    pub written: Option<u32>,
    /// What it cost the host at most, in units of about one interpreted instruction; a function of the request alone.
    pub work: u64,
}

/// Which request is to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestTurn {
    /// A new one.
    Begins,
    /// The one that the last call has left unfinished.
    GoesOn,
}

/// One kind of virtio device, behind the transport.
pub trait VirtioDevice: Send {
    /// The device ID (virtio 1.2, section 5).
    fn device_id(&self) -> u32;

    /// The device-specific feature bits offered. The transport adds the general ones.
    fn features(&self) -> u64;

    /// The largest queue size for each virtqueue: powers of two, at most 32768.
    fn queue_sizes(&self) -> &'static [u16];

    /// The configuration space as bytes, little-endian. Reads beyond it give zero.
    fn config(&self) -> Vec<u8>;

    /// The driver has agreed on `features`, a subset of those offered (with the general ones).
    fn accept_features(&mut self, features: u64);

    /// Serves one request of virtqueue `queue`, or a part of it, so that somebody can look around before the next part.
    fn process(
        &mut self,
        queue: usize,
        chain: &Chain,
        turn: RequestTurn,
        memory: &DmaMemory<'_>,
    ) -> Result<Processed, MalformedChain>;

    /// The driver has reset the device.
    fn reset(&mut self);

    /// The state of a request that has begun and not ended, and what the driver has agreed on; not what the host has put behind it.
    fn save(&self) -> Vec<u8>;

    /// Makes such a state its own.
    fn load(&mut self, saved: &[u8]) -> Result<(), LoadError>;

    /// The contents behind it, if it is a disk.
    fn contents(&mut self) -> Option<&mut dyn BlockBackend> {
        None
    }

    /// The host's side has failed (a disk file could not be read, say) since the last call: for the host's log. The
    /// guest has been told in the device's own way.
    fn take_error(&mut self) -> Option<Box<dyn std::error::Error + Send + Sync>>;
}
