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
