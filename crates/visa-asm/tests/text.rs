//! The text tests of tests/asm. A source states what its lines become, `#= ` before the bytes; a source in
//! tests/asm/errors has its messages in a file beside it. With VISA_BLESS=1 those files are written anew.

use std::path::{Path, PathBuf};
use visa_asm::{DisassembleOptions, Object, Options, Style, assemble, disassemble};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/asm")
}

fn sources(directory: &Path) -> Vec<(String, String)> {
    let mut list: Vec<(String, String)> = std::fs::read_dir(directory)
        .expect("the directory of text tests")
        .map(|entry| entry.expect("a directory entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "s"))
        .map(|path| {
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("a readable source"))
        })
        .collect();
    list.sort();
    assert!(!list.is_empty(), "no sources in {}", directory.display());
    list
}

fn assembled(name: &str, text: &str) -> Object {
    assemble(text, name, &Options::default()).unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

/// What a line became.
fn bytes_of(object: &Object, line: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in object.lines.iter().filter(|record| record.line == line) {
        let section = &object.sections[record.section];
        let start = (record.address - section.address) as usize;
        bytes.extend_from_slice(&section.data[start..start + record.size as usize]);
    }
    bytes
}

/// `0000800b 8082` as bytes in memory: each group is a little-endian number.
fn stated_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for group in text.split_whitespace() {
        let digits: Vec<u8> = (0..group.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&group[at..at + 2], 16).expect("hexadecimal"))
            .collect();
        bytes.extend(digits.iter().rev());
    }
    bytes
}

#[test]
fn lines_become_the_bytes_that_are_stated() {
    let mut checked = 0;
    for (name, text) in sources(&directory()) {
        let object = assembled(&name, &text);
        for (index, line) in text.lines().enumerate() {
            let Some((source, stated)) = line.split_once("#= ") else { continue };
            let line = index as u32 + 1;
            let found = bytes_of(&object, line);
            assert_eq!(found, stated_bytes(stated), "{name}:{line}: {}", source.trim());
            checked += 1;
        }
    }
    assert!(checked > 140, "{checked} lines state their bytes");
}

#[test]
fn sources_survive_disassembly_in_both_styles() {
    for (name, text) in sources(&directory()) {
        let object = assembled(&name, &text);
        for style in [Style::Abi, Style::Concept] {
            let options = DisassembleOptions { style, data: true, ..DisassembleOptions::default() };
            let shown = disassemble(&object.to_elf(), &options).expect("our own ELF");
            let again = assembled(&name, &shown);
            assert_eq!(again.sections.len(), object.sections.len(), "{name}\n{shown}");
            for (one, other) in object.sections.iter().zip(&again.sections) {
                assert!(one.data == other.data, "{name}: {} in {style:?}\n{shown}", one.name);
            }
        }
    }
}

#[test]
fn the_concept_file_has_every_instruction_of_our_own() {
    let text = std::fs::read_to_string(directory().join("concept.s")).expect("concept.s").to_lowercase();
    let is_used = |mnemonic: &str| text.lines().any(|line| line.split_whitespace().next() == Some(mnemonic));
    for row in visa_isa::table::ROWS.iter().filter(|row| row.group.is_visa()) {
        assert!(is_used(row.mnemonic), "{}", row.mnemonic);
    }
}

#[test]
fn the_concept_style_disassembles_to_the_concepts_names() {
    let text = std::fs::read_to_string(directory().join("concept.s")).expect("concept.s");
    let object = assembled("concept.s", &text);
    let options = DisassembleOptions { style: Style::Concept, addresses: false, ..Default::default() };
    let shown = disassemble(&object.to_elf(), &options).expect("our own ELF");
    for line in [
        "VMENTER R1",
        "MOV CR3, R1",
        "MOV R1, CR3",
        "HLT",
        "IN R1, 0x3f8",
        "OUT 0x3f8, R1",
        "MOV R1, VMCAUSE",
    ] {
        assert!(shown.lines().any(|found| found.trim() == line), "{line}\n{shown}");
    }
}

#[test]
fn errors_are_reported_as_expected() {
    let directory = directory().join("errors");
    for (name, text) in sources(&directory) {
        let errors = assemble(&text, &name, &Options::default()).expect_err("a source with errors");
        let found = format!("{errors}\n\n{}", errors.render(false));
        let path = directory.join(&name).with_extension("expected");
        if std::env::var_os("VISA_BLESS").is_some() {
            std::fs::write(&path, &found).expect("a writable expectation");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == expected, "{name}, with VISA_BLESS=1 to accept:\n{found}");
    }
}
