//! The initramfs that is booted: our archive with the workloads, and Debian's modules behind it.

use std::io::Read;

use object::{Object, ObjectSymbol};

/// Our archive, as it ships.
const WORKLOADS: &[u8] = include_bytes!("../../../guest/images/workloads.cpio.gz");

/// The name of the program in it.
const PROGRAM: &str = "init";

/// A header of the "newc" format: magic and thirteen fields of eight hexadecimal digits.
const HEADER_BYTES: usize = 110;
const MAGIC: &[u8] = b"070701";
const FIELD_FILE_SIZE: usize = 6;
const FIELD_NAME_SIZE: usize = 11;

/// Why the shipped archive is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be unpacked.
    #[error("guest/images/workloads.cpio.gz: {0}")]
    Unpack(#[from] std::io::Error),
    /// The program, or a symbol of it, is not there.
    #[error("guest/images/workloads.cpio.gz has no {0}; build it again with `cargo xtask workloads`")]
    Missing(&'static str),
}

/// The addresses that the host watches, in Ring 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Markers {
    /// /init begins.
    pub ready: u64,
    /// A workload begins; a0 is its place among the orders.
    pub begin: u64,
    /// A workload has ended; a1 is its checksum.
    pub end: u64,
}

/// The archive as it goes into the machine: ours, then that with the modules if any. The kernel unpacks archives that
/// are put behind each other.
pub fn initramfs(modules: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = WORKLOADS.to_vec();
    bytes.extend_from_slice(modules.unwrap_or_default());
    bytes
}

/// The program's markers.
pub fn markers() -> Result<Markers, ArchiveError> {
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(WORKLOADS).read_to_end(&mut unpacked)?;
    let program = entry(&unpacked, PROGRAM).ok_or(ArchiveError::Missing(PROGRAM))?;
    let program = object::File::parse(program).map_err(|_| ArchiveError::Missing(PROGRAM))?;
    let address = |name: &'static str| {
        let symbol = program.symbols().find(|symbol| symbol.name() == Ok(name));
        symbol.map(|symbol| symbol.address()).ok_or(ArchiveError::Missing(name))
    };
    Ok(Markers {
        ready: address("workload_ready")?,
        begin: address("workload_begin")?,
        end: address("workload_end")?,
    })
}

/// The contents of a file in a "newc" archive.
fn entry<'a>(archive: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut at = 0;
    while archive.get(at..)?.starts_with(MAGIC) {
        let field = |number: usize| {
            let start = at + MAGIC.len() + 8 * number;
            let digits = std::str::from_utf8(archive.get(start..start + 8)?).ok()?;
            usize::from_str_radix(digits, 16).ok()
        };
        let (file_bytes, name_bytes) = (field(FIELD_FILE_SIZE)?, field(FIELD_NAME_SIZE)?);
        let name_at = at + HEADER_BYTES;
        let contents_at = (name_at + name_bytes).next_multiple_of(4);
        let contents = archive.get(contents_at..contents_at + file_bytes)?;
        if archive.get(name_at..name_at + name_bytes)?.strip_suffix(b"\0")? == name.as_bytes() {
            return Some(contents);
        }
        at = (contents_at + file_bytes).next_multiple_of(4);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_archive_has_its_markers() {
        let markers = markers().unwrap();
        assert!(markers.ready != markers.begin && markers.begin != markers.end);
        assert!(initramfs(Some(b"070701")).ends_with(b"070701"));
    }

    #[test]
    fn every_workload_is_in_the_program() {
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(WORKLOADS).read_to_end(&mut unpacked).unwrap();
        let program = entry(&unpacked, PROGRAM).unwrap();
        for workload in &crate::workload::WORKLOADS {
            let name = [workload.name.as_bytes(), b"\0"].concat();
            assert!(program.windows(name.len()).any(|window| window == name), "{}", workload.name);
        }
        assert!(entry(&unpacked, "no such file").is_none());
    }
}
