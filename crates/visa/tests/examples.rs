//! The programs in examples: each is assembled and run as its first lines say, and prints what they say.

use std::path::{Path, PathBuf};
use std::process::Command;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// What the comment of a program promises: the lines below `; Prints:`.
fn promised(source: &str) -> String {
    let lines = source.lines().skip_while(|line| *line != "; Prints:").skip(1);
    lines.map_while(|line| line.strip_prefix(";   ")).map(|line| format!("{line}\n")).collect()
}

fn check(name: &str) {
    let source = directory().join(name).with_extension("s");
    let text = std::fs::read_to_string(&source).expect("the example is there");
    let promised = promised(&text);
    assert!(!promised.is_empty(), "{name}.s does not say what it prints");
    let place = tempfile::tempdir().expect("a temporary directory");
    let elf = place.path().join(name).with_extension("elf");
    let visa = env!("CARGO_BIN_EXE_visa");
    let assembled = Command::new(visa).arg("asm").arg(&source).arg("-o").arg(&elf).output().expect("it runs");
    assert!(assembled.status.success(), "{}", String::from_utf8_lossy(&assembled.stderr));
    let run = Command::new(visa).args(["run", "--max-insns", "1000000"]).arg(&elf).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&run.stdout), promised, "{name}");
    assert_eq!(run.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn hello_prints_and_ends() {
    check("hello");
}

#[test]
fn a_small_hypervisor_handles_an_exit() {
    check("guest");
}

#[test]
fn the_second_stage_maps_memory_on_demand() {
    check("nested");
}

#[test]
fn virtual_interrupts_take_no_exit() {
    check("interrupt");
}

#[test]
fn every_example_is_checked() {
    let mut names: Vec<_> = std::fs::read_dir(directory())
        .expect("the directory is there")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".s"))
        .collect();
    names.sort();
    assert_eq!(names, ["guest.s", "hello.s", "interrupt.s", "nested.s"]);
}
