//! `visa run`: how runs end, what they report, what they read and print.

use serde_json::Value;

use crate::{ENGINES, Place, assert_code, run, text, visa};

/// Echoes the console until a full stop, by polling the UART.
pub const ECHO: &str = "
_start: li   t0, 0x10000000
1:      lbu  t1, 5(t0)
        andi t1, t1, 1
        beqz t1, 1b
        lbu  t2, 0(t0)
        sb   t2, 0(t0)
        li   t3, '.'
        bne  t2, t3, 1b
        li   t1, 0x5555
        li   t0, 0x100000
        sw   t1, 0(t0)
2:      j    2b
";

#[test]
fn the_guests_code_is_the_exit_code_and_large_ones_do_not_become_zero() {
    for (written, code) in
        [(0x5555, 0), (77 << 16 | 0x3333, 77), (255 << 16 | 0x3333, 255), (256 << 16 | 0x3333, 255)]
    {
        let place = Place::new();
        let output = run(&place.finishing(&format!("li t1, {written}")), &["--json", "-"]);
        assert_code(&output, code);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["guest_code"], if written == 0x5555 { 0 } else { written >> 16 });
        assert_eq!(report["ended"], "finished");
    }
}

#[test]
fn every_other_end_has_a_code_of_its_own() {
    let spin = "1: j 1b";
    for (source, options, code, ended) in [
        // A vector at 0, where there is nothing to fetch.
        (".word 0", &[][..], 120, "hypervisor-dead"),
        (spin, &["--max-insns", "12345"], 121, "instruction-limit"),
        ("1: wfi\nj 1b", &[], 122, "idle-forever"),
        ("li t1, 0x7777", &[], 123, "reset"),
        (spin, &["--timeout", "0.3"], 124, "timeout"),
    ] {
        let place = Place::new();
        let json = place.path("report.json");
        let options = [options, &["--json", json.to_str().unwrap()]].concat();
        let output = run(&place.finishing(source), &options);
        assert_code(&output, code);
        assert!(text(&output.stderr).starts_with("visa: "), "{}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
        assert_eq!((&report["ended"], &report["exit_code"]), (&ended.into(), &code.into()));
        if code == 121 {
            assert_eq!(report["instructions"], 12345);
        }
    }
}

#[test]
fn the_report_of_two_runs_is_the_same_but_for_the_hosts_time() {
    let place = Place::new();
    let program = place.finishing("li t2, 100000\n1: addi t2, t2, -1\nbnez t2, 1b\nli t1, 0x5555");
    let report = || {
        let output = run(&program, &["--json", "-", "--memory-crc"]);
        assert_code(&output, 0);
        let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(report.as_object_mut().unwrap().remove("host_seconds").is_some());
        report
    };
    let first = report();
    assert_eq!(first, report());
    // li t2 takes two instructions (lui, addiw), the loop two each time, the end: li t1 two, li t0, sw.
    assert_eq!(first["instructions"], 2 + 200_000 + 2 + 1 + 1);
    assert_eq!(first["instructions_ring_minus_1"], first["instructions"]);
    assert_eq!((&first["mode"], &first["engine"]), (&"bare".into(), &ENGINES[0].into()));
    assert_eq!((&first["exits"]["total"], &first["emulated"]), (&0.into(), &0.into()));
    assert_eq!(first["memory_crc32"].as_str().map(str::len), Some(8));
}

#[test]
fn with_the_report_on_standard_output_the_console_is_on_standard_error() {
    let place = Place::new();
    let program = place.finishing("li t0, 0x10000000\nli t1, 'Q'\nsb t1, 0(t0)\nli t1, 0x5555");
    let output = run(&program, &["--json", "-"]);
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok(), "{}", text(&output.stdout));
    assert_eq!(text(&output.stderr), "Q");
    assert_eq!(text(&run(&program, &[]).stdout), "Q");
}

#[test]
fn piped_input_reaches_the_guest_and_changes_nothing_from_run_to_run() {
    let place = Place::new();
    let program = place.program(ECHO);
    let line = "the quick brown fox jumps over the lazy dog\n".repeat(20) + ".";
    let instructions = || {
        let mut command = visa();
        command.args(["run", "--json"]).arg(place.path("r.json")).arg(&program).write_stdin(line.clone());
        let output = command.output().unwrap();
        assert_code(&output, 0);
        assert_eq!(text(&output.stdout), line);
        let report: Value = serde_json::from_slice(&std::fs::read(place.path("r.json")).unwrap()).unwrap();
        report["instructions"].as_u64().unwrap()
    };
    assert_eq!(instructions(), instructions());
}

/// It has the UART interrupt it, and never halts; it prints what it gets, and ends with a dot.
const INTERRUPTED: &str = "
    .equ UART, 0x10000000
    .equ PLIC, 0xc000000
_start:
    la t0, trap
    wrmsr hvvec, t0
    li t0, PLIC
    li t1, 1
    sw t1, 10*4(t0)                 # priority
    li t0, PLIC+0x2000
    li t1, 1<<10
    sw t1, 0(t0)                    # enabled for Ring -1 of hart 0
    li t0, UART
    li t1, 1
    sb t1, 1(t0)
    li t1, 1<<11
    wrmsr hvie, t1
    li t1, 8
    wrmsr hvstatus, t1
wait:
    j wait
.balign 4
trap:
    li t2, PLIC+0x200004
    lw t3, 0(t2)
    li t0, UART
    lbu t1, 0(t0)
    sb t1, 0(t0)
    sw t3, 0(t2)
    li t4, '.'
    beq t1, t4, end
    hvret
end:
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
    j end
";

#[test]
fn piped_input_reaches_a_guest_that_waits_for_an_interrupt_and_never_halts() {
    let place = Place::new();
    let program = place.program(INTERRUPTED);
    for engine in ENGINES {
        let mut command = visa();
        command.args(["run", "--engine", engine, "--max-insns", "4000000000"]).arg(&program);
        let output = command.write_stdin("many words.").output().unwrap();
        assert_code(&output, 0);
        assert_eq!(text(&output.stdout), "many words.");
    }
}

#[test]
fn elsewhere_than_on_a_terminal_the_live_table_is_a_line_now_and_then() {
    let place = Place::new();
    let program = place.program("_start: j _start");
    let lines = |options: &[&str]| {
        let options = [&["--timeout", "1", "--json", "-"], options].concat();
        let output = run(&program, &options);
        assert_code(&output, 124);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["ended"], "timeout");
        let errors = text(&output.stderr);
        assert_eq!(errors.contains("VM-EXIT"), !options[4..].is_empty(), "{errors}");
        errors.lines().filter(|line| line.starts_with("visa: stat: ")).map(str::to_string).collect::<Vec<_>>()
    };
    assert!(lines(&[]).is_empty());
    assert!(lines(&["--stat"]).is_empty());
    let told = lines(&["--stat", "--stat-interval", "0.1"]);
    assert!((2..=10).contains(&told.len()), "{told:?}");
    assert!(told.iter().all(|line| line.ends_with(": 0 exits (+0, 0.0/s)")), "{told:?}");
    let output = run(&program, &["--stat", "--stat-interval", "0"]);
    assert_code(&output, 2);
}

#[test]
fn a_trace_shows_instructions_once_or_always_and_world_switches() {
    let place = Place::new();
    let program = place.program(
        "
_start: la t0, vmcs
        li t1, 0x000141534956
        sd t1, 0(t0)
        li t1, 8               # VMTRAPCFG.CR3
        sd t1, 0x10(t0)
        li t1, 0x100000000     # TIME_SCALE of one
        sd t1, 0x48(t0)
        la t1, guest
        sd t1, 0x100(t0)
        VMENTER t0
        li t0, 0x100000
        li t1, 0x5555
        sw t1, 0(t0)
1:      j 1b
guest:  li R1, 3
2:      addi R1, R1, -1
        bnez R1, 2b
        MOV CR3, R1
        .bss
        .align 12
vmcs:   .space 4096
",
    );
    let file = place.path("trace");
    let trace = |what: &str| {
        let output = run(&program, &["-d", what, "-D", file.to_str().unwrap()]);
        assert_code(&output, 0);
        std::fs::read_to_string(&file).unwrap()
    };
    let count = |text: &str, what: &str| text.lines().filter(|line| line.contains(what)).count();

    let once = trace("in_asm");
    assert_eq!((count(&once, "addi ra, ra, -1"), count(&once, "<guest>")), (1, 1), "{once}");
    assert_eq!(count(&once, "vmenter"), 1, "{once}");
    let always = trace("exec");
    assert_eq!(count(&always, "addi ra, ra, -1"), 3, "{always}");
    assert_eq!(count(&always, "Ring 0"), 8, "{always}");
    assert_eq!(count(&always, "does not retire"), 1, "{always}");
    let commit = trace("commit");
    assert_eq!(count(&commit, "x1  0x0000000000000002"), 1, "{commit}");
    let world = trace("int");
    let lines: Vec<&str> = world.lines().collect();
    assert_eq!(lines.len(), 2, "{world}");
    assert!(lines[0].contains("enter Ring 0") && lines[0].contains("<guest>"), "{world}");
    assert!(lines[1].contains("exit  Ring 0") && lines[1].contains("0x03 control-register-write"), "{world}");
    assert!(lines[1].contains("msr satp"), "{world}");
}

#[test]
fn a_dead_hart_is_told_by_its_first_fault_and_a_refused_entry_by_the_field() {
    let place = Place::new();
    let program = place.finishing("nop\nfirst: .word 0");
    let output = run(&program, &[]);
    assert_code(&output, 120);
    let told = text(&output.stderr);
    let parts = [
        "the first illegal instruction (2) at pc 0x80000004 <first>, value 0x0",
        "the last instruction access fault (1) at pc 0x0, value 0x0",
        "; HVVEC is 0",
    ];
    assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    let handled = place.finishing("la t0, vector\ncsrw HVVEC, t0\nvector: .word 0");
    let told = text(&run(&handled, &[]).stderr);
    assert!(told.contains("<vector>") && !told.contains("HVVEC") && !told.contains("the last"), "{told}");

    let program = place.program("_start: la t0, vmcs\nhere: VMENTER t0\nli t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)\n.bss\n.align 12\nvmcs: .space 4096");
    let output = run(&program, &["-d", "int"]);
    assert_code(&output, 0);
    let trace = text(&output.stderr);
    assert!(trace.contains("entry refused") && trace.contains("<here+0x4>"), "{trace}");
    assert!(trace.contains("invalid VMCS field REVISION (0x0)"), "{trace}");
}

#[test]
fn a_traced_run_retires_what_an_untraced_one_does() {
    let place = Place::new();
    let program = place.program(ECHO);
    let instructions = |options: &[&str]| {
        let mut command = visa();
        command.args(["run", "--json"]).arg(place.path("r.json")).args(options).arg(&program);
        assert_code(&command.write_stdin("traced.").output().unwrap(), 0);
        let report: Value = serde_json::from_slice(&std::fs::read(place.path("r.json")).unwrap()).unwrap();
        report["instructions"].as_u64().unwrap()
    };
    let trace = place.path("trace");
    assert_eq!(instructions(&[]), instructions(&["-d", "in_asm", "-D", trace.to_str().unwrap()]));
}

#[test]
fn statistics_are_a_table_on_standard_error() {
    let place = Place::new();
    let output = run(&place.finishing("li t1, 0x5555"), &["--stats"]);
    assert_code(&output, 0);
    let table = text(&output.stderr);
    for part in
        ["VM-EXIT", "VMCOUNT_EXIT", "VMCOUNT_EMU", "VMCOUNT_TLBMISS", "the guest ended the run with code 0"]
    {
        assert!(table.contains(part), "{table}");
    }
}
