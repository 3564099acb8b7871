//! `--engine lockstep`: runs that agree are as usual; a difference is found, told, and has an exit code of its own.

use serde_json::Value;

use crate::run::ECHO;
use crate::{Place, assert_code, report, run, text, visa};

/// A loop of three instructions after three others; then a store.
const COUNT: &str = "
        li   a0, 0
        li   t3, 20000
loop:   addi a0, a0, 1
        xor  t2, t2, a0
        bne  a0, t3, loop
        la   t4, word
        sd   t2, 0(t4)
        li   t1, 0x5555
        j    over
        .align 3
word:   .dword 0
over:
";

/// Reads a disk's first sector, adds one to its first byte, and writes it back: virtio over MMIO, queues of eight entries.
const DISK: &str = concat!(
    "\n",
    include_str!("../../../../tests/disk-access.s"),
    "
        li   t0, 0x10001000
        li   t1, 3               # acknowledge, driver
        sw   t1, 0x70(t0)
        li   t1, 1               # features 63:32: version 1
        sw   t1, 0x24(t0)
        sw   t1, 0x20(t0)
        li   t1, 11              # features are ok
        sw   t1, 0x70(t0)
        sw   zero, 0x30(t0)      # queue 0
        li   t1, 8
        sw   t1, 0x38(t0)
        la   t1, descriptors
        sw   t1, 0x80(t0)
        la   t2, available
        sw   t2, 0x90(t0)
        la   t1, used
        sw   t1, 0xa0(t0)
        li   t1, 1
        sw   t1, 0x44(t0)
        li   t1, 15              # driver is ok
        sw   t1, 0x70(t0)
        li   t1, 1
        sh   t1, 2(t2)
        sw   zero, 0x50(t0)      # the read is done at once
        la   t3, data
        lbu  t4, 0(t3)
        addi t4, t4, 1
        sb   t4, 0(t3)
        li   t1, 2
        sh   t1, 2(t2)
        sw   zero, 0x50(t0)
        li   t1, 0x5555
        j    over
        .align 4
descriptors:                     # address, length, flags (1: next, 2: for the device to write), next
        .dword read
        .word  16, 0x00010001
        .dword data
        .word  512, 0x00020003
        .dword status
        .word  1, 2
        .dword write
        .word  16, 0x00040001
        .dword data
        .word  512, 0x00050001
        .dword status
        .word  1, 2
read:   .word  0, 0, 0, 0
write:  .word  1, 0, 0, 0
available:
        .word  0, 0x00030000, 0, 0, 0
used:   .space 128
status: .dword 0
data:   .space 512
over:
"
);

fn json(path: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_run_that_agrees_reports_what_any_run_does_and_how_much_was_compared() {
    let place = Place::new();
    let program = place.finishing(COUNT);
    let report = |options: &[&str]| report(&program, options, "lockstep");
    let (engine, none, expected) = report(&[]);
    assert_eq!((engine.as_str(), none), ("jit", None));
    let instructions = expected["instructions"].as_u64().unwrap();
    for (slice, part) in
        [(&[][..], 10_000), (&["--lockstep-slice", "1"], 1), (&["--lockstep-slice", "333"], 333)]
    {
        let (engine, compared, found) = report(&[&["--engine", "lockstep"], slice].concat());
        assert_eq!((engine.as_str(), &found), ("lockstep", &expected));
        let compared = compared.unwrap();
        assert_eq!(compared["instructions"], instructions);
        assert_eq!(compared["state_comparisons"], instructions.div_ceil(part), "{compared}");
        assert!(compared["memory_comparisons"].as_u64() >= Some(2), "{compared}");
        assert!(compared.get("differs_at").is_none(), "{compared}");
    }
}

#[test]
fn typed_bytes_go_to_both_and_are_printed_once() {
    let place = Place::new();
    let program = place.program(ECHO);
    let text_of = |lines| "the quick brown fox jumps over the lazy dog\n".repeat(lines) + ".";
    // One instruction at a time takes its time, and a guest that polls gets its bytes slowly.
    for (slice, line) in [("1", text_of(0)), ("10000", text_of(20))] {
        let mut command = visa();
        command.args(["run", "--engine", "lockstep", "--lockstep-slice", slice, "--smp", "2"]).arg(&program);
        let output = command.write_stdin(line.clone()).output().unwrap();
        assert_code(&output, 0);
        // The second hart takes its share of what is typed, and prints it.
        let mut printed: Vec<_> = text(&output.stdout).chars().collect();
        let mut typed: Vec<_> = line.chars().collect();
        printed.sort();
        typed.sort();
        assert_eq!(printed, typed);
    }
}

#[test]
fn a_wrong_register_is_told_with_its_instruction() {
    let place = Place::new();
    let program = place.finishing(COUNT);
    let report = place.path("report.json");
    // After the addi of round 10,000.
    let after = (3 + 3 * 9_999 + 1).to_string();
    let options = ["--engine", "lockstep", "--lockstep-fault", &after, "--json", report.to_str().unwrap()];
    let output = run(&program, &options);
    assert_code(&output, 119);
    let errors = text(&output.stderr);
    for part in [
        "instruction 30,001 makes the engines differ; after 30,000 they are the same",
        "hart 0, Ring -1, pc 0x",
        "addi a0, a0, 1                   <loop>",
        "bne a0, t3,",
        "hart 0, Ring -1: R10 (a0)  0x0000000000002711  0x0000000000002710  0x",
        "visa: the JIT and the interpreter differ",
    ] {
        assert!(errors.contains(part), "no \"{part}\" in:\n{errors}");
    }
    let report = json(&report);
    assert_eq!((&report["ended"], &report["exit_code"]), (&"engines-differ".into(), &119.into()));
    assert_eq!(report["lockstep"]["differs_at"], 30_001);
}

#[test]
fn a_wrong_byte_is_told_with_its_address() {
    let place = Place::new();
    let output = run(
        &place.finishing(COUNT),
        &["--engine", "lockstep", "--lockstep-fault", "1_234,0x80012345", "-m", "16M"],
    );
    assert_code(&output, 119);
    let errors = text(&output.stderr);
    for part in [
        "instruction 1,234 makes",
        "RAM at 0x80012345  0x01  0x00",
        "RAM from 0x80012340",
        "JIT          00 00 00 00 00 01 00",
    ] {
        assert!(errors.contains(part), "no \"{part}\" in:\n{errors}");
    }
}

#[test]
fn every_end_is_the_same_as_without() {
    for (source, options, code) in [
        (".word 0", &[][..], 120),
        ("1: j 1b", &["--max-insns", "123_457"], 121),
        ("1: wfi\nj 1b", &[], 122),
        ("li t1, 0x7777", &[], 123),
        ("1: j 1b", &["--timeout", "0.3"], 124),
        ("li t1, 0x4d3333", &[], 77),
    ] {
        let place = Place::new();
        let report = place.path("report.json");
        let options = [options, &["--engine", "lockstep", "--json", report.to_str().unwrap()]].concat();
        assert_code(&run(&place.finishing(source), &options), code);
        if code == 121 {
            assert_eq!(json(&report)["lockstep"]["instructions"], 123_457);
        }
    }
}

#[test]
fn each_machine_has_its_own_view_of_a_disk_and_the_file_is_written_once() {
    let place = Place::new();
    let program = place.finishing(DISK);
    let file = place.write("disk.img", [[41; 512], [7; 512]].concat());
    let disk = format!("path={}", file.display());
    for (options, code, first) in [
        (&["--engine", "jit"][..], 0, 42),
        (&["--engine", "lockstep"], 0, 43),
        (&["--engine", "lockstep", "--lockstep-slice", "1"], 0, 44),
        // Where the engines differ, the file stays as it was.
        (&["--engine", "lockstep", "--lockstep-fault", "5"], 119, 44),
    ] {
        let output = run(&program, &[options, &["--disk", &disk]].concat());
        assert_code(&output, code);
        let mut expected = [[41; 512], [7; 512]].concat();
        expected[0] = first;
        assert_eq!(std::fs::read(&file).unwrap(), expected, "{options:?}");
    }
}

#[test]
fn options_that_do_not_go_together_are_usage_errors() {
    for (options, parts) in [
        (&["--engine", "lockstep", "--cycles", "small"][..], &["lockstep", "--cycles"][..]),
        (&["--engine", "lockstep", "-d", "exec"], &["-d"]),
        (&["--engine", "lockstep", "--trace-exits", "t"], &["--trace-exits"]),
        (&["--engine", "lockstep", "-S"], &["gdb", "-S"]),
        (&["--engine", "lockstep", "--clock", "host"], &["--clock host"]),
        (&["--lockstep-slice", "5"], &["--lockstep-slice needs --engine lockstep"]),
        (&["--lockstep-fault", "5"], &["--lockstep-fault needs --engine lockstep"]),
        (&["--engine", "lockstep", "--lockstep-slice", "0"], &["--lockstep-slice", "at least one"]),
        (&["--engine", "lockstep", "--lockstep-fault", "1,"], &["--lockstep-fault"]),
    ] {
        // Said before anything is opened.
        let output = visa().arg("run").args(options).arg("/nonexistent/a.elf").output().unwrap();
        assert_code(&output, 2);
        let errors = text(&output.stderr);
        assert!(errors.starts_with("error: "), "{errors}");
        for part in parts {
            assert!(errors.contains(part), "{options:?}: no \"{part}\" in {errors}");
        }
    }
}
