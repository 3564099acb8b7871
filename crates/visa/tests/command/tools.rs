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

#[test]
fn a_source_runs_as_it_is() {
    let place = Place::new();
    place.write("finish.inc", "li t0, 0x100000\nsw t1, 0(t0)\n9: j 9b\n");
    let source = place.write("guest.s", "_start: li t1, (7 << 16) | 0x3333\n.include \"finish.inc\"\n");
    assert_code(&visa().arg("run").arg(&source).output().unwrap(), 7);
    assert!(!place.path("guest.elf").exists());
    // Errors and warnings as visa asm prints them.
    let bad = place.write("bad.S", "csrw cycle, a0\nbogus\n");
    let by_run = visa().arg("run").arg(&bad).output().unwrap();
    let by_asm = visa().arg("asm").arg(&bad).output().unwrap();
    assert_code(&by_run, 1);
    assert_eq!(text(&by_run.stderr), text(&by_asm.stderr));
    assert!(text(&by_run.stderr).contains("Warning: `cycle` is read-only"), "{}", text(&by_run.stderr));
    assert!(text(&by_run.stderr).contains("bad.S:2:1"), "{}", text(&by_run.stderr));
}

#[test]
fn warnings_do_not_keep_a_program_from_being_written() {
    let place = Place::new();
    let source = place.write("guest.s", "csrw cycle, a0\n");
    let output = visa().arg("asm").arg(&source).output().unwrap();
    assert_code(&output, 0);
    assert!(text(&output.stderr).contains("guest.s:1:6"), "{}", text(&output.stderr));
    assert!(place.path("guest.elf").exists());
}

#[test]
fn included_files_are_found_where_the_options_say() {
    let place = Place::new();
    std::fs::create_dir(place.path("lib")).unwrap();
    place.write("lib/five.inc", ".byte 5\n.incbin \"five.bin\"\n");
    place.write("lib/five.bin", [6, 7]);
    let source = place.write("guest.s", ".data\n.include \"five.inc\"\n");
    let missing = visa().arg("asm").arg(&source).output().unwrap();
    assert_code(&missing, 1);
    let message = text(&missing.stderr);
    assert!(message.contains("cannot read `five.inc`") && message.contains("-I"), "{message}");
    let options = ["asm", "-o", "-", "--format", "bin", "-I"];
    let found = visa().args(options).arg(place.path("lib")).arg(&source).output().unwrap();
    assert_code(&found, 0);
    assert_eq!(found.stdout, [5, 6, 7]);
}

#[test]
fn a_source_without_end_is_refused_before_it_fills_memory() {
    let place = Place::new();
    let endless = visa().args(["asm", "-o", "-", "/dev/zero"]).output().unwrap();
    assert_code(&endless, 1);
    assert!(text(&endless.stderr).contains("/dev/zero"), "{}", text(&endless.stderr));
    for directive in ["include", "incbin"] {
        let source = place.write("guest.s", format!("\n .{directive} \"/dev/zero\"\n"));
        let output = visa().arg("asm").arg(&source).output().unwrap();
        assert_code(&output, 1);
        let message = text(&output.stderr);
        assert!(message.contains("guest.s:2:") && message.contains("/dev/zero: "), "{message}");
    }
}

#[test]
fn fifty_thousand_sections_take_no_time() {
    let place = Place::new();
    let lines: String = (0..50_000).map(|index| format!(".section .s{index},\"aw\"\n.byte 1\n")).collect();
    let start = std::time::Instant::now();
    assert_code(&visa().arg("asm").arg(place.write("many.s", &lines)).output().unwrap(), 0);
    assert_code(
        &visa().arg("asm").arg(place.write("same.s", ".section .a\nnop\n".repeat(50_000))).output().unwrap(),
        0,
    );
    // Seconds on a busy host; it was minutes when every line looked at every section.
    assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
}
