//! The command as a user meets it: what it prints, writes and exits with.
#![allow(clippy::disallowed_methods, reason = "it tells people, or measures, how long something takes")]

mod bad_input;
mod boot;
#[cfg(feature = "host-code")]
mod checked;
mod debugger;
mod host;
#[cfg(feature = "host-code")]
mod lockstep;
mod run;
mod terminal;
mod tools;
#[cfg(not(feature = "host-code"))]
mod without_jit;

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// What `--engine` can be asked for that executes one machine, the usual one first.
const ENGINES: &[&str] = if cfg!(feature = "host-code") { &["jit", "interpreter"] } else { &["interpreter"] };

/// No test's run takes longer, however busy the host is.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ends a program with the code in `t1` (0x5555, or the code shifted by 16 and 0x3333).
const FINISH: &str = "li t0, 0x100000\nsw t1, 0(t0)\n9: j 9b\n";

/// A directory of a test's own.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(TempDir::new().expect("a temporary directory can be made"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("the file can be written");
        path
    }

    /// Assembles a program to an ELF file.
    fn program(&self, source: &str) -> PathBuf {
        let object = visa_asm::assemble(source, "program.s", &visa_asm::Options::default());
        self.write("program.elf", object.unwrap_or_else(|errors| panic!("{}", errors.render(false))).to_elf())
    }

    /// Assembles a program that ends with what its text leaves in `t1`.
    fn finishing(&self, source: &str) -> PathBuf {
        self.program(&format!("_start: {source}\n{FINISH}"))
    }
}

/// The command, with nothing on standard input.
fn visa() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visa"));
    command.timeout(PATIENCE).write_stdin("");
    command
}

/// `visa run` of a program, with options.
fn run(program: &Path, options: &[&str]) -> Output {
    visa().arg("run").args(options).arg(program).output().expect("the command runs")
}

/// The report of a run that ends with 0 and has nothing to say, without the host's time: the engine's name, what it alone
/// reports, under a name, and everything else.
fn report(program: &Path, options: &[&str], own: &str) -> (String, Option<Value>, Value) {
    let output = run(program, &[options, &["--json", "-", "--memory-crc"]].concat());
    assert_code(&output, 0);
    assert_eq!(text(&output.stderr), "");
    let mut report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let fields = report.as_object_mut().expect("it is an object");
    assert!(fields.remove("host_seconds").is_some());
    let engine = fields.remove("engine").expect("it names the engine");
    (engine.as_str().expect("a text").to_owned(), fields.remove(own), report)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Checks the exit code, and that the command did not panic.
fn assert_code(output: &Output, code: i32) {
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
}
