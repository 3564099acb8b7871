//! Sources for the assembler.

use std::io;
use std::path::Path;

use visa_asm::{Files, Options, assemble_with};
use visa_machine::loader::{ImageBase, Loader};
use visa_machine::memory_map::RAM_BASE;
use visa_mem::Ram;

/// Every file has the source's own second half.
struct SecondHalf<'b>(&'b [u8]);

impl Files for SecondHalf<'_> {
    fn read(&self, path: &Path, _: u64) -> io::Result<Vec<u8>> {
        match path.to_str() {
            Some("missing") => Err(io::ErrorKind::NotFound.into()),
            _ => Ok(self.0.to_vec()),
        }
    }
}

/// A source, assembled and written in every form, or its errors.
pub fn assembler(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let files = SecondHalf(&bytes[bytes.len() / 2..]);
    let has_control = |text: &str| text.contains(|letter: char| letter.is_control() && letter != '\n');
    match assemble_with(&text, "input.s", &Options::default(), &files) {
        Err(diagnostics) => {
            let (lines, shown) = (diagnostics.to_string(), diagnostics.render(false));
            assert!(!diagnostics.is_empty() && !lines.is_empty());
            assert!(!has_control(&lines.replace('\t', " ")), "{lines:?}");
            assert!(!has_control(&shown.replace('\t', " ")), "{shown:?}");
        }
        Ok(object) => {
            object.listing();
            let (plain, with_lines) = (object.to_elf(), object.to_elf_with_lines("/"));
            let flat = object.to_flat();
            let total: usize = object.sections.iter().map(|section| section.data.len()).sum();
            assert!(flat.len() >= total);
            for elf in [plain, with_lines] {
                let ram = Ram::new(RAM_BASE, 1 << 20).expect("the host has a megabyte");
                let loaded = Loader::new(&ram).load_image_bytes("input", &elf, ImageBase::at(RAM_BASE));
                // It may be too large for this memory, but nothing else is wrong with it.
                if let (Ok(loaded), Some(first)) = (loaded, object.sections.first()) {
                    assert_eq!(loaded.entry, object.entry);
                    assert_eq!(loaded.range.start, first.address);
                }
            }
        }
    }
}
