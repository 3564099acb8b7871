//! Files beside the source: where they come from, and how much may be read.

mod directive;

use std::io;
use std::path::Path;

/// The most bytes that a source may have, all files that it includes counted.
pub const MOST_SOURCE_BYTES: u64 = 64 << 20;

/// Where files come from.
pub trait Files {
    /// Reads a file. One of more than `most` bytes is an error, and is not read whole.
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>>;
}

/// No files: a source stands alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &Path, _: u64) -> io::Result<Vec<u8>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this source is assembled without access to files"))
    }
}
