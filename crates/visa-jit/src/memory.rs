//! Memory for code: one region, mapped twice. What is written is never executable, and what is executable is never
//! writable (W^X); a store through the one mapping is seen through the other.

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapMut, MmapOptions};
use rustix::fs::{MemfdFlags, memfd_create};

/// Bytes of the region. What does not fit makes room for itself by dropping everything.
pub const CODE_BYTES: usize = 64 << 20;

/// The region. Offsets count bytes from its start.
pub struct CodeMemory {
    writable: MmapMut,
    executable: Mmap,
    used: usize,
    /// Bytes that may be used.
    limit: usize,
}

impl CodeMemory {
    /// An empty region; the host commits its pages when they are written.
    pub fn new() -> io::Result<CodeMemory> {
        let file = File::from(memfd_create("visa-jit", MemfdFlags::CLOEXEC)?);
        file.set_len(CODE_BYTES as u64)?;
        // SAFETY: nobody else has the file, so that nobody truncates it or writes it behind the mappings' back.
        let writable = unsafe { MmapOptions::new().len(CODE_BYTES).map_mut(&file)? };
        // SAFETY: likewise; what is written through `writable` changes what this one shows, and nothing here holds a
        // reference to its bytes.
        let executable = unsafe { MmapOptions::new().len(CODE_BYTES).map_exec(&file)? };
        Ok(CodeMemory { writable, executable, used: 0, limit: CODE_BYTES })
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Whether so many bytes fit.
    pub fn fits(&self, bytes: usize) -> bool {
        bytes <= self.limit.saturating_sub(self.used)
    }

    /// Uses at most so many bytes, though never more than there are.
    pub fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes.min(CODE_BYTES);
    }

    /// The address at which the next code will be executed.
    pub fn next_address(&self) -> usize {
        self.address(self.used)
    }

    /// The address at which what is at an offset is executed.
    pub fn address(&self, offset: usize) -> usize {
        self.executable.as_ptr() as usize + offset
    }

    /// Appends code, which must fit, and returns its offset.
    pub fn append(&mut self, code: &[u8]) -> usize {
        let start = self.used;
        self.writable[start..start + code.len()].copy_from_slice(code);
        // On a boundary of 16 bytes, for the host's fetch.
        self.used = (start + code.len()).next_multiple_of(16).min(CODE_BYTES);
        start
    }

    /// Forgets everything from an offset on.
    pub fn truncate(&mut self, offset: usize) {
        self.used = offset;
    }

    /// Writes a jump to `target` over what is at `place`.
    pub fn divert(&mut self, place: usize, target: usize) {
        const JUMP: u8 = 0xe9;
        self.writable[place] = JUMP;
        self.patch(place + 1, target);
    }

    /// Writes the 32-bit displacement at `place` so that the jump that ends with it goes to `target`.
    pub fn patch(&mut self, place: usize, target: usize) {
        let displacement = target.wrapping_sub(place + 4) as u32;
        self.writable[place..place + 4].copy_from_slice(&displacement.to_le_bytes());
    }
}
