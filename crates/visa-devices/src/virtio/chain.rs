//! Descriptor chains, walked by the virtio-queue crate and then checked as a whole ([`Chain::collect`]) before a device sees them, so
//! that a device never meets a loop, a truncated chain, or a buffer list without bound.

use serde::{Deserialize, Serialize};
use virtio_queue::DescriptorChain;
use vm_memory::{Bytes, GuestAddress};

use crate::dma::DmaMemory;

/// The most descriptors a chain may have: as many as the largest queue of a device here has entries (section 2.7.5.3.1 allows a driver
/// no more than its queue's size). Longer ones are malformed.
pub const CHAIN_DESCRIPTORS_MAX: usize = 1024;

/// The driver has broken the virtqueue's rules in a way that leaves no request to fail: the device needs a reset
/// (virtio 1.2, section 2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedChain {
    /// A descriptor could not be read, or the chain's end was not reached: a loop, a bad index, a bad indirect table.
    #[error("the descriptor chain is truncated, looped or unreadable")]
    Truncated,
    /// More than [`CHAIN_DESCRIPTORS_MAX`] descriptors.
    #[error("the descriptor chain has more than {CHAIN_DESCRIPTORS_MAX} descriptors")]
    TooLong,
    /// A device-readable descriptor follows a device-writable one (section 2.7.4.2).
    #[error("a device-readable descriptor follows a device-writable one")]
    Order,
    /// The rings are misaligned, of a bad size, not in accessible memory, or their index runs ahead of their size.
    #[error("the virtqueue's rings are invalid or not in accessible memory")]
    Ring,
    /// The chain lacks the buffers that every request of this device has, or they cannot be accessed.
    #[error("the descriptor chain has no room for the request's header or status")]
    Frame,
}

/// One piece of guest memory that a descriptor names: address and length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Segment {
    address: u64,
    length: u32,
}

/// A checked descriptor chain: first the bytes that the device may read, then those it may write, each as one
/// sequence whatever descriptors it is made of (virtio 1.2, section 2.7.4: no assumption about framing).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chain {
    readable: Vec<Segment>,
    writable: Vec<Segment>,
}

impl Chain {
    /// Walks and checks a chain.
    pub fn collect(chain: DescriptorChain<&DmaMemory<'_>>) -> Result<Self, MalformedChain> {
        let mut collected = Self { readable: Vec::new(), writable: Vec::new() };
        let mut ended = false;
        for (index, descriptor) in chain.enumerate() {
            if index == CHAIN_DESCRIPTORS_MAX {
                return Err(MalformedChain::TooLong);
            }
            let segment = Segment { address: descriptor.addr().0, length: descriptor.len() };
            if descriptor.is_write_only() {
                collected.writable.push(segment);
            } else if collected.writable.is_empty() {
                collected.readable.push(segment);
            } else {
                return Err(MalformedChain::Order);
            }
            ended = !descriptor.has_next();
        }
        // The walk also stops, silently, at whatever it cannot follow; only a descriptor without a successor ends it.
        if ended { Ok(collected) } else { Err(MalformedChain::Truncated) }
    }

    /// Whether it has no more descriptors than a chain may have.
    pub(crate) fn is_short(&self) -> bool {
        self.readable.len() + self.writable.len() <= CHAIN_DESCRIPTORS_MAX
    }

    /// How many bytes the device may read.
    pub fn readable_bytes(&self) -> u64 {
        total_bytes(&self.readable)
    }

    /// How many bytes the device may write.
    pub fn writable_bytes(&self) -> u64 {
        total_bytes(&self.writable)
    }

    /// Fills `into` from the readable bytes starting at `offset`; `None` when they are not all there and accessible.
    pub fn read(&self, memory: &DmaMemory<'_>, offset: u64, into: &mut [u8]) -> Option<()> {
        let mut done = 0;
        for (address, length) in pieces(&self.readable, offset, into.len()) {
            memory.read_slice(&mut into[done..done + length], GuestAddress(address)).ok()?;
            done += length;
        }
        (done == into.len()).then_some(())
    }

    /// Copies `from` to the writable bytes starting at `offset`; `None` when they are not all there and accessible.
    pub fn write(&self, memory: &DmaMemory<'_>, offset: u64, from: &[u8]) -> Option<()> {
        let mut done = 0;
        for (address, length) in pieces(&self.writable, offset, from.len()) {
            memory.write_slice(&from[done..done + length], GuestAddress(address)).ok()?;
            done += length;
        }
        (done == from.len()).then_some(())
    }
}

fn total_bytes(segments: &[Segment]) -> u64 {
    segments.iter().map(|segment| u64::from(segment.length)).sum()
}

/// The parts of `segments` that make up `length` bytes from `offset` on, as (address, bytes). Shorter when the segments
/// are; an address that would wrap is left to the memory to refuse.
fn pieces(segments: &[Segment], offset: u64, length: usize) -> impl Iterator<Item = (u64, usize)> {
    let (mut skip, mut remaining) = (offset, length as u64);
    segments.iter().filter_map(move |segment| {
        let available = u64::from(segment.length);
        let start = skip.min(available);
        skip -= start;
        let taken = (available - start).min(remaining);
        remaining -= taken;
        (taken > 0).then(|| (segment.address.wrapping_add(start), taken as usize))
    })
}
