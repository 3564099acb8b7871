//! Debian's kernel on the machine, native and under visor: reaches init and powers off, the same way each time, with
//! few exits.
//!
//! Needs what `cargo xtask fetch-debian` makes; without it the tests say that they are skipped, unless
//! `VISA_REQUIRE_LINUX` is set. `VISA_COMMAND` names a build of the command that is faster than the tests' own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The guest's whole run must end within this, in seconds of the host.
const BOOT_SECONDS_MAX: &str = "90";
/// Exits of an accelerated boot; a mature hypervisor on the RISC-V hypervisor extension takes 3,659 to 21,599.
const EXITS_MAX: u64 = 100;
/// Instructions of the accelerated boot, relative to native.
const INSTRUCTIONS_RATIO_MAX: f64 = 1.03;

fn debian() -> Option<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/debian");
    if directory.join("Image").is_file() && directory.join("initramfs.cpio.gz").is_file() {
        return Some(directory);
    }
    assert!(std::env::var_os("VISA_REQUIRE_LINUX").is_none(), "no kernel in {}", directory.display());
    eprintln!("skipped: no kernel in build/debian; `cargo xtask fetch-debian` gets one");
    None
}

/// What a boot printed, and its report.
struct Boot {
    console: String,
    report: Value,
}

impl Boot {
    fn run(directory: &Path, mode: &str, name: &str, more: &[&str]) -> Boot {
        let report = std::env::temp_dir().join(format!("visa-linux-{}-{name}.json", std::process::id()));
        let command = std::env::var_os("VISA_COMMAND").unwrap_or_else(|| env!("CARGO_BIN_EXE_visa").into());
        let output = Command::new(command)
            .args(["boot", "--mode", mode, "-m", "256M", "--timeout", BOOT_SECONDS_MAX])
            // The kernel tests its cryptography in the background, for as long as it happens to run: not here.
            .args(["--append", "console=ttyS0 cryptomgr.notests visa.poweroff"])
            .arg("--kernel")
            .arg(directory.join("Image"))
            .arg("--initrd")
            .arg(directory.join("initramfs.cpio.gz"))
            .arg("--json")
            .arg(&report)
            .args(more)
            .output()
            .expect("the command runs");
        let console = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{mode}: {errors}\n{console}");
        let text = std::fs::read_to_string(&report).expect("a report is written");
        std::fs::remove_file(&report).expect("the report can be removed");
        Boot { console, report: serde_json::from_str(&text).expect("the report is JSON") }
    }

    fn number(&self, name: &str) -> u64 {
        self.report[name].as_u64().unwrap_or_else(|| panic!("{name} in {}", self.report))
    }

    fn exits(&self) -> u64 {
        self.report["exits"]["total"].as_u64().expect("exits are counted")
    }

    fn assert_complete(&self) {
        for line in ["V-ISA: init reached", "V-ISA: powering off", "reboot: Power down"] {
            assert!(self.console.contains(line), "no `{line}` in:\n{}", self.console);
        }
        assert!(!self.console.contains("Kernel panic"), "{}", self.console);
        assert!(!self.console.contains("Oops"), "{}", self.console);
    }
}

#[test]
fn boots_native_and_accelerated_alike() {
    let Some(directory) = debian() else { return };
    let native = Boot::run(&directory, "native", "native", &[]);
    let accelerated = Boot::run(&directory, "accelerated", "accelerated", &[]);
    native.assert_complete();
    accelerated.assert_complete();
    let ratio = accelerated.number("instructions") as f64 / native.number("instructions") as f64;
    println!("accelerated: {} exits, {ratio:.4} of native's instructions", accelerated.exits());
    assert!(ratio <= INSTRUCTIONS_RATIO_MAX, "{ratio}");
    assert!(accelerated.exits() <= EXITS_MAX, "{}", accelerated.report["exits"]);
}

#[test]
fn the_same_boot_twice_is_the_same() {
    let Some(directory) = debian() else { return };
    let [mut first, mut second] =
        ["first", "second"].map(|name| Boot::run(&directory, "accelerated", name, &[]));
    for boot in [&mut first, &mut second] {
        boot.report.as_object_mut().expect("the report is an object").remove("host_seconds");
    }
    assert_eq!(first.report, second.report);
    assert_eq!(first.console, second.console);
}

/// Without a JIT there is nothing to compare.
fn skips_without_jit() -> bool {
    let skips = !cfg!(feature = "host-code");
    if skips {
        eprintln!("skipped: this build generates no code for the host");
    }
    skips
}

/// The JIT and the interpreter come to the same end by the same way: the same console, counts, and memory.
#[test]
fn engines_boot_alike() {
    if skips_without_jit() {
        return;
    }
    let Some(directory) = debian() else { return };
    for mode in ["native", "accelerated"] {
        let [fast, reference] = ["jit", "interpreter"].map(|engine| {
            Boot::run(&directory, mode, &format!("{mode}-{engine}"), &["--engine", engine, "--memory-crc"])
        });
        assert_eq!(reference.console, fast.console, "{mode}");
        let [fast, reference] = [fast.report, reference.report].map(|mut report| {
            for own in ["engine", "host_seconds"] {
                assert!(report.as_object_mut().expect("an object").remove(own).is_some(), "{own}");
            }
            report
        });
        assert_eq!(reference, fast, "{mode}");
    }
}

/// The JIT and the interpreter side by side, compared after every few thousand instructions.
#[test]
fn boots_in_lockstep() {
    if skips_without_jit() {
        return;
    }
    let Some(directory) = debian() else { return };
    for mode in ["native", "accelerated"] {
        let boot = Boot::run(&directory, mode, &format!("{mode}-lockstep"), &["--engine", "lockstep"]);
        boot.assert_complete();
        let compared = &boot.report["lockstep"];
        assert_eq!(compared["instructions"], boot.report["instructions"]);
        assert!(compared["state_comparisons"].as_u64() > Some(10_000), "{compared}");
        assert!(compared["memory_comparisons"].as_u64() > Some(5), "{compared}");
    }
}

#[test]
fn boots_without_virtualization_hardware() {
    let Some(directory) = debian() else { return };
    let software = Boot::run(&directory, "software", "software", &[]);
    software.assert_complete();
    // Nothing of the guest exits: what visor's Ring 0 half asks of Ring -1 is what any kernel asks of its firmware.
    let causes = software.report["exits"]["by_cause"].as_object().expect("exits by cause");
    assert!(causes.keys().all(|cause| cause == "hypercall"), "{causes:?}");
}

/// Without a second stage, visor shadows the guest's page tables: on one hart, and on two that fence each other.
#[test]
fn boots_without_nested_paging() {
    let Some(directory) = debian() else { return };
    for harts in ["1", "2"] {
        let name = format!("shadow-{harts}");
        let boot =
            Boot::run(&directory, "accelerated", &name, &["--without", "nested-paging", "--smp", harts]);
        boot.assert_complete();
        let causes = boot.report["exits"]["by_cause"].as_object().expect("exits by cause");
        for cause in ["control-register-write", "page-fault", "tlb-flush"] {
            assert!(causes.contains_key(cause), "{causes:?}");
        }
        assert!(!causes.contains_key("nested-page-fault"), "{causes:?}");
    }
}

/// What visor does by itself shows in the causes of exits; the guest computes the same.
#[track_caller]
fn boots_without(missing: &[&str], harts: &str, expected: &[&str], unexpected: &[&str]) {
    let Some(directory) = debian() else { return };
    let mut arguments: Vec<&str> = missing.iter().flat_map(|name| ["--without", *name]).collect();
    arguments.extend(["--smp", harts]);
    let boot = Boot::run(&directory, "accelerated", &format!("{}-{harts}", missing.join("-")), &arguments);
    boot.assert_complete();
    let causes = boot.report["exits"]["by_cause"].as_object().expect("exits by cause");
    for cause in expected {
        assert!(causes.contains_key(*cause), "{cause}: {causes:?}");
    }
    for cause in unexpected {
        assert!(!causes.contains_key(*cause), "{cause}: {causes:?}");
    }
}

#[test]
fn boots_without_a_timer_that_interrupts_the_guest() {
    boots_without(
        &["timer-without-exit"],
        "1",
        &["timer", "control-register-write"],
        &["halt", "page-fault"],
    );
}

#[test]
fn boots_without_decode_assist() {
    boots_without(&["decode-assist"], "1", &["hypercall"], &["timer", "msr-access"]);
}

#[test]
fn boots_without_the_trap_filter() {
    const EXPECTED: [&str; 8] = [
        "control-register-write",
        "msr-access",
        "illegal-privileged",
        "page-fault",
        "tlb-flush",
        "timer",
        "external-interrupt",
        "halt",
    ];
    boots_without(&["trap-filter"], "1", &EXPECTED, &["shutdown", "nested-page-fault"]);
}

/// Every access of an MSR is fetched and decoded, on two harts that interrupt and fence each other.
#[test]
fn boots_without_trap_filter_and_decode_assist() {
    boots_without(
        &["trap-filter", "decode-assist"],
        "2",
        &["msr-access", "software-interrupt"],
        &["shutdown"],
    );
}

#[test]
fn boots_with_two_virtual_cpus() {
    let Some(directory) = debian() else { return };
    let boot = Boot::run(&directory, "accelerated", "smp", &["--smp", "2"]);
    boot.assert_complete();
    assert!(boot.console.contains("smp: Brought up 1 node, 2 CPUs"), "{}", boot.console);
}
