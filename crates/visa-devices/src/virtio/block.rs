//! The virtio block device (virtio 1.2, section 5.2), one request queue, over any [`BlockBackend`].

use serde::{Deserialize, Serialize};

use super::backend::{BlockBackend, BlockError, SECTOR_BYTES};
use super::chain::{CHAIN_DESCRIPTORS_MAX, Chain, MalformedChain};
use super::device::{Processed, RequestTurn, VirtioDevice};
use crate::dma::DmaMemory;
use crate::model::{LoadError, bytes_of, require, value_of};

/// How much of a request is in host memory at a time, in bytes. A request itself may be as large as the disk: size_max and
/// seg_max bind drivers that have accepted the features, and firmware has not (sections 5.2.3, 5.2.5).
pub const BLOCK_TRANSFER_BYTES: usize = 1 << 20;

/// Entries of the request queue.
pub const BLOCK_QUEUE_SIZE: u16 = CHAIN_DESCRIPTORS_MAX as u16;

const DEVICE_ID_BLOCK: u32 = 2;
const SEGMENTS_MAX: u32 = 62;
const SEGMENT_BYTES_MAX: u32 = 64 * 1024;

/// What requests cost, in units of [`Processed::work`]: each one, its bytes, and what waits for the medium.
const REQUEST_WORK: u64 = 200;
const BYTES_OF_A_WORK_UNIT: u64 = 16;
const FLUSH_WORK: u64 = 200_000;

/// Feature bits, section 5.2.3.
mod feature {
    pub const SIZE_MAX: u64 = 1 << 1;
    pub const SEG_MAX: u64 = 1 << 2;
    pub const READ_ONLY: u64 = 1 << 5;
    pub const FLUSH: u64 = 1 << 9;
}

/// Request types, section 5.2.6.
mod request {
    pub const IN: u32 = 0;
    pub const OUT: u32 = 1;
    pub const FLUSH: u32 = 4;
    pub const GET_ID: u32 = 8;
    /// Header: type, reserved, sector.
    pub const HEADER_BYTES: usize = 16;
    pub const ID_BYTES: usize = 20;
}

/// The status byte that ends every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ok = 0,
    IoError = 1,
    Unsupported = 2,
}

/// The device.
pub struct Block {
    backend: Box<dyn BlockBackend>,
    identifier: [u8; request::ID_BYTES],
    /// The driver will say when writes must be durable: it has agreed on VIRTIO_BLK_F_FLUSH. Otherwise a write is
    /// durable before its request is completed (section 5.2.6.2).
    driver_flushes: bool,
    /// The request that has begun and not ended.
    begun: Option<Request>,
    last_error: Option<BlockError>,
}

impl Block {
    /// A disk over `backend`. `identifier` is what GET_ID answers: its first 20 bytes, padded with zeros.
    pub fn new(backend: Box<dyn BlockBackend>, identifier: &str) -> Self {
        let mut bytes = [0; request::ID_BYTES];
        for (to, from) in bytes.iter_mut().zip(identifier.bytes()) {
            *to = from;
        }
        Self { backend, identifier: bytes, driver_flushes: false, begun: None, last_error: None }
    }

    /// Goes on with a request; returns status and bytes written to the guest before the status byte, once it has ended.
    fn execute(
        &mut self,
        request: &mut Request,
        chain: &Chain,
        memory: &DmaMemory<'_>,
    ) -> Option<(Status, u32)> {
        match request.kind {
            request::IN => self.read(request, chain, memory),
            request::OUT => self.write(request, chain, memory).map(|status| (status, 0)),
            request::FLUSH => {
                let flushed = self.backend.flush();
                Some((self.status_of(flushed), 0))
            }
            request::GET_ID => Some(self.identify(request, chain, memory)),
            _ => Some((Status::Unsupported, 0)),
        }
    }

    /// Reads a part.
    fn read(
        &mut self,
        request: &mut Request,
        chain: &Chain,
        memory: &DmaMemory<'_>,
    ) -> Option<(Status, u32)> {
        let Some(length) = self.checked_length(request.sector, request.writable_bytes, memory) else {
            return Some((Status::IoError, 0));
        };
        let mut data = vec![0; request.part(length)];
        let outcome = self.backend.read(request.sector + request.done / SECTOR_BYTES, &mut data);
        match self.status_of(outcome) {
            Status::Ok if chain.write(memory, request.done, &data).is_some() => {}
            Status::Ok => return Some((Status::IoError, 0)),
            failed => return Some((failed, 0)),
        }
        request.done += data.len() as u64;
        (request.done == length).then_some((Status::Ok, length as u32))
    }

    /// Writes a part, and makes all of them durable after the last one if the driver does not say when.
    fn write(&mut self, request: &mut Request, chain: &Chain, memory: &DmaMemory<'_>) -> Option<Status> {
        if self.backend.read_only() {
            return Some(Status::IoError);
        }
        let Some(length) = self.checked_length(request.sector, request.readable_bytes, memory) else {
            return Some(Status::IoError);
        };
        let mut data = vec![0; request.part(length)];
        let offset = request::HEADER_BYTES as u64 + request.done;
        if chain.read(memory, offset, &mut data).is_none() {
            return Some(Status::IoError);
        }
        let mut outcome = self.backend.write(request.sector + request.done / SECTOR_BYTES, &data);
        request.done += data.len() as u64;
        let has_ended = outcome.is_err() || request.done == length;
        if has_ended && outcome.is_ok() && self.writes_through() {
            outcome = self.backend.flush();
        }
        let status = self.status_of(outcome);
        has_ended.then_some(status)
    }

    fn identify(&self, request: &Request, chain: &Chain, memory: &DmaMemory<'_>) -> (Status, u32) {
        let length = request.writable_bytes.min(request::ID_BYTES as u64) as usize;
        match chain.write(memory, 0, &self.identifier[..length]) {
            Some(()) => (Status::Ok, length as u32),
            None => (Status::IoError, 0),
        }
    }

    /// Whether each write is made durable before its request is completed.
    fn writes_through(&self) -> bool {
        !self.driver_flushes && self.backend.has_volatile_cache()
    }

    /// The length of a transfer, if it is whole sectors inside the disk, and no more than fits memory: one that is larger
    /// goes to the same bytes again and again, and its length does not fit the used ring's 32 bits.
    fn checked_length(&self, sector: u64, bytes: u64, memory: &DmaMemory<'_>) -> Option<u64> {
        let sound = bytes.is_multiple_of(SECTOR_BYTES) && bytes <= memory.bytes().min(u32::MAX.into());
        let end = sector.checked_add(bytes / SECTOR_BYTES)?;
        (sound && end <= self.backend.sectors()).then_some(bytes)
    }

    fn status_of(&mut self, outcome: Result<(), BlockError>) -> Status {
        match outcome {
            Ok(()) => Status::Ok,
            Err(error) => {
                self.last_error = Some(error);
                Status::IoError
            }
        }
    }
}

/// A request's header, and how much data surrounds it.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Request {
    kind: u32,
    sector: u64,
    /// Device-readable bytes after the header.
    readable_bytes: u64,
    /// Device-writable bytes before the status byte.
    writable_bytes: u64,
    /// Bytes that are transferred.
    done: u64,
}

impl Request {
    /// How many bytes of a length are transferred next.
    fn part(&self, length: u64) -> usize {
        usize::try_from(length - self.done).unwrap_or(usize::MAX).min(BLOCK_TRANSFER_BYTES)
    }

    /// Whether it is one that is done in parts, of which some are left.
    fn goes_on(&self) -> bool {
        let length = match self.kind {
            request::IN => self.writable_bytes,
            request::OUT => self.readable_bytes,
            _ => 0,
        };
        self.done < length && self.done.is_multiple_of(SECTOR_BYTES)
    }

    fn parse(chain: &Chain, memory: &DmaMemory<'_>) -> Option<Self> {
        let mut header = [0; request::HEADER_BYTES];
        chain.read(memory, 0, &mut header)?;
        let (kind, rest) = header.split_first_chunk::<4>()?;
        let (_reserved, sector) = rest.split_first_chunk::<4>()?;
        Some(Self {
            kind: u32::from_le_bytes(*kind),
            sector: u64::from_le_bytes(sector.try_into().ok()?),
            readable_bytes: chain.readable_bytes() - request::HEADER_BYTES as u64,
            writable_bytes: chain.writable_bytes().checked_sub(size_of::<u8>() as u64)?,
            done: 0,
        })
    }
}

impl VirtioDevice for Block {
    fn device_id(&self) -> u32 {
        DEVICE_ID_BLOCK
    }

    fn features(&self) -> u64 {
        let read_only = if self.backend.read_only() { feature::READ_ONLY } else { 0 };
        let flush = if self.backend.has_volatile_cache() { feature::FLUSH } else { 0 };
        feature::SIZE_MAX | feature::SEG_MAX | flush | read_only
    }

    fn queue_sizes(&self) -> &'static [u16] {
        &[BLOCK_QUEUE_SIZE]
    }

    fn config(&self) -> Vec<u8> {
        // struct virtio_blk_config: capacity, size_max, seg_max; the fields after those need features not offered.
        let mut config = self.backend.sectors().to_le_bytes().to_vec();
        config.extend(SEGMENT_BYTES_MAX.to_le_bytes());
        config.extend(SEGMENTS_MAX.to_le_bytes());
        config
    }

    fn accept_features(&mut self, features: u64) {
        self.driver_flushes = features & feature::FLUSH != 0;
    }

    fn process(
        &mut self,
        _queue: usize,
        chain: &Chain,
        turn: RequestTurn,
        memory: &DmaMemory<'_>,
    ) -> Result<Processed, MalformedChain> {
        let begun = self.begun.take().filter(|_| turn == RequestTurn::GoesOn);
        let mut request = match begun {
            Some(request) => request,
            None => Request::parse(chain, memory).ok_or(MalformedChain::Frame)?,
        };
        let before = request.done;
        let ended = self.execute(&mut request, chain, memory);
        let work = REQUEST_WORK + (request.done - before) / BYTES_OF_A_WORK_UNIT;
        let Some((status, written)) = ended else {
            self.begun = Some(request);
            return Ok(Processed { written: None, work });
        };
        chain.write(memory, request.writable_bytes, &[status as u8]).ok_or(MalformedChain::Frame)?;
        // The used length counts bytes from the start: all of the buffer, up to the status byte at its end, only when
        // everything before it was written too (section 2.7.8.2).
        let all = u64::from(written) == request.writable_bytes;
        let written = if all { written + size_of::<u8>() as u32 } else { written };
        let is_durable =
            request.kind == request::FLUSH || (request.kind == request::OUT && self.writes_through());
        let work = work + if is_durable { FLUSH_WORK } else { 0 };
        Ok(Processed { written: Some(written), work })
    }

    fn reset(&mut self) {
        (self.driver_flushes, self.begun) = (false, None);
    }

    fn save(&self) -> Vec<u8> {
        bytes_of(&(self.driver_flushes, self.begun))
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), LoadError> {
        const DEVICE: &str = "disk";
        let (driver_flushes, begun): (bool, Option<Request>) = value_of(DEVICE, saved)?;
        require(begun.is_none_or(|request| request.goes_on()), DEVICE, "what is done of a request")?;
        (self.driver_flushes, self.begun) = (driver_flushes, begun);
        Ok(())
    }

    fn contents(&mut self) -> Option<&mut dyn BlockBackend> {
        Some(&mut *self.backend)
    }

    fn take_error(&mut self) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        self.last_error.take().map(Into::into)
    }
}
