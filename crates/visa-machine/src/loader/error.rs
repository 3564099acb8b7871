//! What can be wrong with what is to be loaded.

use std::ops::Range;
use std::path::PathBuf;

/// Why something could not be loaded. Every message names the file, the part of it, and the numbers.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("{}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the host said.
        source: std::io::Error,
    },
    /// The file is longer than anything that could be loaded, or has no end.
    #[error("{}: longer than {bytes_max:#x} bytes, the most that is read", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit.
        bytes_max: u64,
    },
    /// There is nothing in it.
    #[error("{name}: the file is empty")]
    Empty {
        /// The file.
        name: String,
    },
    /// It starts like an ELF, but its headers cannot be followed: truncated or damaged.
    #[error("{name}: damaged or truncated ELF ({length:#x} bytes): {reason}")]
    Elf {
        /// The file.
        name: String,
        /// Its length in bytes.
        length: u64,
        /// What is wrong.
        reason: String,
    },
    /// It is a sound ELF, but not for this machine.
    #[error("{name}: not a 64-bit little-endian RISC-V executable: {field} is {found}, expected {expected}")]
    WrongElf {
        /// The file.
        name: String,
        /// The header field: "class", "data encoding", "machine", "type".
        field: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
    /// A segment's bytes are not all in the file.
    #[error(
        "{name}: truncated ELF: segment {segment} is {bytes:#x} bytes at file offset {offset:#x}, but the file has \
         {length:#x} bytes"
    )]
    TruncatedSegment {
        /// The file.
        name: String,
        /// Index of the program header.
        segment: usize,
        /// Where the segment's bytes start in the file.
        offset: u64,
        /// How many there should be.
        bytes: u64,
        /// Length of the file in bytes.
        length: u64,
    },
    /// A segment has more bytes in the file than in memory.
    #[error(
        "{name}: segment {segment} has {file_bytes:#x} bytes in the file but only {memory_bytes:#x} in memory"
    )]
    SegmentSize {
        /// The file.
        name: String,
        /// Index of the program header.
        segment: usize,
        /// Bytes in the file.
        file_bytes: u64,
        /// Bytes in memory.
        memory_bytes: u64,
    },
    /// An executable without anything to load.
    #[error("{name}: the ELF has no loadable segment")]
    NoSegments {
        /// The file.
        name: String,
    },
    /// The entry point is in no segment.
    #[error("{name}: the entry point {entry:#x} is in none of the ELF's loadable segments")]
    Entry {
        /// The file.
        name: String,
        /// The entry point as the header gives it.
        entry: u64,
    },
    /// A kernel's header contradicts itself or this machine.
    #[error("{name}: Linux image header: {field} is {found:#x}, {expected}")]
    LinuxHeader {
        /// The file.
        name: String,
        /// The header field.
        field: &'static str,
        /// What it says.
        found: u64,
        /// What it should be.
        expected: String,
    },
    /// The base given for a kernel is not where a kernel can be.
    #[error("{name}: a Linux image's memory must start at a multiple of {alignment:#x}, not at {address:#x}")]
    Alignment {
        /// The file.
        name: String,
        /// The address asked for.
        address: u64,
        /// What it has to be a multiple of.
        alignment: u64,
    },
    /// It is compressed in a way that is not undone here.
    #[error("{name}: compressed or wrapped as {format}; unpack it first")]
    Compressed {
        /// The file.
        name: String,
        /// The format.
        format: &'static str,
    },
    /// The gzip data is damaged, or unpacks to more than fits.
    #[error("{name}: cannot unpack gzip data: {reason}")]
    Gzip {
        /// The file.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// Part of it would be outside of RAM.
    #[error(
        "{name}: {what} of {length:#x} bytes at {address:#x} is outside RAM ({:#x}..{:#x})",
        ram.start, ram.end
    )]
    OutsideRam {
        /// The file.
        name: String,
        /// The part: "segment 1", "flat binary", ...
        what: String,
        /// Where it was to go.
        address: u64,
        /// Its length in memory, in bytes.
        length: u64,
        /// The physical addresses of RAM.
        ram: Range<u64>,
    },
    /// Part of it would overwrite what is there already.
    #[error(
        "{name}: {what} at {:#x}..{:#x} overlaps {other} at {:#x}..{:#x}",
        range.start, range.end, taken.start, taken.end
    )]
    Overlap {
        /// The file.
        name: String,
        /// The part.
        what: String,
        /// Where it was to go.
        range: Range<u64>,
        /// What is there.
        other: String,
        /// Where that is.
        taken: Range<u64>,
    },
    /// No gap in RAM is large enough.
    #[error(
        "{name}: no room for the {what} of {length:#x} bytes below {limit:#x} in RAM ({:#x}..{:#x})",
        ram.start, ram.end
    )]
    NoRoom {
        /// The file.
        name: String,
        /// What it is: "initial RAM disk", "device tree".
        what: &'static str,
        /// Its length in bytes.
        length: u64,
        /// The address below which it had to be.
        limit: u64,
        /// The physical addresses of RAM.
        ram: Range<u64>,
    },
}
