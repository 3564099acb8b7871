//! `visa asm` and `visa dis`.

use crate::{Place, assert_code, text, visa};

#[test]
fn assembles_to_each_format_and_back() {
    let place = Place::new();
    let source = place.write("guest.s", "_start: li R1, 5\n MOV CR3, R1 ; a comment\n HLT\n");
    let output = visa().arg("asm").arg(&source).output().unwrap();
    assert_code(&output, 0);
    assert_eq!(std::fs::read(place.path("guest.elf")).unwrap()[..4], *b"\x7fELF");

    let flat = visa().args(["asm", "-o", "-", "--format", "bin"]).arg(&source).output().unwrap();
    // addi ra, zero, 5; csrrw zero, satp, ra; wfi
    let words: [u32; 3] = [0x0050_0093, 0x1800_9073, 0x1050_0073];
    assert_eq!(flat.stdout, words.map(u32::to_le_bytes).concat());

    let listing = visa().args(["asm", "--format", "listing"]).arg(&source).output().unwrap();
    assert!(text(&listing.stdout).contains("MOV CR3, R1"), "{}", text(&listing.stdout));

    let concept = visa().args(["dis", "--concept"]).arg(place.path("guest.elf")).output().unwrap();
    assert_code(&concept, 0);
    assert!(text(&concept.stdout).contains("MOV CR3, R1"), "{}", text(&concept.stdout));
    assert!(text(&concept.stdout).contains("HLT"), "{}", text(&concept.stdout));
}

#[test]
fn all_errors_of_a_source_come_at_once_and_nothing_is_written() {
    let place = Place::new();
    let source = place.write("bad.s", "VMENTRE R1\n nop\n addi a0, a0, 5000\n");
    let output = visa().arg("asm").arg(&source).output().unwrap();
    assert_code(&output, 1);
    let errors = text(&output.stderr);
    assert!(errors.contains("bad.s:1:1") && errors.contains("bad.s:3:"), "{errors}");
    assert!(!place.path("bad.elf").exists());
}

#[test]
fn a_source_is_not_overwritten() {
    let place = Place::new();
    let source = place.write("guest.elf", "nop\n");
    let output = visa().arg("asm").arg(&source).output().unwrap();
    assert_code(&output, 1);
    assert_eq!(std::fs::read(source).unwrap(), b"nop\n");
}
