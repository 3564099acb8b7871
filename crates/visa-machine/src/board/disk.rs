//! A disk in a file of the host.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use visa_devices::{BlockBackend, BlockError, SECTOR_BYTES};

/// Why a disk file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The host would not open it.
    #[error("disk {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the host said.
        source: std::io::Error,
    },
    /// It is not made of whole sectors.
    #[error("disk {}: its size of {bytes} bytes is not a positive multiple of {SECTOR_BYTES}", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        bytes: u64,
    },
}

/// A raw disk image.
#[derive(Debug)]
pub struct FileBackend {
    file: File,
    sectors: u64,
    read_only: bool,
}

impl FileBackend {
    /// Opens a raw image. It must exist, and be made of whole sectors.
    pub fn open(path: &Path, read_only: bool) -> Result<Self, DiskError> {
        let open_error = |source| DiskError::Open { path: path.into(), source };
        let mut file = OpenOptions::new().read(true).write(!read_only).open(path).map_err(open_error)?;
        // Seeking tells the size of block devices too.
        let bytes = file.seek(SeekFrom::End(0)).map_err(open_error)?;
        if bytes == 0 || !bytes.is_multiple_of(SECTOR_BYTES) {
            return Err(DiskError::Size { path: path.into(), bytes });
        }
        Ok(Self { file, sectors: bytes / SECTOR_BYTES, read_only })
    }

    fn at(&mut self, sector: u64) -> std::io::Result<&mut File> {
        self.file.seek(SeekFrom::Start(sector.saturating_mul(SECTOR_BYTES)))?;
        Ok(&mut self.file)
    }
}

impl BlockBackend for FileBackend {
    fn sectors(&self) -> u64 {
        self.sectors
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), BlockError> {
        let bytes = into.len();
        self.at(sector).and_then(|file| file.read_exact(into)).map_err(|error| BlockError {
            operation: "read",
            sector,
            bytes,
            reason: error.to_string(),
        })
    }

    fn write(&mut self, sector: u64, from: &[u8]) -> Result<(), BlockError> {
        self.at(sector).and_then(|file| file.write_all(from)).map_err(|error| BlockError {
            operation: "write",
            sector,
            bytes: from.len(),
            reason: error.to_string(),
        })
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        self.file.sync_data().map_err(|error| BlockError {
            operation: "flush",
            sector: 0,
            bytes: 0,
            reason: error.to_string(),
        })
    }
}
