//! A disk in a file of the host.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use visa_devices::{BlockBackend, BlockError, DiskAccess, SECTOR_BYTES};

/// Why a disk file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The host would not open it.
    #[error("disk {}", path.display())]
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
    /// Somebody else uses it.
    #[error(
        "disk {}: another machine has it open{}, or it is given twice; several may read an image (,ro), one alone may \
         write it",
        path.display(),
        if *to_write { "" } else { " to write" }
    )]
    InUse {
        /// The file.
        path: PathBuf,
        /// Whether it was to be written.
        to_write: bool,
    },
}

/// What happens to what a guest writes, until it is on the medium.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DiskCache {
    /// The host's page cache has it until the guest flushes; a guest whose driver cannot flush has each write made durable.
    #[default]
    Writeback,
    /// Each write is durable before it is completed, and the guest is told that there is nothing to flush.
    Writethrough,
    /// The host writes when it likes, and a flush does nothing: fast, and lost with the host's power.
    Unsafe,
}

/// A raw disk image, locked as long as this lives: against writers if it is only read, against everybody if it is written.
/// (Where the host's file system knows no locks, there is none.)
#[derive(Debug)]
pub struct DiskImage {
    file: File,
    sectors: u64,
    read_only: bool,
}

impl DiskImage {
    /// Opens a raw image. It must exist, and be made of whole sectors.
    pub fn open(path: &Path, access: DiskAccess) -> Result<Arc<DiskImage>, DiskError> {
        let read_only = access == DiskAccess::ReadOnly;
        let open_error = |source| DiskError::Open { path: path.into(), source };
        let mut file = OpenOptions::new().read(true).write(!read_only).open(path).map_err(open_error)?;
        match if read_only { file.try_lock_shared() } else { file.try_lock() } {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DiskError::InUse { path: path.into(), to_write: !read_only });
            }
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(open_error(error)),
        }
        // Seeking tells the size of block devices too.
        let bytes = file.seek(SeekFrom::End(0)).map_err(open_error)?;
        if bytes == 0 || !bytes.is_multiple_of(SECTOR_BYTES) {
            return Err(DiskError::Size { path: path.into(), bytes });
        }
        Ok(Arc::new(DiskImage { file, sectors: bytes / SECTOR_BYTES, read_only }))
    }

    fn at(&self, sector: u64) -> std::io::Result<&File> {
        (&self.file).seek(SeekFrom::Start(sector.saturating_mul(SECTOR_BYTES)))?;
        Ok(&self.file)
    }
}

/// A disk over a raw image. Several may be over the same one, on the same thread.
#[derive(Clone, Debug)]
pub struct FileBackend {
    image: Arc<DiskImage>,
    cache: DiskCache,
}

impl FileBackend {
    /// A disk over an image.
    pub fn new(image: Arc<DiskImage>, cache: DiskCache) -> Self {
        Self { image, cache }
    }

    /// Opens a raw image for one disk.
    pub fn open(path: &Path, access: DiskAccess) -> Result<Self, DiskError> {
        Ok(Self::new(DiskImage::open(path, access)?, DiskCache::default()))
    }
}

fn failed(operation: &'static str, sector: u64, bytes: usize, error: &std::io::Error) -> BlockError {
    BlockError { operation, sector, bytes, reason: error.to_string() }
}

impl BlockBackend for FileBackend {
    fn sectors(&self) -> u64 {
        self.image.sectors
    }

    fn read_only(&self) -> bool {
        self.image.read_only
    }

    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), BlockError> {
        let outcome = self.image.at(sector).and_then(|mut file| file.read_exact(into));
        outcome.map_err(|error| failed("read", sector, into.len(), &error))
    }

    fn write(&mut self, sector: u64, from: &[u8]) -> Result<(), BlockError> {
        let written = self.image.at(sector).and_then(|mut file| file.write_all(from));
        let durable = written.and_then(|()| match self.cache {
            DiskCache::Writethrough => self.image.file.sync_data(),
            DiskCache::Writeback | DiskCache::Unsafe => Ok(()),
        });
        durable.map_err(|error| failed("write", sector, from.len(), &error))
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        let outcome = match self.cache {
            DiskCache::Writeback | DiskCache::Writethrough => self.image.file.sync_data(),
            DiskCache::Unsafe => Ok(()),
        };
        outcome.map_err(|error| failed("flush", 0, 0, &error))
    }

    fn has_volatile_cache(&self) -> bool {
        self.cache != DiskCache::Writethrough
    }
}
