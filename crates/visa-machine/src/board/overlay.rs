//! A disk whose writes go to a file beside the image, until somebody wants them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use visa_devices::{BlockBackend, BlockError, SECTOR_BYTES};

use super::disk::FileBackend;

/// Sectors that share a word of bits.
const WORD_SECTORS: u64 = u64::BITS as u64;
/// Sectors that are copied at a time.
const COPIED_SECTORS: u64 = 128;

/// A view of a disk file that leaves the file as it is.
#[derive(Debug)]
pub struct OverlayBackend(Arc<Mutex<Layers>>);

/// What was written to an [`OverlayBackend`].
#[derive(Clone, Debug)]
pub struct DiskChanges(Arc<Mutex<Layers>>);

#[derive(Debug)]
struct Layers {
    base: FileBackend,
    /// What was written, at the same places, in a file without a name that goes with this. Made by the first write.
    changes: Option<File>,
    written: SectorSet,
}

/// A set of sectors, in about a thousandth of the memory that they take themselves.
#[derive(Debug, Default)]
struct SectorSet(BTreeMap<u64, u64>);

impl SectorSet {
    fn insert(&mut self, sector: u64) {
        *self.0.entry(sector / WORD_SECTORS).or_default() |= 1 << (sector % WORD_SECTORS);
    }

    fn contains(&self, sector: u64) -> bool {
        self.0.get(&(sector / WORD_SECTORS)).is_some_and(|word| word >> (sector % WORD_SECTORS) & 1 != 0)
    }

    /// The members among some sectors, as runs of at most so many.
    fn runs(&self, among: Range<u64>, most: u64) -> Vec<Range<u64>> {
        let mut runs: Vec<Range<u64>> = Vec::new();
        let words = among.start / WORD_SECTORS..among.end.div_ceil(WORD_SECTORS);
        let sectors = self.0.range(words).flat_map(|(word, _)| {
            let first = word * WORD_SECTORS;
            first..first + WORD_SECTORS
        });
        for sector in sectors.filter(|sector| among.contains(sector) && self.contains(*sector)) {
            match runs.last_mut() {
                Some(run) if run.end == sector && run.end - run.start < most => run.end += 1,
                _ => runs.push(sector..sector + 1),
            }
        }
        runs
    }
}

fn bytes_of(sectors: u64) -> usize {
    usize::try_from(sectors * SECTOR_BYTES).unwrap_or(usize::MAX)
}

impl Layers {
    fn read_changes(&self, run: &Range<u64>, into: &mut [u8]) -> Result<(), BlockError> {
        let Some(mut file) = self.changes.as_ref() else { return Ok(()) };
        let outcome = file
            .seek(SeekFrom::Start(run.start.saturating_mul(SECTOR_BYTES)))
            .and_then(|_| file.read_exact(into));
        outcome.map_err(|error| failed("read", run.start, into.len(), &error))
    }

    fn write_changes(&mut self, sector: u64, from: &[u8]) -> std::io::Result<()> {
        let file = match &mut self.changes {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        file.seek(SeekFrom::Start(sector.saturating_mul(SECTOR_BYTES)))?;
        file.write_all(from)
    }
}

fn failed(operation: &'static str, sector: u64, bytes: usize, error: &std::io::Error) -> BlockError {
    let reason = format!("the temporary file for what is written: {error}");
    BlockError { operation, sector, bytes, reason }
}

impl OverlayBackend {
    /// A view of a disk, and what will be written to it.
    pub fn new(base: FileBackend) -> (OverlayBackend, DiskChanges) {
        let layers = Layers { base, changes: None, written: SectorSet::default() };
        let layers = Arc::new(Mutex::new(layers));
        (OverlayBackend(layers.clone()), DiskChanges(layers))
    }
}

impl DiskChanges {
    /// Writes it to the disk.
    pub fn commit(&self) -> Result<(), BlockError> {
        let layers = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = layers.written.runs(0..layers.base.sectors(), COPIED_SECTORS);
        if runs.is_empty() {
            return Ok(());
        }
        let mut bytes = vec![0; bytes_of(COPIED_SECTORS)];
        for run in runs {
            let bytes = &mut bytes[..bytes_of(run.end - run.start)];
            layers.read_changes(&run, bytes)?;
            layers.base.write(run.start, bytes)?;
        }
        layers.written = SectorSet::default();
        layers.base.flush()
    }
}

impl BlockBackend for OverlayBackend {
    fn sectors(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).base.sectors()
    }

    fn read_only(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).base.read_only()
    }

    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), BlockError> {
        let layers = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        layers.base.read(sector, into)?;
        let end = sector.saturating_add(into.len() as u64 / SECTOR_BYTES);
        for run in layers.written.runs(sector..end, u64::MAX) {
            let start = bytes_of(run.start - sector);
            layers.read_changes(&run, &mut into[start..start + bytes_of(run.end - run.start)])?;
        }
        Ok(())
    }

    fn write(&mut self, sector: u64, from: &[u8]) -> Result<(), BlockError> {
        let layers = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        layers.write_changes(sector, from).map_err(|error| failed("write", sector, from.len(), &error))?;
        let sectors = sector..sector.saturating_add(from.len() as u64 / SECTOR_BYTES);
        sectors.for_each(|sector| layers.written.insert(sector));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        Ok(())
    }

    fn has_volatile_cache(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).base.has_volatile_cache()
    }
}
