//! `visa bench --host` from end to end, on our own engine: QEMU need not be there.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The command, with no program on the PATH.
fn bench(arguments: &[&str]) -> Output {
    let command = std::env::var_os("VISA_COMMAND").unwrap_or_else(|| env!("CARGO_BIN_EXE_visa").into());
    Command::new(command)
        .args(["bench", "--host"])
        .args(arguments)
        .env("PATH", "")
        .output()
        .expect("the command runs")
}

fn kernel() -> Option<PathBuf> {
    let kernel = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/debian/Image");
    if kernel.is_file() {
        return Some(kernel);
    }
    assert!(std::env::var_os("VISA_REQUIRE_LINUX").is_none(), "no kernel at {}", kernel.display());
    eprintln!("skipped: no kernel in build/debian; `cargo xtask fetch-debian` gets one");
    None
}

#[test]
fn two_rows_native_and_accelerated_find_the_same() {
    let Some(kernel) = kernel() else { return };
    let directory = tempfile::tempdir().unwrap();
    let (json, html) = (directory.path().join("speed.json"), directory.path().join("speed.html"));
    let output = bench(&[
        "--quick",
        "--repeat",
        "1",
        "--filter",
        "self-modify",
        "--filter",
        "switch",
        "--kernel",
        kernel.to_str().unwrap(),
        "--json",
        json.to_str().unwrap(),
        "--html",
        html.to_str().unwrap(),
    ]);
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{errors}\n{text}");
    assert!(errors.contains("no qemu-system-riscv64 on the PATH"), "{errors}");
    assert!(text.contains("Every workload found the same in every run."), "{text}");

    let report: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    let names: Vec<_> =
        report["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["switch", "self-modify"]);
    let switch = &report["rows"][0];
    // A switch counts its turns: as many as there were iterations.
    let iterations = switch["iterations"].as_u64().unwrap();
    assert_eq!(switch["checksum"], format!("{iterations:016x}"));
    assert_eq!(switch["native_by_qemu"], Value::Null);
    for emulator in ["native", "accelerated"] {
        assert!(switch["times"][emulator]["median_seconds"].as_f64().unwrap() > 0.0, "{report}");
    }
    assert!(switch["accelerated_by_native"]["ratio"].as_f64().unwrap() > 0.0);
    assert!(std::fs::read_to_string(&html).unwrap().contains("<svg"));
}

#[test]
fn what_is_not_there_is_said() {
    for (arguments, expected) in [
        (&["--filter", "nothing"][..], "there is no row \"nothing\""),
        (&["--emulator", "nothing"], "there is no emulator \"nothing\""),
        (&["--emulator", "qemu"], "there is no qemu-system-riscv64 on the PATH"),
        (&["--kernel", "/no/kernel"], "there is no kernel at /no/kernel"),
        (&["--mode", "native"], "cannot be used with"),
    ] {
        let output = bench(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        assert!(errors.contains(expected), "{arguments:?}: {errors}");
    }
    let list = bench(&["--list"]);
    assert!(String::from_utf8_lossy(&list.stdout).contains("chase-large"));
}
