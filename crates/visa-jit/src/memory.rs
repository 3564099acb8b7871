//! Memory for code: one region, mapped twice. What is written is never executable, and what is executable is never
//! writable (W^X); a store through the one mapping is seen through the other. Before the executable one lies what generated code
//! itself writes, near enough for it to say how far away that is.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::ptr::null_mut;

use memmap2::{MmapMut, MmapOptions};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

use crate::predicted::{PREDICTED_PAGES, PredictedPage};

/// Bytes of the region. What does not fit makes room for itself by dropping everything.
pub const CODE_BYTES: usize = 64 << 20;
/// Bytes of the data before it, a multiple of the host's pages.
const DATA_BYTES: usize = size_of::<[PredictedPage; PREDICTED_PAGES]>().next_multiple_of(1 << 16);

/// The region. Offsets count bytes from its start.
pub struct CodeMemory {
    writable: MmapMut,
    executable: Executable,
    used: usize,
    /// Bytes that may be used.
    limit: usize,
}

/// Data that is never executed, and after it the region as it is executed.
struct Executable {
    start: *mut c_void,
}

// SAFETY: nobody else has the mapping, whose pointer is as good in one thread as in another.
unsafe impl Send for Executable {}

impl Executable {
    /// Maps the file after fresh data.
    fn new(file: &File) -> io::Result<Executable> {
        let length = DATA_BYTES + CODE_BYTES;
        // SAFETY: a new mapping, where nothing was.
        let start = unsafe {
            mmap_anonymous(null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)?
        };
        let memory = Executable { start };
        let access = ProtFlags::READ | ProtFlags::EXEC;
        // SAFETY: it replaces a part of the mapping that was just made, of which nobody has a reference. What is written through the
        // writable mapping changes what this one shows, and nothing here holds a reference to its bytes.
        unsafe { mmap(memory.code(), CODE_BYTES, access, MapFlags::SHARED | MapFlags::FIXED, file, 0)? };
        Ok(memory)
    }

    fn code(&self) -> *mut c_void {
        self.start.wrapping_byte_add(DATA_BYTES)
    }
}

impl Drop for Executable {
    fn drop(&mut self) {
        // SAFETY: it is the mapping of `new`, both parts, and nothing is executed or referred to in it any more. That it cannot be
        // unmapped does not happen; it would stay.
        let _ = unsafe { munmap(self.start, DATA_BYTES + CODE_BYTES) };
    }
}

impl CodeMemory {
    /// An empty region; the host commits its pages when they are written.
    pub fn new() -> io::Result<CodeMemory> {
        let file = File::from(memfd_create("visa-jit", MemfdFlags::CLOEXEC)?);
        file.set_len(CODE_BYTES as u64)?;
        // SAFETY: nobody else has the file, so that nobody truncates it or writes it behind the mappings' back.
        let writable = unsafe { MmapOptions::new().len(CODE_BYTES).map_mut(&file)? };
        Ok(CodeMemory { writable, executable: Executable::new(&file)?, used: 0, limit: CODE_BYTES })
    }

    /// The predicted pages, while no code is executed.
    pub fn predicted_pages(&mut self) -> &mut [PredictedPage] {
        // SAFETY: the data is aligned as pages of the host are, has room for them, and any bits are a predicted page; generated code
        // alone has another way to them, and it is executed only while somebody has this memory for itself.
        unsafe { std::slice::from_raw_parts_mut(self.executable.start.cast(), PREDICTED_PAGES) }
    }

    /// Their address.
    pub fn predicted_pages_address(&self) -> usize {
        self.executable.start as usize
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
        self.executable.code() as usize + offset
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
