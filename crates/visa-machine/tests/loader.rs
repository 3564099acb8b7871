//! Images good and bad. ELFs are written out field by field (ELF-64 object file format, chapters 2 to 8).

use std::error::Error;
use std::io::Write;
use std::path::Path;

use visa_machine::loader::{ImageBase, ImageKind, LoadError, LoadedImage, Loader};
use visa_mem::Ram;

const RAM: u64 = 0x8000_0000;
const RAM_BYTES: u64 = 8 << 20;

fn ram() -> Ram {
    Ram::new(RAM, RAM_BYTES).expect("RAM")
}

/// One program header: type, file offset, virtual and physical address, file and memory size.
type Program = (u32, u64, u64, u64, u64, u64);

const LOAD: u32 = 1;

/// An executable with these program headers; after them, at 0x200, the text 1, 2, 3, ... 64.
fn elf(entry: u64, programs: &[Program]) -> Vec<u8> {
    let mut bytes = vec![0x7F, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend(2u16.to_le_bytes()); // executable
    bytes.extend(243u16.to_le_bytes()); // RISC-V
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(entry.to_le_bytes());
    bytes.extend(64u64.to_le_bytes()); // program headers follow
    bytes.extend(0u64.to_le_bytes()); // no sections
    bytes.extend(5u32.to_le_bytes());
    for half in [64, 56, programs.len() as u16, 64, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    for (kind, offset, virtual_address, physical, in_file, in_memory) in programs {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(7u32.to_le_bytes());
        for field in [offset, virtual_address, physical, in_file, in_memory, &0x1000] {
            bytes.extend(field.to_le_bytes());
        }
    }
    bytes.resize(0x200, 0);
    bytes.extend(1..=64u8);
    bytes
}

fn load(ram: &Ram, bytes: &[u8]) -> Result<LoadedImage, LoadError> {
    Loader::new(ram).load_image_bytes("kernel", bytes, ImageBase::at(RAM))
}

fn error(bytes: &[u8]) -> String {
    load(&ram(), bytes).expect_err("an error").to_string()
}

#[test]
fn an_elf_goes_to_its_physical_addresses() {
    let ram = ram();
    ram.fill(0, RAM_BYTES, 0xEE).unwrap();
    let image = elf(
        0xFFFF_FFFF_8000_0004,
        &[
            (LOAD, 0x200, 0xFFFF_FFFF_8000_0000, RAM + 0x1000, 8, 16),
            (4, 0, 0, 0, 0, 0),    // a note
            (LOAD, 0, 0, 0, 0, 0), // an empty segment
            (LOAD, 0x208, 0x5000, RAM + 0x5000, 4, 4),
        ],
    );
    let loaded = load(&ram, &image).unwrap();
    assert_eq!(loaded.kind, ImageKind::Elf);
    assert_eq!(loaded.entry, RAM + 0x1004, "the entry point, as a physical address");
    assert_eq!(loaded.range, RAM + 0x1000..RAM + 0x5004);
    let mut text = [0; 18];
    ram.read_bytes(0x0FFF, &mut text).unwrap();
    assert_eq!(
        text,
        [0xEE, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0xEE],
        "zeros up to its memory size"
    );
    assert_eq!(ram.load_u32(0x5000), Some(u32::from_le_bytes([9, 10, 11, 12])));
}

#[test]
fn an_elf_can_be_moved() {
    let ram = ram();
    let image = elf(0x1000, &[(LOAD, 0x200, 0x1000, 0x1000, 8, 8)]);
    let base = ImageBase { elf_offset: RAM, ..ImageBase::at(0) };
    let loaded = Loader::new(&ram).load_image_bytes("kernel", &image, base).unwrap();
    assert_eq!((loaded.entry, loaded.range), (RAM + 0x1000, RAM + 0x1000..RAM + 0x1008));
}

#[test]
fn file_headers_before_ram_are_left_out() {
    let ram = ram();
    // The headers in a page of their own before the text, as a linker puts them that was told only where the text is.
    let mut image = elf(RAM, &[(LOAD, 0, RAM - 0x200, RAM - 0x200, 0x240, 0x240)]);
    let loaded = load(&ram, &image).unwrap();
    assert_eq!((loaded.entry, loaded.range), (RAM, RAM..RAM + 0x40));
    assert_eq!(ram.load_u32(0), Some(0x0403_0201));
    image[0x1FF] = 1; // something that is neither header nor padding
    assert!(error(&image).contains("segment 0 of 0x240 bytes at 0x7ffffe00 is outside RAM"));
}

#[test]
fn every_truncation_of_an_elf_is_an_error() {
    let image = elf(RAM, &[(LOAD, 0x200, RAM, RAM, 64, 64)]);
    assert!(load(&ram(), &image).is_ok());
    for length in 4..image.len() {
        let message = error(&image[..length]);
        assert!(message.starts_with("kernel: "), "{message}");
    }
    assert_eq!(
        error(&image[..0x220]),
        "kernel: truncated ELF: segment 0 is 0x40 bytes at file offset 0x200, but the file has 0x220 bytes"
    );
}

#[test]
fn elfs_for_other_machines_are_named() {
    let with = |at: usize, value: u8| {
        let mut image = elf(RAM, &[(LOAD, 0x200, RAM, RAM, 8, 8)]);
        image[at] = value;
        error(&image)
    };
    assert!(with(4, 1).contains("class is 1, expected 2 (64-bit)"));
    assert!(with(5, 2).contains("data encoding is 2, expected 1"));
    assert!(with(18, 62).contains("machine is 62, expected 243 (RISC-V)"));
    assert!(with(16, 1).contains("type is 1, expected 2 (executable)"));
}

#[test]
fn segments_must_make_sense() {
    let of = |programs: &[Program]| error(&elf(RAM, programs));
    assert_eq!(of(&[]), "kernel: the ELF has no loadable segment");
    assert_eq!(
        of(&[(LOAD, 0x200, RAM, RAM, 16, 8)]),
        "kernel: segment 0 has 0x10 bytes in the file but only 0x8 in memory"
    );
    assert_eq!(
        of(&[(LOAD, 0x200, RAM, 0x1000, 8, 8)]),
        "kernel: segment 0 of 0x8 bytes at 0x1000 is outside RAM (0x80000000..0x80800000)"
    );
    let huge = of(&[(LOAD, 0x200, RAM, RAM, 8, u64::MAX)]);
    assert!(huge.contains("of 0xffffffffffffffff bytes at 0x80000000 is outside RAM"), "{huge}");
    assert_eq!(
        of(&[(LOAD, 0x200, RAM, RAM, 8, 0x100), (LOAD, 0x200, 0, RAM + 0xFF, 8, 8)]),
        "kernel: segment 1 at 0x800000ff..0x80000107 overlaps kernel (segment 0) at 0x80000000..0x80000100"
    );
    assert_eq!(
        error(&elf(0x1234, &[(LOAD, 0x200, RAM, RAM, 8, 8)])),
        "kernel: the entry point 0x1234 is in none of the ELF's loadable segments"
    );
    assert!(of(&[(LOAD, u64::MAX - 3, RAM, RAM, 8, 8)]).contains("truncated ELF: segment 0"));
}

/// Symbols need sections, so this one is written by the library and read back.
#[test]
fn symbols_come_in_order() {
    use object::write::{Object, Symbol, SymbolSection};
    use object::{Architecture, BinaryFormat, Endianness, SymbolFlags, SymbolKind, SymbolScope};
    let mut writer = Object::new(BinaryFormat::Elf, Architecture::Riscv64, Endianness::Little);
    for (name, value, size, kind) in [
        (&b"tohost"[..], RAM + 0x100, 8, SymbolKind::Data),
        (b"main", RAM + 0x10, 0x20, SymbolKind::Text),
        (b"$x", RAM, 0, SymbolKind::Text),
        (b".L0", RAM, 0, SymbolKind::Text),
        (b"_start", RAM, 0, SymbolKind::Text),
    ] {
        writer.add_symbol(Symbol {
            name: name.to_vec(),
            value,
            size,
            kind,
            scope: SymbolScope::Linkage,
            weak: false,
            section: SymbolSection::Absolute,
            flags: SymbolFlags::None,
        });
    }
    let mut image = writer.write().expect("an object");
    // Make it an executable with one segment, its program header behind everything else.
    image.resize(image.len().next_multiple_of(8), 0);
    let header = image.len() as u64;
    let donor = elf(RAM, &[(LOAD, 0, RAM, RAM, 64, 0x200)]);
    image.extend(&donor[64..120]);
    image[16] = 2;
    image[24..32].copy_from_slice(&RAM.to_le_bytes());
    image[32..40].copy_from_slice(&header.to_le_bytes());
    image[54..58].copy_from_slice(&[56, 0, 1, 0]);

    let loaded = load(&ram(), &image).expect("loads");
    let names: Vec<&str> = loaded.symbols.iter().map(|symbol| symbol.name.as_str()).collect();
    assert_eq!(names, ["_start", "main", "tohost"]);
    assert_eq!(loaded.symbol("tohost"), Some(RAM + 0x100));
    assert_eq!(loaded.symbol("nothing"), None);
    let at = |address| loaded.symbol_at(address).map(|symbol| symbol.name.as_str());
    assert_eq!(at(RAM + 8), Some("_start"));
    assert_eq!(at(RAM + 0x2F), Some("main"));
    assert_eq!(at(RAM + 0x30), None, "behind main's end");
    assert_eq!(at(RAM - 1), None);
}

/// A Linux `Image`: header, then the bytes 9.
fn linux(text_offset: u64, image_size: u64, flags: u64) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[8..16].copy_from_slice(&text_offset.to_le_bytes());
    bytes[16..24].copy_from_slice(&image_size.to_le_bytes());
    bytes[24..32].copy_from_slice(&flags.to_le_bytes());
    bytes[48..56].copy_from_slice(b"RISCV\0\0\0");
    bytes[56..60].copy_from_slice(b"RSC\x05");
    bytes.extend([9; 64]);
    bytes
}

#[test]
fn a_linux_image_goes_above_its_text_offset() {
    let ram = ram();
    ram.fill(0, RAM_BYTES, 0xEE).unwrap();
    let loaded = load(&ram, &linux(0x20_0000, 0x1000, 0)).unwrap();
    assert_eq!(loaded.kind, ImageKind::LinuxImage);
    assert_eq!((loaded.entry, loaded.range), (RAM + 0x20_0000, RAM + 0x20_0000..RAM + 0x20_1000));
    assert_eq!(ram.load_u16(0x20_0000), Some(u16::from_le_bytes(*b"MZ")));
    assert_eq!(ram.load_u8(0x20_007F), Some(9));
    assert_eq!(ram.load_u8(0x20_0080), Some(0), "its cleared part");
    let unsized_kernel = load(&self::ram(), &linux(0, 0, 0)).unwrap();
    assert_eq!(unsized_kernel.range, RAM..RAM + 128);
}

#[test]
fn bad_linux_images_are_named() {
    assert!(error(&linux(0, 0, 1)).contains("flags is 0x1"));
    assert!(error(&linux(0, 64, 0)).contains("image_size is 0x40, less than the file's 0x80 bytes"));
    assert!(error(&linux(u64::MAX, 0, 0)).contains("text_offset is 0xffffffffffffffff"));
    assert!(error(&linux(0, 0x80_0001, 0)).contains("kernel of 0x800001 bytes at 0x80000000 is outside RAM"));
    let ram = ram();
    let crooked = Loader::new(&ram).load_image_bytes("kernel", &linux(0, 0, 0), ImageBase::at(RAM + 0x1000));
    assert!(crooked.unwrap_err().to_string().contains("multiple of 0x200000, not at 0x80001000"));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_is_undone_within_bounds() {
    let packed = gzip(&linux(0x20_0000, 0x1000, 0));
    assert_eq!(load(&ram(), &packed).unwrap().kind, ImageKind::LinuxImage);
    assert!(error(&packed[..packed.len() / 2]).contains("cannot unpack gzip data"));
    let bomb = gzip(&vec![0; RAM_BYTES as usize + 1]);
    assert!(error(&bomb).contains("more than the 0x800000 bytes of RAM"));
    assert!(error(&gzip(&[])).contains("unpacks to nothing"));
}

#[test]
fn other_compressions_are_named() {
    assert_eq!(error(&[0x28, 0xB5, 0x2F, 0xFD, 0]), "kernel: compressed or wrapped as zstd; unpack it first");
    assert_eq!(error(b"MZ\0\0zimg1234"), "kernel: compressed or wrapped as EFI zboot; unpack it first");
}

#[test]
fn anything_else_is_a_flat_binary() {
    let ram = ram();
    let base = ImageBase::at(RAM + 0x100);
    let loaded = Loader::new(&ram).load_image_bytes("flat", &[0x13, 0, 0, 0], base).unwrap();
    assert_eq!((loaded.kind, loaded.entry), (ImageKind::Flat, RAM + 0x100));
    assert_eq!(ram.load_u32(0x100), Some(0x13));
    let outside = Loader::new(&ram).load_image_bytes("flat", &[1, 2], ImageBase::at(RAM + RAM_BYTES - 1));
    assert!(
        outside.unwrap_err().to_string().contains("flat binary of 0x2 bytes at 0x807fffff is outside RAM")
    );
    assert_eq!(error(&[]), "kernel: the file is empty");
}

#[test]
fn high_things_go_below_the_limit_into_gaps() {
    let ram = ram();
    let mut loader = Loader::new(&ram);
    let end = RAM + RAM_BYTES;
    assert_eq!(
        loader.load_high("initrd", "initial RAM disk", &[7; 0x1001], u64::MAX).unwrap(),
        end - 0x2000..end - 0xFFF
    );
    assert_eq!(
        loader.load_high("dtb", "device tree", &[8; 16], end).unwrap(),
        end - 0x3000..end - 0x3000 + 16
    );
    loader.reserve("hypervisor", RAM..RAM + 0x20_0000).unwrap();
    let low = loader.load_high("low", "device tree", &[1], RAM + 0x20_1000).unwrap();
    assert_eq!(low, RAM + 0x20_0000..RAM + 0x20_0001);
    let full = loader.load_high("lower", "device tree", &[1], RAM + 0x20_1000).unwrap_err();
    assert_eq!(
        full.to_string(),
        "lower: no room for the device tree of 0x1 bytes below 0x80201000 in RAM (0x80000000..0x80800000)"
    );
    assert!(loader.load_high("", "device tree", &[1], 0).is_err());
    assert_eq!(loader.placed().len(), 4);
    assert_eq!(ram.load_u8(RAM_BYTES - 0x1000), Some(7));
}

#[test]
fn reservations_keep_images_out() {
    let ram = ram();
    let mut loader = Loader::new(&ram);
    loader.reserve("visor", RAM..RAM + 0x1000).unwrap();
    let overlap = loader.load_image_bytes("flat", &[1], ImageBase::at(RAM + 0xFFF)).unwrap_err();
    assert_eq!(
        overlap.to_string(),
        "flat: flat binary at 0x80000fff..0x80001000 overlaps visor (reservation) at 0x80000000..0x80001000"
    );
    assert!(loader.reserve("outside", 0..1).is_err());
    #[allow(clippy::reversed_empty_ranges, reason = "that is the point")]
    let backwards = RAM + 2..RAM + 1;
    assert!(loader.reserve("backwards", backwards).is_err());
}

#[test]
fn files_are_named_in_errors() {
    let ram = ram();
    let mut loader = Loader::new(&ram);
    let missing = loader.load_image(Path::new("/nowhere/kernel"), ImageBase::at(RAM)).unwrap_err();
    // The reason is told once: by whoever tells the source.
    assert_eq!(missing.to_string(), "/nowhere/kernel");
    assert!(missing.source().unwrap().to_string().contains("No such file"));
    let endless = loader.load_image(Path::new("/dev/zero"), ImageBase::at(RAM)).unwrap_err();
    assert!(matches!(endless, LoadError::TooLong { .. }), "{endless}");
    let directory = std::env::temp_dir().join(format!("visa-loader-test-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let big = directory.join("initrd");
    std::fs::write(&big, vec![0; RAM_BYTES as usize + 1]).unwrap();
    let too_big = loader.load_initrd(&big, u64::MAX).unwrap_err().to_string();
    let empty = directory.join("empty");
    std::fs::write(&empty, []).unwrap();
    let nothing = loader.load_initrd(&empty, u64::MAX).unwrap_err().to_string();
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(too_big.contains("initrd: no room for the initial RAM disk of 0x800001 bytes"), "{too_big}");
    assert!(nothing.ends_with("empty: the file is empty"), "{nothing}");
}

proptest::proptest! {
    /// Damaged headers are errors, or load something inside RAM; never a panic.
    #[test]
    fn damaged_elfs_do_not_panic(damage in proptest::collection::vec((0usize..0x200, proptest::num::u8::ANY), 1..8)) {
        let mut image = elf(RAM, &[(LOAD, 0x200, RAM, RAM, 64, 64), (LOAD, 0x200, 0, RAM + 0x1000, 8, 8)]);
        for (at, value) in damage {
            image[at] = value;
        }
        let _ = load(&ram(), &image);
    }
}
