//! What the disassembler prints assembles back to the same bytes.

use proptest::prelude::*;
use std::path::Path;
use std::process::Command;
use visa_asm::{DisassembleOptions, Options, Style, assemble, disassemble, format_instruction_in};
use visa_isa::table::ROWS;

/// A small deterministic generator (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// Disassembles flat bytes and assembles the text.
fn there_and_back(bytes: &[u8], style: Style) -> Vec<u8> {
    let options = DisassembleOptions { style, ..DisassembleOptions::default() };
    let text = disassemble(bytes, &options).expect("flat bytes");
    match assemble(&text, "round-trip.s", &Options::default()) {
        Ok(object) => object.to_flat(),
        Err(errors) => {
            panic!("{}\n{}", errors.render(false), text.lines().take(40).collect::<Vec<_>>().join("\n"))
        }
    }
}

fn check(bytes: &[u8]) {
    for style in [Style::Abi, Style::Concept] {
        let again = there_and_back(bytes, style);
        if again == bytes {
            continue;
        }
        let at = again.iter().zip(bytes).position(|(a, b)| a != b).unwrap_or(again.len().min(bytes.len()));
        panic!("{style:?} differs at {at:#x} of {:#x}", bytes.len());
    }
}

#[test]
fn every_row_with_random_operands() {
    let mut random = Random(7);
    let mut bytes = Vec::new();
    for row in ROWS {
        for _ in 0..200 {
            let word = random.next() as u32 & !row.bits.mask | row.bits.value;
            bytes.extend_from_slice(&word.to_le_bytes());
        }
    }
    check(&bytes);
}

#[test]
fn fences_with_reserved_fields() {
    let mut random = Random(5);
    let words = (0..4000).map(|_| random.next() as u32 & !0x607f | 0x0f);
    let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    check(&bytes);
    assert_eq!(format_instruction_in(Style::Abi, 0x0ff0_008f, 0), ".insn 4, 0x0ff0008f");
    assert_eq!(format_instruction_in(Style::Abi, 0x0ff0_000f, 0), "fence iorw, iorw");
}

#[test]
fn every_compressed_word() {
    let halves = (0..=u16::MAX).filter(|half| half & 3 != 3);
    let bytes: Vec<u8> = halves.flat_map(u16::to_le_bytes).collect();
    check(&bytes);
}

#[test]
fn every_instruction_alone_at_its_address() {
    // Formatted with an absolute target, assembled at the same address.
    let mut random = Random(11);
    for row in ROWS {
        for _ in 0..8 {
            let word = random.next() as u32 & !row.bits.mask | row.bits.value;
            for style in [Style::Abi, Style::Concept] {
                let text = format_instruction_in(style, word, 0x8000_0000);
                let object = assemble(&text, "one.s", &Options::default())
                    .unwrap_or_else(|errors| panic!("{text}: {errors}"));
                assert_eq!(object.to_flat(), word.to_le_bytes(), "{text}");
            }
        }
    }
}

proptest! {
    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn random_words_of_known_opcodes(words in proptest::collection::vec((any::<u32>(), 0..ROWS.len()), 0..100)) {
        let bytes: Vec<u8> = words
            .iter()
            .flat_map(|&(word, row)| {
                // Opcode and funct3 of a row, the rest at random.
                let mask = ROWS[row].bits.mask & 0x707f;
                (word & !mask | ROWS[row].bits.value & mask).to_le_bytes()
            })
            .collect();
        check(&bytes);
    }

    #[test]
    fn elf_files_with_damage_are_an_error_or_text(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        length in any::<prop::sample::Index>(),
    ) {
        let source = "_start: nop\n j _start\n .data\n .word 1\n .bss\n .space 100\n";
        let mut elf = assemble(source, "a.s", &Options::default()).expect("a good source").to_elf();
        let index = at.index(elf.len());
        elf[index] = value;
        elf.truncate(length.index(elf.len() * 4).min(elf.len()));
        let options = DisassembleOptions { data: true, ..DisassembleOptions::default() };
        let _ = disassemble(&elf, &options);
    }
}

/// A program of a C compiler, if one is installed: its code and data come back byte for byte.
#[test]
fn a_compiled_program() {
    const COMPILER: &str = "riscv64-unknown-elf-gcc";
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, output) = (directory.join("compiled.c"), directory.join("compiled.elf"));
    let text = r#"
        #include <stdint.h>
        static const char *const names[] = { "one", "two", "three" };
        volatile double scale = 1.5;
        static uint64_t table[64];
        static int classify(int value) {
            switch (value) { case 0: return 7; case 1: return 9; case 2: return 11; case 3: return 1; case 4: return 5; }
            return value * 3;
        }
        uint64_t sum(const uint64_t *list, int count) {
            uint64_t total = 0;
            for (int i = 0; i < count; i++) total += list[i] ^ classify(i) + (uint64_t)(scale * i);
            return total;
        }
        const char *name(int index) { return names[index % 3]; }
        void _start(void) { for (int i = 0; i < 64; i++) table[i] = sum(table, i); for (;;) ; }
    "#;
    std::fs::write(&source, text).expect("a writable directory");
    for level in ["-O0", "-O2", "-Os"] {
        let run = Command::new(COMPILER)
            .args([level, "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-nostdlib", "-ffreestanding"])
            .args([source.as_os_str(), "-o".as_ref(), output.as_os_str()])
            .status();
        let Ok(status) = run else {
            eprintln!("skipped: {COMPILER} is not installed");
            return;
        };
        assert!(status.success(), "{COMPILER} {level}");
        let elf = std::fs::read(&output).expect("the compiler's output");
        for style in [Style::Abi, Style::Concept] {
            let options = DisassembleOptions { data: true, style, ..DisassembleOptions::default() };
            let text = disassemble(&elf, &options).expect("the compiler's ELF");
            assert!(text.contains("_start:"), "{text}");
            let object = assemble(&text, "compiled.s", &Options::default())
                .unwrap_or_else(|errors| panic!("{}", errors.render(false)));
            compare(&elf, &object, level);
        }
    }
}

/// The images that ship with the project: compiled Rust, and our own assembly.
#[test]
fn the_shipped_images() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/images");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("a directory entry").path();
        if path.extension().is_none_or(|extension| extension != "elf") {
            continue;
        }
        let elf = std::fs::read(&path).expect("an image");
        let options = DisassembleOptions { data: true, ..DisassembleOptions::default() };
        let text = disassemble(&elf, &options).expect("an ELF file");
        let object = assemble(&text, "image.s", &Options::default())
            .unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        compare(&elf, &object, &path.display().to_string());
        count += 1;
    }
    assert!(count > 0, "no images");
}

/// Every section that is loaded has the same bytes.
fn compare(elf: &[u8], assembled: &visa_asm::Object, level: &str) {
    use object::{Object, ObjectSection, SectionFlags};
    let file = object::File::parse(elf).expect("the compiler's ELF");
    let mut compared = 0;
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
        if !sh_flags.contains(object::elf::SHF_ALLOC) || section.size() == 0 {
            continue;
        }
        let name = section.name().expect("a name");
        let found = assembled.section(name).unwrap_or_else(|| panic!("{level}: no {name}"));
        assert!(found.data == section.data().expect("bytes"), "{level}: {name}");
        assert_eq!(found.size, section.size(), "{level}: {name}");
        compared += 1;
    }
    assert!(compared >= 1, "{level}: {compared} sections");
}
