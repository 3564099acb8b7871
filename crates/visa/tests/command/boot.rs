//! `visa boot` with the smallest of kernels.

use serde_json::Value;

use crate::{Place, assert_code, text, visa};

/// Says "k", and powers off by SBI SRST (extension 0x53525354, function 0: shutdown, no reason).
const KERNEL: &str = "
_start: li a7, 0x4442434E     # DBCN, write a byte
        li a6, 2
        li a0, 'k'
        ecall
        li a7, 0x53525354
        li a6, 0
        li a0, 0
        li a1, 0
        ecall
1:      j 1b
";

#[test]
fn a_kernel_runs_in_both_modes_and_powers_off() {
    for mode in ["native", "accelerated"] {
        let place = Place::new();
        let kernel = place.program(KERNEL);
        let json = place.path("report.json");
        let mut command = visa();
        command.args(["boot", "-m", "16M", "--mode", mode, "--timeout", "60", "--kernel"]).arg(&kernel);
        let output = command.arg("--json").arg(&json).output().unwrap();
        assert_code(&output, 0);
        assert!(text(&output.stdout).contains('k'), "{}", text(&output.stdout));
        let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
        assert_eq!(report["mode"], mode);
        assert_eq!(report["exits"]["by_cause"]["hypercall"], 2);
        // The kernel executes nine `li`, of which some take two instructions, and two `ecall`, which do not retire.
        let in_guest =
            report["instructions"].as_u64().unwrap() - report["instructions_ring_minus_1"].as_u64().unwrap();
        assert!((8..=20).contains(&in_guest), "{report}");
    }
}

/// Traps to Ring 0 stand beside the exits, by cause, in each form of a report: in mode software they are what exits are
/// elsewhere.
#[test]
fn traps_stand_beside_the_exits() {
    const EBREAK: &str = "
        la t0, handler
        csrw stvec, t0
        ebreak
        j next
        .align 2
handler: csrr t0, sepc
        addi t0, t0, 4
        csrw sepc, t0
        sret
        .align 2
next:   nop
";
    let place = Place::new();
    let kernel = place.program(&KERNEL.replace("_start:", &format!("_start: {EBREAK}")));
    for mode in ["native", "accelerated", "software"] {
        let json = place.path("report.json");
        let mut command = visa();
        command
            .args(["boot", "--stats", "-m", "16M", "--mode", mode, "--timeout", "60", "--kernel"])
            .arg(&kernel);
        let output = command.arg("--json").arg(&json).output().unwrap();
        assert_code(&output, 0);
        let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
        let by_cause = report["traps"]["by_cause"].as_object().unwrap();
        let sum: u64 = by_cause.values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(report["traps"]["total"], sum, "{mode}");
        assert_eq!(by_cause["breakpoint"], 1, "{mode}");
        let table = text(&output.stderr);
        assert!(table.contains("TRAP-TO-RING-0") && table.contains("breakpoint"), "{mode}: {table}");
        let traps = format!("{sum} traps into visor");
        assert_eq!(table.contains(&traps), mode == "software", "{mode}: {table}");
        if mode == "software" {
            assert_eq!(by_cause["environment call from Ring 3"], 2);
            assert!(by_cause["illegal instruction"].as_u64() >= Some(2), "{report}");
        } else {
            assert_eq!(sum, 1, "{report}");
        }
        // The same while it runs.
        let mut command = visa();
        command.args(["stat", "-m", "16M", "--mode", mode, "--timeout", "60", "--kernel"]).arg(&kernel);
        let table = text(&command.output().unwrap().stderr);
        assert!(table.contains("TRAP-TO-RING-0"), "{mode}: {table}");
    }
}

#[test]
fn a_trace_names_the_calls_of_the_sbi() {
    let place = Place::new();
    let kernel = place.program(KERNEL);
    let trace = place.path("trace");
    let mut command = visa();
    command.args(["boot", "-m", "16M", "--timeout", "60", "-d", "int", "-D"]).arg(&trace);
    assert_code(&command.arg("--kernel").arg(kernel).output().unwrap(), 0);
    let trace = std::fs::read_to_string(trace).unwrap();
    let calls: Vec<&str> = trace.lines().filter_map(|line| Some(line.split_once("SBI ")?.1)).collect();
    assert_eq!(calls, ["DBCN console_write_byte", "SRST system_reset"], "{trace}");
}

#[test]
fn the_device_tree_can_be_had_without_a_run() {
    let place = Place::new();
    let kernel = place.program(KERNEL);
    let tree = place.path("board.dtb");
    let mut command = visa();
    command
        .args(["boot", "-m", "16M", "--append", "a=b", "--kernel"])
        .arg(kernel)
        .arg("--dump-dtb")
        .arg(&tree);
    assert_code(&command.output().unwrap(), 0);
    let bytes = std::fs::read(tree).unwrap();
    assert_eq!(bytes[..4], [0xD0, 0x0D, 0xFE, 0xED]);
    assert!(bytes.windows(4).any(|window| window == b"a=b\0"));
}

/// Checks a trace by the rules of the Trace Event Format (complete events and metadata), and those of ours: the slices of
/// a hart follow each other without a gap or an overlap, in whole nanoseconds, and each track has a name. Returns the
/// slices: name, track, arguments.
fn slices_of(trace: &Value) -> Vec<(String, u64, Value)> {
    assert_eq!(trace["displayTimeUnit"], "ns");
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_string();
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("no number: {value}"));
    let nanoseconds = |value: &Value| {
        let exact = value.as_f64().unwrap() * 1e3;
        assert!(exact >= 0.0 && (exact - exact.round()).abs() < 1e-3, "{value}");
        exact.round() as u64
    };
    let mut named = std::collections::BTreeSet::new();
    let mut ends = std::collections::BTreeMap::<u64, u64>::new();
    let mut slices = Vec::new();
    for event in trace["traceEvents"].as_array().unwrap() {
        let (process, track) = (number(&event["pid"]), number(&event["tid"]));
        let name = text(&event["name"]);
        match text(&event["ph"]).as_str() {
            "M" => match name.as_str() {
                "thread_name" => assert!(named.insert((process, track, text(&event["args"]["name"])))),
                "process_name" => assert!(text(&event["args"]["name"]).starts_with("hart ")),
                "process_sort_index" | "thread_sort_index" => drop(number(&event["args"]["sort_index"])),
                "process_labels" => drop(text(&event["args"]["labels"])),
                other => panic!("metadata {other}"),
            },
            "X" => {
                assert!(named.iter().any(|known| (known.0, known.1) == (process, track)), "{event}");
                let (start, duration) = (nanoseconds(&event["ts"]), nanoseconds(&event["dur"]));
                assert_eq!(start, ends.insert(process, start + duration).unwrap_or(0), "{event}");
                slices.push((name, track, event["args"].clone()));
            }
            other => panic!("event {other}"),
        }
    }
    assert_eq!(named.len() % 3, 0);
    slices
}

#[test]
fn the_timeline_is_a_trace_that_viewers_open() {
    let place = Place::new();
    let kernel = place.program(KERNEL);
    for options in [&["--smp", "2"][..], &["--cycles", "small"], &["--mode", "software"]] {
        let (trace, json) = (place.path("trace.json"), place.path("report.json"));
        let mut command = visa();
        command.args(["boot", "-m", "16M", "--timeout", "60"]).args(options).arg("--kernel").arg(&kernel);
        let output = command.arg("--trace-exits").arg(&trace).arg("--json").arg(&json).output().unwrap();
        assert_code(&output, 0);
        let trace: Value = serde_json::from_slice(&std::fs::read(trace).unwrap()).unwrap();
        let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
        let slices = slices_of(&trace);
        let exits: Vec<_> = slices.iter().filter(|(_, _, arguments)| arguments["from"].is_string()).collect();
        assert_eq!(Some(exits.len() as u64), report["exits"]["total"].as_u64());
        for (name, track, arguments) in exits {
            assert_eq!((name.as_str(), *track), ("hypercall", 3));
            assert_eq!(arguments["disassembled"], "ecall");
            assert_eq!(arguments["from"], "Ring 0");
            assert!(
                ["DBCN console_write_byte", "SRST system_reset"]
                    .contains(&arguments["SBI"].as_str().unwrap())
            );
            assert_eq!(arguments["virtual CPU"], 0);
            assert!(arguments["VM"].is_u64() && arguments["VMCS"].is_string(), "{arguments}");
            assert!(
                arguments["instructions in Ring -1"].as_u64().is_some_and(|count| count > 0),
                "{arguments}"
            );
        }
        assert!(slices.iter().any(|(name, track, _)| name == "Ring 0" && *track == 2), "{options:?}");
    }
}
