//! The virtio block device (virtio 1.2, section 5.2), one request queue, over any [`BlockBackend`].

use super::{Chain, MalformedChain, VirtioDevice};
use crate::DmaMemory;

/// The unit of addressing, in bytes (section 5.2.4), whatever the medium's own block size.
pub const SECTOR_BYTES: u64 = 512;

/// How much of a request is in host memory at a time, in bytes. A request itself may be as large as the disk: size_max and
/// seg_max bind drivers that have accepted the features, and firmware has not (sections 5.2.3, 5.2.5).
pub const BLOCK_TRANSFER_BYTES: usize = 1 << 20;

/// Entries of the request queue.
pub const BLOCK_QUEUE_SIZE: u16 = 1024;

const DEVICE_ID_BLOCK: u32 = 2;
const SEGMENTS_MAX: u32 = 62;
const SEGMENT_BYTES_MAX: u32 = 64 * 1024;

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

/// A medium failed an access. The guest sees VIRTIO_BLK_S_IOERR.
#[derive(Debug, thiserror::Error)]
#[error("{operation} of {bytes} bytes at sector {sector} failed: {reason}")]
pub struct BlockError {
    /// What was tried: "read", "write" or "flush".
    pub operation: &'static str,
    /// First sector of the access.
    pub sector: u64,
    /// Length of the access in bytes.
    pub bytes: usize,
    /// Why.
    pub reason: String,
}

/// A disk's contents. Accesses come in whole sectors and inside the capacity; the device has checked both.
pub trait BlockBackend: Send {
    /// Capacity in sectors of [`SECTOR_BYTES`].
    fn sectors(&self) -> u64;

    /// Whether writes are refused.
    fn read_only(&self) -> bool;

    /// Fills `into`, a multiple of a sector, from `sector` on.
    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), BlockError>;

    /// Writes `from`, a multiple of a sector, from `sector` on.
    fn write(&mut self, sector: u64, from: &[u8]) -> Result<(), BlockError>;

    /// Makes everything written so far durable.
    fn flush(&mut self) -> Result<(), BlockError>;
}

/// A disk in host memory.
#[derive(Clone, Debug)]
pub struct MemoryBackend {
    bytes: Vec<u8>,
    read_only: bool,
}

impl MemoryBackend {
    /// A disk with these contents; a last partial sector is padded with zeros.
    pub fn new(mut bytes: Vec<u8>, read_only: bool) -> Self {
        bytes.resize(bytes.len().next_multiple_of(SECTOR_BYTES as usize), 0);
        Self { bytes, read_only }
    }

    /// The contents as they are now.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn range(
        &self,
        operation: &'static str,
        sector: u64,
        bytes: usize,
    ) -> Result<std::ops::Range<usize>, BlockError> {
        let start = sector.checked_mul(SECTOR_BYTES).and_then(|start| usize::try_from(start).ok());
        let end = start.and_then(|start| start.checked_add(bytes)).filter(|end| *end <= self.bytes.len());
        match (start, end) {
            (Some(start), Some(end)) => Ok(start..end),
            _ => Err(BlockError { operation, sector, bytes, reason: "beyond the end of the disk".into() }),
        }
    }
}

impl BlockBackend for MemoryBackend {
    fn sectors(&self) -> u64 {
        self.bytes.len() as u64 / SECTOR_BYTES
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), BlockError> {
        let range = self.range("read", sector, into.len())?;
        into.copy_from_slice(&self.bytes[range]);
        Ok(())
    }

    fn write(&mut self, sector: u64, from: &[u8]) -> Result<(), BlockError> {
        let range = self.range("write", sector, from.len())?;
        self.bytes[range].copy_from_slice(from);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        Ok(())
    }
}

/// The device.
pub struct Block {
    backend: Box<dyn BlockBackend>,
    identifier: [u8; request::ID_BYTES],
    last_error: Option<BlockError>,
}

impl Block {
    /// A disk over `backend`. `identifier` is what GET_ID answers: its first 20 bytes, padded with zeros.
    pub fn new(backend: Box<dyn BlockBackend>, identifier: &str) -> Self {
        let mut bytes = [0; request::ID_BYTES];
        for (to, from) in bytes.iter_mut().zip(identifier.bytes()) {
            *to = from;
        }
        Self { backend, identifier: bytes, last_error: None }
    }

    /// Runs a request whose header is read and whose data occupies `data_bytes`; returns status and bytes written to
    /// the guest before the status byte.
    fn execute(&mut self, request: &Request, chain: &Chain, memory: &DmaMemory<'_>) -> (Status, u32) {
        match request.kind {
            request::IN => self.read(request, chain, memory),
            request::OUT => (self.write(request, chain, memory), 0),
            request::FLUSH => {
                let flushed = self.backend.flush();
                (self.status_of(flushed), 0)
            }
            request::GET_ID => self.identify(request, chain, memory),
            _ => (Status::Unsupported, 0),
        }
    }

    fn read(&mut self, request: &Request, chain: &Chain, memory: &DmaMemory<'_>) -> (Status, u32) {
        let Some(length) = self.checked_length(request.sector, request.writable_bytes, memory) else {
            return (Status::IoError, 0);
        };
        let mut data = vec![0; BLOCK_TRANSFER_BYTES.min(length as usize)];
        let mut done = 0;
        while done < length {
            let part = data.len().min((length - done) as usize);
            let outcome = self.backend.read(request.sector + done / SECTOR_BYTES, &mut data[..part]);
            match self.status_of(outcome) {
                Status::Ok if chain.write(memory, done, &data[..part]).is_some() => done += part as u64,
                Status::Ok => return (Status::IoError, 0),
                failed => return (failed, 0),
            }
        }
        (Status::Ok, length as u32)
    }

    fn write(&mut self, request: &Request, chain: &Chain, memory: &DmaMemory<'_>) -> Status {
        if self.backend.read_only() {
            return Status::IoError;
        }
        let Some(length) = self.checked_length(request.sector, request.readable_bytes, memory) else {
            return Status::IoError;
        };
        let mut data = vec![0; BLOCK_TRANSFER_BYTES.min(length as usize)];
        let mut done = 0;
        while done < length {
            let part = data.len().min((length - done) as usize);
            let offset = request::HEADER_BYTES as u64 + done;
            if chain.read(memory, offset, &mut data[..part]).is_none() {
                return Status::IoError;
            }
            let outcome = self.backend.write(request.sector + done / SECTOR_BYTES, &data[..part]);
            match self.status_of(outcome) {
                Status::Ok => done += part as u64,
                failed => return failed,
            }
        }
        Status::Ok
    }

    fn identify(&self, request: &Request, chain: &Chain, memory: &DmaMemory<'_>) -> (Status, u32) {
        let length = request.writable_bytes.min(request::ID_BYTES as u64) as usize;
        match chain.write(memory, 0, &self.identifier[..length]) {
            Some(()) => (Status::Ok, length as u32),
            None => (Status::IoError, 0),
        }
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
struct Request {
    kind: u32,
    sector: u64,
    /// Device-readable bytes after the header.
    readable_bytes: u64,
    /// Device-writable bytes before the status byte.
    writable_bytes: u64,
}

impl Request {
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
        })
    }
}

impl VirtioDevice for Block {
    fn device_id(&self) -> u32 {
        DEVICE_ID_BLOCK
    }

    fn features(&self) -> u64 {
        let read_only = if self.backend.read_only() { feature::READ_ONLY } else { 0 };
        feature::SIZE_MAX | feature::SEG_MAX | feature::FLUSH | read_only
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

    fn accept_features(&mut self, _features: u64) {}

    fn process(
        &mut self,
        _queue: usize,
        chain: &Chain,
        memory: &DmaMemory<'_>,
    ) -> Result<u32, MalformedChain> {
        let request = Request::parse(chain, memory).ok_or(MalformedChain::Frame)?;
        let (status, written) = self.execute(&request, chain, memory);
        chain.write(memory, request.writable_bytes, &[status as u8]).ok_or(MalformedChain::Frame)?;
        // The used length counts bytes from the start: all of the buffer, up to the status byte at its end, only when
        // everything before it was written too (section 2.7.8.2).
        let all = u64::from(written) == request.writable_bytes;
        Ok(if all { written + size_of::<u8>() as u32 } else { written })
    }

    fn reset(&mut self) {}

    fn take_error(&mut self) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        self.last_error.take().map(Into::into)
    }
}
