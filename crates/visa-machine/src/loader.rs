//! What goes where in RAM before the first instruction: images, initial RAM disk, device tree.
//!
//! An image is what its content says it is, whatever its name: an ELF, a Linux `Image` (possibly gzip-compressed), or
//! else a flat binary. Every byte placed is checked to be inside RAM and to overlap nothing placed before.
//!
//! ```text
//! low  ── hypervisor ── kernel image ──        ...        ── device tree ── initrd ── high
//! ```

mod elf;
mod error;
mod linux;
mod placement;

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

pub use error::LoadError;
pub use placement::{ImageBase, ImageKind, LoadedImage, Loader, Symbol};

/// What does not say its length is read up to so many bytes.
const STREAM_BYTES_MAX: u64 = 256 << 20;

/// A file is read if it is no longer than this or than RAM, in bytes.
const FILE_BYTES_ALWAYS: u64 = 1 << 30;

impl Loader<'_> {
    /// Loads the image in the file `path`.
    pub fn load_image(&mut self, path: &Path, base: ImageBase) -> Result<LoadedImage, LoadError> {
        let bytes = self.read_file(path)?;
        self.load_image_bytes(&path.display().to_string(), &bytes, base)
    }

    /// Loads an image that is in memory already. `name` is what errors call it.
    pub fn load_image_bytes(
        &mut self,
        name: &str,
        bytes: &[u8],
        base: ImageBase,
    ) -> Result<LoadedImage, LoadError> {
        if bytes.is_empty() {
            return Err(LoadError::Empty { name: name.into() });
        }
        if linux::is_gzip(bytes) {
            let unpacked = linux::unpack_gzip(name, bytes, self.ram.size())?;
            return self.load_unpacked(name, &unpacked, base);
        }
        self.load_unpacked(name, bytes, base)
    }

    fn read_file(&self, path: &Path) -> Result<Vec<u8>, LoadError> {
        // What is no part of what is loaded, an ELF's debug information above all, may be much larger.
        let bytes_max = self.ram.size().max(FILE_BYTES_ALWAYS);
        let bytes =
            read_at_most(path, bytes_max).map_err(|source| LoadError::Read { path: path.into(), source })?;
        bytes.ok_or_else(|| LoadError::TooLong { path: path.into(), bytes_max })
    }

    fn load_unpacked(&mut self, name: &str, bytes: &[u8], base: ImageBase) -> Result<LoadedImage, LoadError> {
        if elf::is_elf(bytes) {
            return elf::load(self, name, bytes, base.elf_offset);
        }
        linux::refuse_other_compressions(name, bytes)?;
        if let Some(header) = linux::Header::parse(bytes) {
            return linux::load(self, name, bytes, &header, base.address);
        }
        let range = self.place(name, "flat binary", base.flat, bytes, bytes.len() as u64)?;
        Ok(LoadedImage { kind: ImageKind::Flat, entry: range.start, range, symbols: Vec::new() })
    }

    /// Loads the initial RAM disk in the file `path`, page-aligned, as high as it goes below `limit`.
    pub fn load_initrd(&mut self, path: &Path, limit: u64) -> Result<Range<u64>, LoadError> {
        let bytes = self.read_file(path)?;
        self.load_high(&path.display().to_string(), "initial RAM disk", &bytes, limit)
    }
}

/// Reads a file that may be anything: no more of it than so many bytes. `None`: it is longer.
pub fn read_at_most(path: &Path, bytes_max: u64) -> std::io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    // A device, or a pipe, does not say how much comes.
    let bytes_max = if about.is_file() { bytes_max } else { bytes_max.min(STREAM_BYTES_MAX) };
    let length = about.len();
    if length > bytes_max {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
}
