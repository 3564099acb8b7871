//! `cargo xtask test`: everything that the project is checked by, with the set-up that it needs.
//!
//! Each step is a command that can be run by itself; the step's line names it.

use crate::workloads::{self, Comparison};
use crate::{process, workspace};
use anyhow::{Result, bail};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Set up and run all tests: unit and integration tests, guests, Linux boots, random programs
#[derive(clap::Args)]
pub struct Arguments {
    /// Leave out what takes minutes or the network: Linux, the rebuild of the guests, long random runs
    #[arg(long)]
    quick: bool,
    /// Seconds for each of the random runs
    #[arg(long, default_value_t = 60)]
    random_seconds: u64,
}

/// What became of a step.
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// A step's result for the table at the end.
struct Line {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

/// Minutes that steps usually take on a host with two processors that does nothing else, with nothing built before. What
/// is not here takes as long as `--random-seconds` says, or no time to speak of.
const USUAL_MINUTES: [(&str, f64); 9] = [
    (GUESTS, 1.0),
    (DEBIAN, 1.0),
    (TOOLS, 1.0),
    (WORKLOADS, 1.0),
    (BUILT, 4.0),
    (TESTS, 10.0),
    (WITHOUT_JIT, 3.0),
    (VISOR, 1.0),
    (RISCV, 1.0),
];

const GUESTS: &str = "guests rebuilt and compared";
const DEBIAN: &str = "Debian's kernel fetched";
const TOOLS: &str = "assembler, debugger, firmware and disk tools";
const GENERATED: &str = "generated files are fresh";
const WORKLOADS: &str = "workloads rebuilt and compared";
const BUILT: &str = "visa built";
const TESTS: &str = "unit and integration tests";
const WITHOUT_JIT: &str = "libraries without the JIT";
const VISOR: &str = "visor's own tests";
const RISCV: &str = "upstream riscv-tests";

/// The libraries that are others in a build for any host, and those that run on them.
const OF_ANY_HOST: [&str; 9] = [
    "visa-mem",
    "visa-core",
    "visa-interp",
    "visa-jit",
    "visa-devices",
    "visa-machine",
    "visa-gdb",
    "visa-filetests",
    "visa-fuzz",
];

/// Steps of random runs, which `--quick` leaves out as it does the set-up.
const RANDOM_STEPS: u64 = 4;

fn usual_minutes(name: &str) -> f64 {
    USUAL_MINUTES.iter().find(|(step, _)| *step == name).map_or(0.0, |(_, minutes)| *minutes)
}

/// How long all of it usually takes, for somebody who has just started it.
fn announcement(arguments: &Arguments) -> String {
    let is_left_out = |name: &str| arguments.quick && [GUESTS, DEBIAN, TOOLS, RISCV].contains(&name);
    let fixed: f64 =
        USUAL_MINUTES.iter().filter(|(name, _)| !is_left_out(name)).map(|(_, minutes)| minutes).sum();
    let random = if arguments.quick { 0 } else { RANDOM_STEPS * arguments.random_seconds };
    let minutes = fixed + random as f64 / 60.0;
    format!(
        "This usually takes about {minutes:.0} minutes on two processors with nothing built yet, and less than half of it \
         again. Each step says how long it usually takes; the table at the end, how long it took."
    )
}

/// Runs the steps, all of them even if one fails, and says what became of each.
pub fn run(arguments: Arguments) -> Result<()> {
    println!("{}", announcement(&arguments));
    let mut lines = Vec::new();
    let mut step = |name: &'static str, action: &mut dyn FnMut() -> Result<Outcome>| {
        match usual_minutes(name) {
            0.0 => println!("== {name}"),
            minutes => println!("== {name} (usually {minutes:.0} min)"),
        }
        let started = Instant::now();
        let outcome = action().unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        match &outcome {
            Outcome::Failed(why) => println!("   failed: {why}"),
            Outcome::Skipped(why) => println!("   skipped: {why}"),
            Outcome::Passed => {}
        }
        lines.push(Line { name, outcome, took: started.elapsed() });
    };
    let seconds = arguments.random_seconds.to_string();
    if !arguments.quick {
        step(GUESTS, &mut || cargo(&["xtask", "guests", "--check"], &[]));
        step(DEBIAN, &mut || cargo(&["xtask", "fetch-debian"], &[]));
        step(TOOLS, &mut install_tools);
    }
    step(GENERATED, &mut || cargo(&["xtask", "generate", "--check"], &[]));
    step(WORKLOADS, &mut || compare_workloads(arguments.quick));
    step(BUILT, &mut || cargo(&["build", "--release", "--package", "visa"], &[]));
    // Long guests run on the release build; everything else with overflow checks.
    let visa = workspace::target().join("release/visa").display().to_string();
    let guests = workspace::root().join("build/guests").display().to_string();
    let environment = [
        ("VISA_COMMAND", visa.as_str()),
        ("VISA_REQUIRE_ENGINE", "jit"),
        ("VISA_REQUIRE_LINUX", "1"),
        ("VISA_REQUIRE_FIRMWARE", "1"),
        ("VISA_GUESTS", guests.as_str()),
    ];
    let environment = if arguments.quick { &environment[..2] } else { &environment[..] };
    step(TESTS, &mut || cargo(&["test", "--workspace", "--no-fail-fast"], environment));
    step(WITHOUT_JIT, &mut tests_without_jit);
    step(VISOR, &mut visor_tests);
    // The whole workspace has been built for tests; one package alone would be built anew, with fewer of its dependencies' features.
    if !arguments.quick {
        step("random programs against QEMU", &mut || {
            cargo(&["xtask", "differential", "--seconds", &seconds], &[])
        });
        step("random guests stay in their VM", &mut || {
            cargo(
                &["test", "--workspace", "--test", "wild_guests", "--", "--nocapture"],
                &[("VISA_FUZZ_SECONDS", &seconds)],
            )
        });
        // There are seven of these tests, and one after the other they share the time.
        let each = (arguments.random_seconds / 7).to_string();
        step("random programs on both engines", &mut || {
            cargo(
                &["test", "--workspace", "--test", "jit", "--", "--nocapture", "--test-threads=1"],
                &[("VISA_FUZZ_SECONDS", &each)],
            )
        });
        step("random kernels in every mode", &mut || {
            cargo(
                &["test", "--workspace", "--test", "modes", "--", "--nocapture"],
                &[("VISA_FUZZ_SECONDS", &seconds)],
            )
        });
        step(RISCV, &mut riscv_tests);
    }
    report(&lines)
}

fn report(lines: &[Line]) -> Result<()> {
    println!("\n{:<45} {:>8}  result", "step", "seconds");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for line in lines {
        let (count, text) = match &line.outcome {
            Outcome::Passed => (&mut passed, "passed".to_owned()),
            Outcome::Failed(_) => (&mut failed, "FAILED".to_owned()),
            Outcome::Skipped(why) => (&mut skipped, format!("skipped: {why}")),
        };
        *count += 1;
        println!("{:<45} {:>8.1}  {text}", line.name, line.took.as_secs_f64());
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 {
        bail!("{failed} of {} steps failed", lines.len());
    }
    Ok(())
}

/// Runs cargo with its output shown.
fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Outcome> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(workspace::root()).envs(environment.iter().copied());
    shown(&mut command)
}

fn shown(command: &mut Command) -> Result<Outcome> {
    let status = command.status()?;
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed(format!("{status}")) })
}

/// What a host gets for which no code is generated and whose memory cannot be mapped. Together with the rest of the workspace these
/// libraries would have the features back, so a test asks which engine it has.
fn tests_without_jit() -> Result<Outcome> {
    let mut arguments = vec!["test", "--no-default-features", "--no-fail-fast"];
    arguments.extend(OF_ANY_HOST.iter().flat_map(|name| ["--package", name]));
    cargo(&arguments, &[("VISA_REQUIRE_ENGINE", "interpreter")])
}

/// visor's logic that needs no machine, compiled for the host.
fn visor_tests() -> Result<Outcome> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let target = workspace::target().join("visor-host");
    shown(
        Command::new(cargo)
            .args(["test", "--lib", "--manifest-path", "guest/visor/Cargo.toml"])
            .current_dir(workspace::root())
            .env("CARGO_TARGET_DIR", target),
    )
}

/// The archives that `visa bench` boots are what their sources give: a few seconds' work. The compiler is installed only in the
/// full run.
fn compare_workloads(quick: bool) -> Result<Outcome> {
    if quick && !workloads::has_compiler() {
        return Ok(Outcome::Skipped("there is no cross compiler for Linux on riscv64".into()));
    }
    workloads::install_compiler()?;
    let compared = workloads::compare()?;
    let is_other = |comparison: &Comparison| matches!(comparison, Comparison::OtherCompiler);
    Ok(match compared.iter().find(|(_, comparison)| is_other(comparison)) {
        None => Outcome::Passed,
        Some((name, _)) => {
            Outcome::Skipped(format!("{name}: shipped as another compiler made it than the one here"))
        }
    })
}

/// Tools that some tests compare with, and without which they say that they were skipped.
fn install_tools() -> Result<Outcome> {
    process::require("riscv64-unknown-elf-as", "binutils-riscv64-unknown-elf")?;
    process::require("gdb-multiarch", "gdb-multiarch")?;
    process::require("dtc", "device-tree-compiler")?;
    process::require("mkfs.ext4", "e2fsprogs")?;
    process::require_file(Path::new("/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin"), "u-boot-qemu")?;
    Ok(Outcome::Passed)
}

/// The upstream test suite is not part of the project: it runs if a checkout is there.
fn riscv_tests() -> Result<Outcome> {
    let source = workspace::root().join("build/riscv-tests");
    if !source.is_dir() {
        return Ok(Outcome::Skipped("no checkout in build/riscv-tests".into()));
    }
    cargo(&["xtask", "riscv-tests"], &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_starts_it_is_told_how_long_it_takes() {
        let told = |quick, random_seconds| announcement(&Arguments { quick, random_seconds });
        assert!(told(false, 60).contains("about 27 minutes"), "{}", told(false, 60));
        assert!(told(false, 600).contains("about 63 minutes"), "{}", told(false, 600));
        assert!(told(true, 60).contains("about 19 minutes"), "{}", told(true, 60));
    }
}
