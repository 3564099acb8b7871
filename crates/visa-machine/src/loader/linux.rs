//! Flat Linux kernels: the header that every RISC-V `Image` starts with (Linux, "Boot image header in RISC-V Linux"),
//! and the compressions that they come in.

use std::io::Read;

use flate2::read::GzDecoder;

use super::error::LoadError;
use super::placement::{ImageKind, LoadedImage, Loader};

const HEADER_BYTES: usize = 64;
const TEXT_OFFSET: usize = 8;
const IMAGE_SIZE: usize = 16;
const FLAGS: usize = 24;
const MAGIC2: usize = 56;
const MAGIC2_VALUE: &[u8; 4] = b"RSC\x05";
/// Flags bit 0: the kernel is big-endian.
const FLAG_BIG_ENDIAN: u64 = 1 << 0;
/// A 64-bit kernel maps itself with 2 MiB pages.
const BASE_ALIGNMENT: u64 = 2 << 20;

const GZIP_MAGIC: &[u8] = &[0x1F, 0x8B];

/// The fields of the header that matter for loading.
pub(super) struct Header {
    text_offset: u64,
    /// Memory that the kernel needs, in bytes, its cleared part included; 0 in kernels that do not say.
    image_size: u64,
    flags: u64,
}

impl Header {
    /// The header, if `bytes` start with one.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_BYTES)?;
        let field = |offset: usize| {
            let bytes = header[offset..].first_chunk::<8>().expect("the fields are inside the header");
            u64::from_le_bytes(*bytes)
        };
        header[MAGIC2..].starts_with(MAGIC2_VALUE).then(|| Self {
            text_offset: field(TEXT_OFFSET),
            image_size: field(IMAGE_SIZE),
            flags: field(FLAGS),
        })
    }
}

/// Places a kernel `text_offset` above `base`.
pub(super) fn load(
    loader: &mut Loader<'_>,
    name: &str,
    bytes: &[u8],
    header: &Header,
    base: u64,
) -> Result<LoadedImage, LoadError> {
    let wrong =
        |field, found, expected| Err(LoadError::LinuxHeader { name: name.into(), field, found, expected });
    if header.flags & FLAG_BIG_ENDIAN != 0 {
        return wrong("flags", header.flags, "and must not have bit 0 (big-endian)".into());
    }
    let file_bytes = bytes.len() as u64;
    if header.image_size != 0 && header.image_size < file_bytes {
        return wrong("image_size", header.image_size, format!("less than the file's {file_bytes:#x} bytes"));
    }
    if !base.is_multiple_of(BASE_ALIGNMENT) {
        return Err(LoadError::Alignment { name: name.into(), address: base, alignment: BASE_ALIGNMENT });
    }
    let Some(address) = base.checked_add(header.text_offset) else {
        return wrong("text_offset", header.text_offset, "beyond the end of the address space".into());
    };
    let length = header.image_size.max(file_bytes);
    let range = loader.place(name, "kernel", address, bytes, length)?;
    Ok(LoadedImage { kind: ImageKind::LinuxImage, entry: range.start, range, symbols: Vec::new() })
}

/// Whether the content is gzip data.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(GZIP_MAGIC)
}

/// Unpacks gzip data, to at most `limit` bytes.
pub(super) fn unpack_gzip(name: &str, bytes: &[u8], limit: u64) -> Result<Vec<u8>, LoadError> {
    let failed = |reason: String| LoadError::Gzip { name: name.into(), reason };
    let mut unpacked = Vec::new();
    // One byte more than fits tells "too large" from "just fits".
    GzDecoder::new(bytes)
        .take(limit.saturating_add(1))
        .read_to_end(&mut unpacked)
        .map_err(|error| failed(error.to_string()))?;
    if unpacked.len() as u64 > limit {
        return Err(failed(format!("it unpacks to more than the {limit:#x} bytes of RAM")));
    }
    if unpacked.is_empty() {
        return Err(failed("it unpacks to nothing".into()));
    }
    Ok(unpacked)
}

/// Kernels also come in compressions and wrappers that would be run as garbage if taken for flat binaries.
pub(super) fn refuse_other_compressions(name: &str, bytes: &[u8]) -> Result<(), LoadError> {
    const FORMATS: [(&[u8], usize, &str); 6] = [
        (b"zimg", 4, "EFI zboot"),
        (&[0x28, 0xB5, 0x2F, 0xFD], 0, "zstd"),
        (&[0xFD, b'7', b'z', b'X', b'Z'], 0, "xz"),
        (&[0x04, 0x22, 0x4D, 0x18], 0, "LZ4"),
        (b"BZh", 0, "bzip2"),
        (&[0x02, 0x21, 0x4C, 0x18], 0, "LZ4 (legacy)"),
    ];
    match FORMATS.iter().find(|(magic, at, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(magic))) {
        Some((_, _, format)) => Err(LoadError::Compressed { name: name.into(), format }),
        None => Ok(()),
    }
}
