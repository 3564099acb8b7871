//! `visa demo`: its text is as recorded in tests/demo.txt (`VISA_BLESS=1` records it anew), the same in every run and
//! made for a page, and its JSON has what the text tells.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Columns and lines of the whole text.
const COLUMNS_MAX: usize = 80;
const LINES_MAX: usize = 250;

fn demo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visa"));
    command.arg("demo").args(arguments).env_remove("NO_COLOR");
    command.output().expect("the command runs")
}

fn text(arguments: &[&str]) -> String {
    let output = demo(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the text is UTF-8")
}

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo.txt")
}

/// Addresses and instruction counts are those of the visor that is built in, so a new one needs a new record.
#[test]
fn the_text_is_as_recorded() {
    let is = text(&[]);
    if std::env::var_os("VISA_BLESS").is_some() {
        std::fs::write(recorded(), &is).expect("the record can be written");
    }
    let should = std::fs::read_to_string(recorded()).expect("there is a record");
    assert!(is == should, "not as in tests/demo.txt; VISA_BLESS=1 records this:\n{is}");
}

#[test]
fn every_run_gives_the_same_text() {
    assert_eq!(text(&[]), text(&[]));
}

#[test]
fn plain_text_is_ascii_and_fits_a_page() {
    let text = text(&[]);
    assert!(text.is_ascii());
    for line in text.lines() {
        assert!(line.len() <= COLUMNS_MAX, "{} columns: {line}", line.len());
    }
    assert!(text.lines().count() <= LINES_MAX, "{} lines", text.lines().count());
    for line in self::text(&["--brief"]).lines() {
        assert!(line.len() <= COLUMNS_MAX, "{} columns: {line}", line.len());
    }
}

#[test]
fn colour_changes_nothing_but_looks() {
    let coloured = text(&["--color", "always"]);
    assert!(coloured.contains("\x1b["));
    assert_eq!(coloured.lines().count(), text(&[]).lines().count());
    for line in coloured.lines() {
        let mut visible = String::new();
        let mut is_escape = false;
        for character in line.chars() {
            match (is_escape, character) {
                (false, '\x1b') => is_escape = true,
                (false, _) => visible.push(character),
                (true, 'm') => is_escape = false,
                (true, _) => {}
            }
        }
        assert!(!is_escape && visible.chars().count() <= COLUMNS_MAX, "{line:?}");
    }
}

#[test]
fn the_concepts_flow_is_there_in_its_order() {
    let text = text(&["--scene", "1"]);
    let mut rest = text.as_str();
    for step in [
        "MOV     CR3, R1",
        "Hardware detects trap per VMTRAPCFG",
        "CPU auto-transitions to Ring -1",
        "Sets exit reason in VMCAUSE",
        "VMCAUSE = 0x03 control-register-write",
        "Stores guest state",
        "Hypervisor handler executes",
        "VMRESUME",
        "Guest continues execution",
    ] {
        let at = rest.find(step).unwrap_or_else(|| panic!("{step:?} is not in its place: {text}"));
        rest = &rest[at + step.len()..];
    }
    assert!(!text.contains("Scenes 2 and 3"), "{text}");
}

#[test]
fn json_has_the_run_and_the_scenes() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("demo.json");
    text(&["--brief", "--json", path.to_str().expect("the path is UTF-8")]);
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("it is written")).expect("it is JSON");
    assert_eq!(report["mode"], "demo");
    assert_eq!(report["exit_code"], 0);
    assert_eq!(report["exits"]["total"], report["counters"]["vmcount_exit"]);
    assert_eq!(report["emulated"], report["counters"]["vmcount_emu"]);
    assert_eq!(report["tlb_misses"], report["counters"]["vmcount_tlbmiss"]);
    let scenes = report["scenes"].as_array().expect("there are scenes");
    assert_eq!(scenes.len(), 13);
    let first = &scenes[0]["told"][0];
    assert_eq!((&first["cause"], &first["instruction"]), (&3.into(), &"MOV CR3, R1".into()));
    assert_eq!((&scenes[1]["exits"], &scenes[2]["exits"]), (&200.into(), &0.into()));
}

#[test]
fn a_scene_that_there_is_not_is_bad_usage() {
    for number in ["0", "14", "one"] {
        let output = demo(&["--scene", number]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("--scene"), "{output:?}");
    }
}
