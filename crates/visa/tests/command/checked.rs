//! `--engine checked`: runs that agree are as usual; a difference is found, told, and has lockstep's exit code.

use serde_json::Value;

use crate::{Place, assert_code, report, run, text};

/// A loop of three instructions after three others, the last of which is two.
const COUNT: &str = "
        li   a0, 0
        li   t3, 200000
loop:   addi a0, a0, 1
        xor  t2, t2, a0
        bne  a0, t3, loop
        li   t1, 0x5555
";

#[test]
fn a_run_that_agrees_reports_what_any_run_does_and_how_much_was_checked() {
    let place = Place::new();
    let program = place.finishing(COUNT);
    let report = |options: &[&str]| report(&program, options, "checked");
    let (_, none, expected) = report(&[]);
    assert_eq!(none, None);
    let instructions = expected["instructions"].as_u64().unwrap();
    let checked = |options: &[&str]| {
        let (engine, checked, found) = report(&[&["--engine", "checked"], options].concat());
        assert_eq!((engine.as_str(), &found), ("checked", &expected));
        let checked = checked.unwrap();
        assert_eq!(checked["code_faults"], 0);
        assert!(checked.get("differs_at").is_none(), "{checked}");
        checked["instructions"].as_u64().unwrap()
    };
    // Some of them, the same ones each time, and others with another seed; or all that reach for no device.
    let some = checked(&[]);
    assert!((1..instructions / 4).contains(&some), "{some}");
    assert_eq!(checked(&["--checked-seed", "1", "--checked-share", "3", "--checked-code", "25"]), some);
    assert_ne!(checked(&["--checked-seed", "2"]), some);
    let all = checked(&["--checked-share", "100", "--checked-code", "100"]);
    assert!((instructions - 10..instructions).contains(&all), "{all} of {instructions}");
}

#[test]
fn a_wrong_register_is_told_with_its_instruction() {
    let place = Place::new();
    let report = place.path("report.json");
    // After the addi of round 10,000.
    let after = (3 + 3 * 9_999 + 1).to_string();
    let options = [
        &["--engine", "checked", "--checked-share", "100", "--lockstep-fault", &after][..],
        &["--json", report.to_str().unwrap()],
    ];
    let output = run(&place.finishing(COUNT), &options.concat());
    assert_code(&output, 119);
    let errors = text(&output.stderr);
    for part in [
        "visa: checked: instruction 30,001 makes the engines differ; after 30,000 they are the same",
        "addi a0, a0, 1                   <loop>",
        "hart 0, Ring -1: R10 (a0)  0x0000000000002711  0x0000000000002710  0x",
        "visa: the JIT and the interpreter differ",
    ] {
        assert!(errors.contains(part), "no \"{part}\" in:\n{errors}");
    }
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!((&report["ended"], &report["exit_code"]), (&"engines-differ".into(), &119.into()));
    assert_eq!(report["checked"]["differs_at"], 30_001);
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
        let options = [options, &["--engine", "checked", "--checked-share", "100"]].concat();
        assert_code(&run(&place.finishing(source), &options), code);
    }
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let place = Place::new();
    let program = place.finishing(COUNT);
    for (options, why) in [
        (&["--checked-share", "5"][..], "--checked-share needs --engine checked"),
        (&["--engine", "lockstep", "--checked-seed", "5"], "--checked-seed needs --engine checked"),
        (&["--engine", "checked", "--lockstep-slice", "5"], "--lockstep-slice needs --engine lockstep"),
        (&["--lockstep-fault", "5"], "--lockstep-fault needs --engine lockstep or checked"),
        (&["--engine", "checked", "--checked-share", "0"], "at least 0.0001, at most 100"),
        (&["--engine", "checked", "-d", "exec"], "--engine checked cannot be used with -d"),
        (&["--engine", "checked", "--clock", "host"], "--engine checked cannot be used with --clock host"),
    ] {
        let output = run(&program, options);
        assert_code(&output, 2);
        assert!(text(&output.stderr).contains(why), "{why} in {}", text(&output.stderr));
    }
}
