//! `--engine lockstep`: runs that agree are as usual; a difference is found, told, and has an exit code of its own.

use serde_json::Value;

use crate::run::ECHO;
use crate::{Place, assert_code, run, text, visa};

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

fn json(path: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_run_that_agrees_reports_what_any_run_does_and_how_much_was_compared() {
    let place = Place::new();
    let program = place.finishing(COUNT);
    let report = |options: &[&str]| {
        let options = [options, &["--json", "-", "--memory-crc"]].concat();
        let output = run(&program, &options);
        assert_code(&output, 0);
        assert_eq!(text(&output.stderr), "");
        let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let own = report.as_object_mut().unwrap();
        assert!(own.remove("host_seconds").is_some());
        (own.remove("engine").unwrap(), own.remove("lockstep"), report)
    };
    let (engine, none, expected) = report(&[]);
    assert_eq!((engine.as_str(), none), (Some("jit"), None));
    let instructions = expected["instructions"].as_u64().unwrap();
    for (slice, part) in
        [(&[][..], 10_000), (&["--lockstep-slice", "1"], 1), (&["--lockstep-slice", "333"], 333)]
    {
        let (engine, compared, found) = report(&[&["--engine", "lockstep"], slice].concat());
        assert_eq!((engine.as_str(), &found), (Some("lockstep"), &expected));
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
    let line = "the quick brown fox jumps over the lazy dog\n".repeat(20) + ".";
    for slice in ["1", "10000"] {
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
