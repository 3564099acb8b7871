//! A disk of four sectors, and the words of its requests and answers.

use std::sync::{Arc, Mutex};

use visa_devices::{BlockBackend, BlockError, DiskAccess, MemoryBackend};

pub const IN: u32 = 0;
pub const OUT: u32 = 1;
pub const FLUSH: u32 = 4;
pub const GET_ID: u32 = 8;

pub const OK: u8 = 0;
pub const IO_ERROR: u8 = 1;
pub const UNSUPPORTED: u8 = 2;

/// A disk that the test can look into while the device owns it.
#[derive(Clone)]
pub struct SharedDisk(Arc<Mutex<(MemoryBackend, u32)>>);

impl SharedDisk {
    /// Four sectors; each byte is its sector's number.
    pub fn new() -> Self {
        let bytes = (0..4u8).flat_map(|sector| [sector; 512]).collect();
        Self(Arc::new(Mutex::new((MemoryBackend::new(bytes, DiskAccess::ReadWrite), 0))))
    }

    pub fn sector(&self, sector: usize) -> Vec<u8> {
        self.0.lock().unwrap().0.bytes()[sector * 512..][..512].to_vec()
    }

    pub fn flushes(&self) -> u32 {
        self.0.lock().unwrap().1
    }
}

impl BlockBackend for SharedDisk {
    fn sectors(&self) -> u64 {
        4
    }

    fn read_only(&self) -> bool {
        false
    }

    fn read(&mut self, sector: u64, into: &mut [u8]) -> Result<(), BlockError> {
        self.0.lock().unwrap().0.read(sector, into)
    }

    fn write(&mut self, sector: u64, from: &[u8]) -> Result<(), BlockError> {
        self.0.lock().unwrap().0.write(sector, from)
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        self.0.lock().unwrap().1 += 1;
        Ok(())
    }
}
