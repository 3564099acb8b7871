//! `--cycles`, `--cycle-param` and `--without` on the command line.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// What executes if nobody asks for anything.
const USUAL: &str = if cfg!(feature = "host-code") { "jit" } else { "interpreter" };

/// A guest that makes three hypercalls; Ring -1 steps past each.
const SOURCE: &str = "
        .equ    VMCS, 0x80100000
_start: li      R1, VMCS
        li      t0, 0x000141534956      ; REVISION
        sd      t0, 0(R1)
        li      t0, 0x100000000         ; TIME_SCALE: one
        sd      t0, 0x48(R1)
        la      t0, guest
        sd      t0, 0x100(R1)
        VMENTER R1
again:  VMCAUSE R2
        li      R3, 0x07
        bne     R2, R3, end
        rdmsr   R4, VMPC
        addi    R4, R4, 4
        wrmsr   VMPC, R4
        VMRESUME
        j       again
end:    li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, (t0)
1:      j       1b
guest:  ecall
        ecall
        ecall
        VMEXIT
";

/// A directory of this test's own.
fn program(name: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let source = directory.path().join(format!("{name}.s"));
    std::fs::write(&source, SOURCE).expect("the source can be written");
    let elf = directory.path().join(format!("{name}.elf"));
    let output = visa(&["asm".as_ref(), source.as_os_str(), "-o".as_ref(), elf.as_os_str()]);
    assert!(output.status.success(), "{output:?}");
    (directory, elf)
}

fn visa(arguments: &[&std::ffi::OsStr]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_visa")).args(arguments).output().expect("the command runs")
}

fn run(elf: &Path, options: &[&str]) -> Output {
    let mut arguments = vec!["run".as_ref(), "--json".as_ref(), "-".as_ref()];
    arguments.extend(options.iter().map(|option| std::ffi::OsStr::new(*option)));
    arguments.push(elf.as_os_str());
    visa(&arguments)
}

fn report(elf: &Path, options: &[&str]) -> Value {
    let output = run(elf, options);
    assert!(output.status.success(), "{output:?}");
    let mut report: Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    report.as_object_mut().expect("an object").remove("host_seconds");
    report
}

#[test]
fn the_report_has_cycles_if_asked_and_is_otherwise_the_same() {
    let (_directory, elf) = program("plain");
    let off = report(&elf, &[]);
    assert!(off.get("cycles").is_none() && off.get("without").is_none());
    let mut on = report(&elf, &["--cycles", "small", "--cycle-param", "switch.enter=7.5"]);
    let cycles = on.as_object_mut().expect("an object").remove("cycles").expect("cycles are reported");
    assert_eq!(cycles["core"], "small");
    assert_eq!(cycles["overridden"], serde_json::json!(["switch.enter=7.5"]));
    assert_eq!(cycles["exits"]["hypercall"]["count"], 3);
    assert!(cycles["total"].as_u64() > on["instructions"].as_u64(), "{cycles}");
    let rings = ["ring-3", "ring-0", "ring-minus-1"];
    let instructions: u64 =
        rings.iter().filter_map(|ring| cycles["rings"][ring]["instructions"].as_u64()).sum();
    assert_eq!(Some(instructions), on["instructions"].as_u64());
    // The table of exits may show cycles too; all else is as without a model.
    let mut off = off;
    assert_eq!((&on["engine"], &off["engine"]), (&"interpreter".into(), &USUAL.into()));
    for report in [&mut on, &mut off] {
        let report = report.as_object_mut().expect("an object");
        report.remove("exits");
        report.remove("engine");
    }
    assert_eq!(on, off);
}

#[test]
fn a_missing_feature_is_named_and_matters() {
    let (_directory, elf) = program("unbanked");
    let world_switch = |options: &[&str]| {
        let report = report(&elf, &[&["--cycles", "small"], options].concat());
        (
            report["cycles"]["spent"]["world-switch"].as_u64().expect("it is reported"),
            report["without"].clone(),
        )
    };
    let (banked, none) = world_switch(&[]);
    let (unbanked, named) = world_switch(&["--without", "banked-switch"]);
    assert_eq!((none, named), (Value::Null, serde_json::json!(["banked-switch"])));
    // Four entries and four exits, 124 cycles more each, and a few misses.
    assert!(unbanked >= banked + 8 * 124, "{unbanked}, {banked}");
}

#[test]
fn mistakes_are_told() {
    let (_directory, elf) = program("mistakes");
    for (options, message) in [
        (&["--cycles", "tiny"][..], "the cores are small and large"),
        (&["--without", "speed"], "the features are banked-switch, tlb-tags"),
        (&["--cycle-param", "l2.size=65536"], "--cycles <CORE>"),
        (&["--cycles", "small", "--cycle-param", "l2.siz=1"], "did you mean `l2.size`?"),
        (
            &["--cycles", "small", "--cycle-param", "l2.size=1"],
            "is not a number of bytes from 1024 to 1073741824",
        ),
        (&["--cycles", "small", "--cycle-param", "l2.ways=7"], "entries / ways is not a power of two"),
    ] {
        let output = run(&elf, options);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(message), "{options:?}: {error}");
    }
}
