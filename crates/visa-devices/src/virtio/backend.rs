//! What is behind a disk: its contents, and how an access to them fails.

/// The unit of addressing, in bytes (section 5.2.4), whatever the medium's own block size.
pub const SECTOR_BYTES: u64 = 512;

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

/// Whether a guest may write a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskAccess {
    /// It may not.
    ReadOnly,
    /// It may.
    ReadWrite,
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

    /// All of it, if the host has it in memory.
    fn in_memory(&mut self) -> Option<&mut Vec<u8>> {
        None
    }

    /// Whether what is written may get lost until it is flushed. If not, VIRTIO_BLK_F_FLUSH is not offered: there is
    /// nothing to flush (section 5.2.3).
    fn has_volatile_cache(&self) -> bool {
        true
    }
}

/// A disk in host memory.
#[derive(Clone, Debug)]
pub struct MemoryBackend {
    bytes: Vec<u8>,
    access: DiskAccess,
}

impl MemoryBackend {
    /// A disk with these contents; a last partial sector is padded with zeros.
    pub fn new(mut bytes: Vec<u8>, access: DiskAccess) -> Self {
        bytes.resize(bytes.len().next_multiple_of(SECTOR_BYTES as usize), 0);
        Self { bytes, access }
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
        self.access == DiskAccess::ReadOnly
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

    fn in_memory(&mut self) -> Option<&mut Vec<u8>> {
        Some(&mut self.bytes)
    }
}
