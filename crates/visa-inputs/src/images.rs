//! Programs and kernels as the loader takes them.

use visa_asm::{DisassembleOptions, disassemble};
use visa_machine::loader::{ImageBase, Loader};
use visa_machine::memory_map::RAM_BASE;
use visa_mem::Ram;

const RAM_BYTES: u64 = 4 << 20;
const ELF_MAGIC: [u8; 4] = *b"\x7fELF";
/// Where a Linux kernel has its magic number (Documentation/arch/riscv/boot-image-header.rst).
const LINUX_MAGIC_AT: usize = 56;
const LINUX_MAGIC: [u8; 4] = *b"RSC\x05";

/// An ELF file: loaded, and disassembled.
pub fn elf(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    if let Some(start) = bytes.first_chunk_mut() {
        *start = ELF_MAGIC;
    }
    load(&bytes, 0);
    for data in [false, true] {
        let options = DisassembleOptions { data, ..DisassembleOptions::default() };
        // A damaged file is an error, and text may come of any other.
        drop(disassemble(&bytes, &options));
    }
}

/// A kernel's Image, gzip-compressed or not, or a flat binary.
pub fn image(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    load(&bytes, 0);
    if let Some(magic) = bytes.get_mut(LINUX_MAGIC_AT..LINUX_MAGIC_AT + LINUX_MAGIC.len()) {
        magic.copy_from_slice(&LINUX_MAGIC);
        load(&bytes, 0);
    }
}

fn load(bytes: &[u8], elf_offset: u64) {
    let ram = Ram::new(RAM_BASE, RAM_BYTES).expect("the host has a few megabytes");
    let mut loader = Loader::new(&ram);
    match loader.load_image_bytes("input", bytes, ImageBase { elf_offset, ..ImageBase::at(RAM_BASE) }) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(loaded) => {
            let memory = ram.base()..ram.end();
            assert!(
                loaded.range.start >= memory.start && loaded.range.end <= memory.end,
                "{:?}",
                loaded.range
            );
            for (name, range) in loader.placed() {
                assert!(range.start >= memory.start && range.end <= memory.end, "{name}: {range:?}");
            }
            for symbol in loaded.symbols.iter().take(100) {
                loaded.symbol_at(symbol.address);
            }
            loaded.symbol_at(loaded.entry);
            // Whatever is loaded, there may be room for something else, but not in the same place.
            if let Ok(other) = loader.load_high("other", "other", &[1; 100], memory.end) {
                assert!(other.end <= loaded.range.start || other.start >= loaded.range.end);
            }
        }
    }
}
