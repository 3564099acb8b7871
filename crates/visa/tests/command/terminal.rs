//! On a terminal: Ctrl-A's commands, and the terminal as it was afterwards, whatever ended the run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rexpect::session::{PtySession, spawn_command};

use crate::run::ECHO;
use crate::{PATIENCE, Place};

/// A shell on a terminal of its own: it shows the terminal's settings, runs the command, and shows its exit code and
/// the settings again.
fn shell(script: &str) -> PtySession {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("echo before $(stty -g); {script}; echo code=$?; echo after $(stty -g)")]);
    let milliseconds = PATIENCE.as_millis() as u64;
    spawn_command(command, Some(milliseconds)).expect("a terminal can be had")
}

fn visa_run(program: &Path) -> String {
    format!("{} run {}", env!("CARGO_BIN_EXE_visa"), program.display())
}

/// The settings after `word`, to the end of the line.
fn settings(session: &mut PtySession, word: &str) -> String {
    session.exp_string(word).unwrap();
    session.read_line().unwrap().trim().to_string()
}

/// Expects an exit code, and the settings that were before.
fn assert_restored(session: &mut PtySession, before: &str, code: i32) {
    session.exp_string(&format!("code={code}")).unwrap();
    assert_eq!(settings(session, "after "), before);
}

#[test]
fn ctrl_a_x_quits_and_ctrl_a_twice_sends_it() {
    let place = Place::new();
    let mut session = shell(&visa_run(&place.program(ECHO)));
    let before = settings(&mut session, "before ");
    session.send("abc").unwrap();
    session.flush().unwrap();
    session.exp_string("abc").unwrap();
    session.send("\x01h").unwrap();
    session.flush().unwrap();
    session.exp_string("monitor").unwrap();
    session.send("\x01\x01").unwrap();
    session.flush().unwrap();
    session.exp_string("\x01").unwrap();
    session.send("\x01x").unwrap();
    session.flush().unwrap();
    assert_restored(&mut session, &before, 125);
}

#[test]
fn two_ctrl_c_in_a_row_are_told_how_to_quit() {
    let place = Place::new();
    let mut session = shell(&visa_run(&place.program(ECHO)));
    let before = settings(&mut session, "before ");
    session.send("\x03a\x03b").unwrap();
    session.flush().unwrap();
    session.exp_string("b").unwrap();
    session.send("\x03\x03").unwrap();
    session.flush().unwrap();
    let unasked = session.exp_string("Ctrl-A x quits").unwrap();
    assert!(!unasked.contains("quits"), "told once: {unasked}");
    session.send("\x01x").unwrap();
    session.flush().unwrap();
    assert_restored(&mut session, &before, 125);
}

#[test]
fn a_new_line_starts_at_the_margin_though_the_guest_sends_no_carriage_return() {
    let place = Place::new();
    let program = place.program(
        "
_start: li   t0, 0x10000000
        la   t1, text
1:      lbu  t2, (t1)
        beqz t2, 2f
        sb   t2, (t0)
        addi t1, t1, 1
        j    1b
2:      j    2b
text:   .asciz \"first\\nsecond\\n\"
",
    );
    let mut session = shell(&visa_run(&program));
    let before = settings(&mut session, "before ");
    session.exp_string("first\r\nsecond\r\n").unwrap();
    session.send("\x01x").unwrap();
    session.flush().unwrap();
    assert_restored(&mut session, &before, 125);
}

#[test]
fn the_monitor_looks_at_the_machine() {
    let place = Place::new();
    let mut session = shell(&visa_run(&place.program(ECHO)));
    let before = settings(&mut session, "before ");
    session.send("!").unwrap();
    session.flush().unwrap();
    session.exp_string("!").unwrap();
    session.send("\x01c").unwrap();
    session.flush().unwrap();
    for (line, answer) in [
        ("info registers\r", "Ring -1, pc 0x00000000800000"),
        ("x/2i 0x80000000\r", "lui t0, 0x10000"),
        ("xp/1 0x80000000\r", "100002b7"),
        ("info mem\r", "serial"),
        ("info tlb\r", "hart 0: 0 of"),
        ("info stat\r", "combined TLB misses"),
        ("gva2gpa 0x80000000\r", "hpa 0x80000000"),
        ("x 0\r", "0x0: physical 0x0 is not RAM"),
        ("frobnicate\r", "is no command"),
    ] {
        session.exp_string("(visa) ").unwrap();
        session.send(line).unwrap();
        session.flush().unwrap();
        session.exp_string(answer).unwrap();
    }
    session.exp_string("(visa) ").unwrap();
    session.send("c\r.").unwrap();
    session.flush().unwrap();
    assert_restored(&mut session, &before, 0);
}

#[test]
fn the_terminal_is_restored_after_an_error_a_limit_and_a_signal() {
    let place = Place::new();
    let program = place.program(ECHO);
    let spin = Place::new();
    let spin = spin_program(&spin);
    let signal = format!("sh -c 'sleep 2; kill -TERM $PPID' & exec {}", visa_run(&program));
    for (script, code) in [
        (format!("{} --timeout 0.5", visa_run(&spin)), 124),
        (format!("{} --max-insns 1000", visa_run(&spin)), 121),
        (visa_run(Path::new("/nonexistent")), 1),
        (format!("( {signal} )"), 143),
    ] {
        let mut session = shell(&script);
        let before = settings(&mut session, "before ");
        assert_restored(&mut session, &before, code);
    }
}

#[test]
fn the_live_table_stands_below_the_console_and_leaves_nothing() {
    let place = Place::new();
    let echo = place.program(ECHO);
    let spin = Place::new();
    let spin = spin_program(&spin);
    let run = format!("{} --stat", visa_run(&echo));
    let mut session = shell(&format!("stty rows 24 cols 80; {run}"));
    let before = settings(&mut session, "before ");
    session.exp_string("\x1b[?1049h").unwrap();
    session.exp_string("VM-EXIT").unwrap();
    session.send("abc").unwrap();
    session.flush().unwrap();
    session.exp_string("abc").unwrap();
    session.send("\x01c").unwrap();
    session.flush().unwrap();
    session.exp_string("\x1b[?1049l").unwrap();
    session.exp_string("(visa) ").unwrap();
    session.send("info mem\r").unwrap();
    session.flush().unwrap();
    session.exp_string("RAM").unwrap();
    session.send("c\r").unwrap();
    session.flush().unwrap();
    session.exp_string("\x1b[?1049h").unwrap();
    session.send("xyz").unwrap();
    session.flush().unwrap();
    session.exp_string("xyz").unwrap();
    session.send("\x01x").unwrap();
    session.flush().unwrap();
    session.exp_string("\x1b[?1049l").unwrap();
    // The console stays, and the table comes once more.
    session.exp_string("abcxyz").unwrap();
    session.exp_string("of them in Ring -1").unwrap();
    assert_restored(&mut session, &before, 125);
    let signal = format!("sh -c 'sleep 2; kill -TERM $PPID' & exec {run}");
    for (script, code) in
        [(format!("{} --stat --timeout 0.5", visa_run(&spin)), 124), (format!("( {signal} )"), 143)]
    {
        let mut session = shell(&script);
        let before = settings(&mut session, "before ");
        session.exp_string("\x1b[?1049h").unwrap();
        session.exp_string("\x1b[?1049l").unwrap();
        assert_restored(&mut session, &before, code);
    }
}

fn spin_program(place: &Place) -> std::path::PathBuf {
    place.program("_start: j _start")
}

#[test]
fn a_signal_ends_a_run_in_good_order() {
    let place = Place::new();
    let program = place.program("_start: j _start");
    let json = place.path("r.json");
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_visa"))
            .args(["run", "--timeout", "60", "--json"])
            .arg(&json)
            .arg(&program)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(700));
        let killed =
            Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
        assert_eq!(report["ended"], "signal");
    }
}
