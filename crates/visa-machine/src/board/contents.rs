//! What a disk holds, so that it is known again.

use serde::{Deserialize, Serialize};
use visa_devices::{BlockBackend, BlockError, SECTOR_BYTES};

/// Sectors that are read at a time.
const READ_SECTORS: u64 = 2048;

/// What identifies the contents of a disk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DiskContents {
    /// The virtio slot that it is in.
    pub slot: usize,
    /// Its size, in sectors of [`SECTOR_BYTES`].
    pub sectors: u64,
    /// The checksum (CRC-32) of all of it.
    pub crc32: u32,
}

impl DiskContents {
    /// Of a disk, which is read from its first sector to its last.
    pub(super) fn of(slot: usize, disk: &mut dyn BlockBackend) -> Result<DiskContents, BlockError> {
        let sectors = disk.sectors();
        let mut hasher = crc32fast::Hasher::new();
        let mut bytes = vec![0; (READ_SECTORS * SECTOR_BYTES) as usize];
        for first in (0..sectors).step_by(READ_SECTORS as usize) {
            let length = (sectors - first).min(READ_SECTORS) * SECTOR_BYTES;
            let bytes = &mut bytes[..length as usize];
            disk.read(first, bytes)?;
            hasher.update(bytes);
        }
        Ok(DiskContents { slot, sectors, crc32: hasher.finalize() })
    }
}
