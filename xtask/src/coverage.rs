//! `cargo xtask coverage`: how much of the JIT each test of random programs reaches.
//!
//! The tests of both engines side by side are built in a directory of their own below `target/`: the JIT with the compiler's counters in
//! its lines (`-C instrument-coverage`), and with the feature `coverage`, by which the code that it generates notes what of it is
//! executed. Then each test runs by itself, and leaves behind what it has reached.

mod lines;
mod points;
mod reached;
mod table;

use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use lines::Lines;
use reached::Reached;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// See how much of the JIT each test of random programs reaches
#[derive(clap::Args)]
pub struct Arguments {
    /// Only tests whose name has this in it
    #[arg(long)]
    only: Option<String>,
    /// How long each test runs, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Name the lines that no test reaches, too
    #[arg(long)]
    missing: bool,
    /// Write everything to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The crates that have the JIT's lines in them: its own, and those that its generic functions are compiled in.
const INSTRUMENTED: [&str; 3] = ["visa-jit", "visa-machine", "visa-fuzz"];

/// Runs the chore.
pub fn run(arguments: Arguments) -> Result<()> {
    let directory = workspace::target().join("coverage");
    process::create_directory(&directory)?;
    let program = build(&directory)?;
    let mut all = Reached { name: "all".into(), ..Reached::default() };
    let mut tests = Vec::new();
    for test in list(&directory, &program)? {
        if arguments.only.as_ref().is_some_and(|only| !short(&test).contains(only)) {
            continue;
        }
        let reached = run_test(&directory, &program, &test, &arguments)?;
        all.lines.add(&reached.lines);
        all.points.add(&reached.points);
        tests.push(reached);
    }
    if tests.is_empty() {
        bail!("no test has such a name");
    }
    if tests.len() > 1 {
        tests.push(all);
    }
    print!("{}", table::lines(&tests)?);
    print!("\n{}", table::points(&tests));
    if let Some(last) = tests.last() {
        print!("\n{}", table::missing(last, arguments.missing));
    }
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&tests)? + "\n";
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Builds the tests, and says where they are.
fn build(directory: &Path) -> Result<PathBuf> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args(["test", "--package", "visa-fuzz", "--test", "jit", "--features", "coverage", "--no-run"]);
    command.args(["--message-format", "json-render-diagnostics", "-Zprofile-rustflags"]);
    for (profile, package) in ["dev", "test"].into_iter().flat_map(|it| INSTRUMENTED.map(|name| (it, name))) {
        let option = format!("profile.{profile}.package.{package}.rustflags=['-Cinstrument-coverage']");
        command.args(["--config", &option]);
    }
    // Counters in all that the tests execute, the interpreter and Cranelift too, would take most of their time. Flags for some
    // packages alone are not stable in cargo; the compiler's option is.
    command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", directory).current_dir(workspace::root());
    // Build scripts have the counters too.
    command.env("LLVM_PROFILE_FILE", directory.join("build.profraw"));
    let messages = process::output(&mut command)?;
    let executable = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_test = message["target"]["name"] == "jit" && message["target"]["kind"][0] == "test";
        is_test.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
    });
    executable.context("cargo does not say where the tests are")
}

/// The tests' names.
fn list(directory: &Path, program: &Path) -> Result<Vec<String>> {
    let mut command = Command::new(program);
    // It leaves counters behind wherever it is, whatever it does.
    command.args(["--list", "--format", "terse"]).env("LLVM_PROFILE_FILE", directory.join("list.profraw"));
    let said = process::output(&mut command)?;
    Ok(said.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

/// What a test is called elsewhere: without its module, and what all have at the end.
fn short(test: &str) -> &str {
    let name = test.rsplit("::").next().unwrap_or(test);
    name.strip_suffix("_run_alike").unwrap_or(name)
}

/// Runs a test.
fn run_test(directory: &Path, program: &Path, test: &str, arguments: &Arguments) -> Result<Reached> {
    let name = short(test).to_owned();
    let (profile, report) =
        (directory.join(format!("{name}.profraw")), directory.join(format!("{name}.points")));
    let mut command = Command::new(program);
    command.args([test, "--exact", "--nocapture"]);
    command.env("LLVM_PROFILE_FILE", &profile).env("VISA_FUZZ_COVERAGE", &report);
    command.env("VISA_FUZZ_SECONDS", arguments.seconds.to_string());
    command.env("VISA_FUZZ_SEED", arguments.seed.to_string());
    let said = process::output(&mut command)?;
    let runs = said.lines().find(|line| line.contains(" runs, ")).unwrap_or("no runs");
    eprintln!("{name}: {runs}");
    let text = std::fs::read_to_string(&report)
        .with_context(|| format!("the test `{test}` has not written {}", report.display()))?;
    let points = text.parse().with_context(|| format!("{} is not as it should be", report.display()))?;
    let sources = workspace::root().join(lines::SOURCES);
    Ok(Reached { name, lines: Lines::read(program, &profile, &sources)?, points })
}

#[cfg(test)]
mod tests {
    #[test]
    fn tests_are_named_as_the_documentation_names_them() {
        assert_eq!(super::short("programs::structured_programs_run_alike"), "structured_programs");
        assert_eq!(super::short("other"), "other");
    }
}
