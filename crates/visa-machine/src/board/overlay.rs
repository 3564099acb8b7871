//! A disk whose writes stay in memory, until somebody wants them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use visa_devices::{BlockBackend, BlockError, SECTOR_BYTES};

use super::FileBackend;

type Sector = [u8; SECTOR_BYTES as usize];

/// A view of a disk file that leaves the file as it is.
#[derive(Debug)]
pub struct OverlayBackend(Arc<Mutex<Layers>>);

/// What was written to an [`OverlayBackend`].
#[derive(Clone, Debug)]
pub struct DiskChanges(Arc<Mutex<Layers>>);

#[derive(Debug)]
struct Layers {
    file: FileBackend,
    written: BTreeMap<u64, Box<Sector>>,
}

impl OverlayBackend {
    /// A view of a file, and what will be written to it.
    pub fn new(file: FileBackend) -> (OverlayBackend, DiskChanges) {
        let layers = Arc::new(Mutex::new(Layers { file, written: BTreeMap::new() }));
        (OverlayBackend(layers.clone()), DiskChanges(layers))
    }
}

impl DiskChanges {
    /// Writes it to the file.
    pub fn commit(&self) -> Result<(), BlockError> {
        let Layers { file, written } = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.is_empty() {
            return Ok(());
        }
        for (&sector, bytes) in written.iter() {
            file.write(sector, &bytes[..])?;
        }
        written.clear();
        file.flush()
    }
}

impl BlockBackend for OverlayBackend {
    fn sectors(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).file.sectors()
    }

    fn read_only(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).file.read_only()
    }

    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), BlockError> {
        let Layers { file, written } = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.read(sector, into)?;
        let end = sector.saturating_add(into.len() as u64 / SECTOR_BYTES);
        for (&at, bytes) in written.range(sector..end) {
            let start = ((at - sector) * SECTOR_BYTES) as usize;
            into[start..start + bytes.len()].copy_from_slice(&bytes[..]);
        }
        Ok(())
    }

    fn write(&mut self, sector: u64, from: &[u8]) -> Result<(), BlockError> {
        let Layers { written, .. } = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (sectors, _) = from.as_chunks();
        for (index, bytes) in sectors.iter().enumerate() {
            written.insert(sector + index as u64, Box::new(*bytes));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        Ok(())
    }
}
