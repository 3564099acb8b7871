//! The host stays in charge: whatever the guest does, and whether or not somebody reads what it prints, a run ends when it
//! is told to, takes no more memory than was asked for, and shares its files with care.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{ENGINES, PATIENCE, Place, assert_code, run, text, visa};

/// Far longer than a run needs to end, and far shorter than it would take if nobody looked; tests share a busy host.
const SOON: Duration = Duration::from_secs(20);

/// Prints without an end.
const PRINTS: &str = "_start: li t0, 0x10000000\nli t1, 'x'\n1: sb t1, 0(t0)\nj 1b";

/// Drives the disk: sets the queue up, and offers it full of one large request again and again. `KIND` is the request's.
const STORM: &str = concat!(
    "_start:\n",
    include_str!("../../../../tests/disk-access.s"),
    "
        li      s0, 0x10001000
        li      t0, 3
        sw      t0, 0x70(s0)
        li      t0, 1
        sw      t0, 0x24(s0)
        sw      t0, 0x20(s0)
        sw      zero, 0x24(s0)
        li      t0, FEATURES
        sw      t0, 0x20(s0)
        li      t0, 11
        sw      t0, 0x70(s0)
        sw      zero, 0x30(s0)
        li      t0, 128
        sw      t0, 0x38(s0)
        la      t0, table
        sw      t0, 0x80(s0)
        sw      zero, 0x84(s0)
        la      s1, ring
        sw      s1, 0x90(s0)
        sw      zero, 0x94(s0)
        la      t0, used
        sw      t0, 0xa0(s0)
        sw      zero, 0xa4(s0)
        li      t0, 1
        sw      t0, 0x44(s0)
        li      t0, 15
        sw      t0, 0x70(s0)
        li      t1, 0
storm:  addi    t1, t1, 128
        sh      t1, 2(s1)
        sw      zero, 0x50(s0)
        j       storm
        .align  4
header: .word   KIND, 0
        .dword  0
        .align  12
table:  .dword  header
        .word   16
        .half   1, 1
        .dword  0x80200000
        .word   0x3E0000
        .half   DATA_FLAGS, 2
        .dword  status
        .word   1
        .half   2, 0
        .space  4096 - 48
ring:   .space  4096
used:   .space  4096
status: .space  16
"
);

/// A program that drives the disk with reads, with writes that are to be durable at once, or with flushes.
fn storm(place: &Place, kind: u32, features: u32) -> PathBuf {
    let data_flags = if kind == 0 { 3 } else { 1 };
    let source = STORM
        .replace("KIND", &kind.to_string())
        .replace("FEATURES", &features.to_string())
        .replace("DATA_FLAGS", &data_flags.to_string());
    place.program(&source)
}

/// The command in the background, with standard output to a pipe that nobody reads.
fn unread(program: &Path, options: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visa"));
    command.arg("run").args(options).arg(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits for the end; the exit code, and how long it took.
fn end_of(child: &mut Child) -> (Option<i32>, Duration) {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), began.elapsed());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    panic!("it runs on and on");
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn disk(place: &Place) -> String {
    format!("path={}", place.write("disk.img", vec![0; 8 << 20]).display())
}

/// Programs that keep the host busy, with their options.
fn busy(place: &Place) -> Vec<(&'static str, PathBuf, Vec<String>)> {
    let with_disk = vec!["--disk".to_string(), disk(place)];
    let named = |name: &str, source: &str| {
        let program = place.program(source);
        let path = place.path(name);
        std::fs::rename(program, &path).unwrap();
        path
    };
    let storms = [("reads", 0, 0x1000_0000), ("writes", 1, 0x1000_0000), ("flushes", 4, 0x1000_0200)];
    let mut all: Vec<_> = storms
        .into_iter()
        .map(|(name, kind, features)| {
            let path = place.path(name);
            std::fs::rename(storm(place, kind, features), &path).unwrap();
            (name, path, with_disk.clone())
        })
        .collect();
    let fences = "_start: sfence.vma\nfence.i\nTLBFLUSHV\nj _start";
    all.push(("fences", named("fences", fences), Vec::new()));
    all.push(("prints", named("prints", PRINTS), Vec::new()));
    all
}

#[test]
fn a_time_limit_holds_whatever_the_guest_does_and_nobody_reads() {
    let place = Place::new();
    for (name, program, options) in busy(&place) {
        let json = place.path("report.json");
        let mut arguments: Vec<&str> = options.iter().map(String::as_str).collect();
        arguments.extend(["--timeout", "0.5", "--json", json.to_str().unwrap()]);
        let (code, took) = end_of(&mut unread(&program, &arguments));
        assert_eq!(code, Some(124), "{name}");
        assert!(took < SOON, "{name}: {took:?}");
        let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
        assert_eq!(report["ended"], "timeout", "{name}");
    }
}

#[test]
fn a_signal_is_heard_whatever_the_guest_does_and_nobody_reads() {
    let place = Place::new();
    for (name, program, options) in busy(&place) {
        let arguments: Vec<&str> = options.iter().map(String::as_str).collect();
        let mut child = unread(&program, &arguments);
        std::thread::sleep(Duration::from_millis(700));
        signal(&child, "-TERM");
        let (code, took) = end_of(&mut child);
        assert_eq!(code, Some(143), "{name}");
        assert!(took < SOON, "{name}: {took:?}");
    }
}

#[test]
fn a_limit_holds_when_the_guest_has_ended_and_nobody_reads() {
    let place = Place::new();
    // More than a pipe holds, and then the end.
    let source = "_start: li t0, 0x10000000\nli t1, 200000\n1: sb t1, 0(t0)\naddi t1, t1, -1\nbnez t1, 1b\nli t1, 0x5555\nli t0, 0x100000\nsw t1, 0(t0)\n2: j 2b";
    let program = place.program(source);
    let (code, _) = end_of(&mut unread(&program, &["--timeout", "2"]));
    assert_eq!(code, Some(124));
    // Somebody who reads late loses nothing.
    let mut child = unread(&program, &[]);
    std::thread::sleep(Duration::from_millis(500));
    let mut printed = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut printed).unwrap();
    assert_eq!((printed.len(), end_of(&mut child).0), (200_000, Some(0)));
}

#[test]
fn no_output_that_fails_makes_the_command_abort() {
    let place = Place::new();
    let prints = place.program(PRINTS);
    let prints = prints.to_str().unwrap();
    let ends = Place::new();
    let ends = ends.finishing("li t1, 0x5555");
    let ends = ends.to_str().unwrap();
    let dead = Place::new();
    let dead = dead.finishing(".word 0");
    let dead = dead.to_str().unwrap();
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let closed = || Stdio::from(std::io::pipe().unwrap().1);
    // What goes to the output that fails, and what the exit code is then.
    let cases: [(&str, &[&str], i32); 8] = [
        ("out", &["run", prints], 1),
        ("out", &["--help"], 1),
        ("out", &["run", "--json", "-", ends], 1),
        ("err", &["run", "--stats", ends], 1),
        ("err", &["run", dead], 120),
        ("err", &["run", "-d", "exec", ends], 1),
        ("err", &["run", "/nonexistent"], 1),
        ("err", &["run", "--nonsense"], 2),
    ];
    for (which, arguments, code) in cases {
        for failing in [&full as &dyn Fn() -> Stdio, &closed] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_visa"));
            command.args(arguments).stdin(Stdio::null());
            match which {
                "out" => command.stdout(failing()).stderr(Stdio::piped()),
                _ => command.stderr(failing()).stdout(Stdio::null()),
            };
            let output = command.spawn().unwrap().wait_with_output().unwrap();
            // A reader of text may stop reading.
            let is_text = arguments == ["--help"] && output.status.code() == Some(0);
            assert!(output.status.code() == Some(code) || is_text, "{arguments:?}: {output:?}");
            if which == "out" && output.status.code() == Some(1) {
                let told = text(&output.stderr);
                let reasons = ["No space left on device", "Broken pipe"];
                assert!(reasons.iter().any(|reason| told.contains(reason)), "{arguments:?}: {told}");
                assert!(!told.contains("panicked"), "{told}");
            }
        }
    }
}

#[test]
fn an_image_that_a_machine_writes_is_not_for_another() {
    let place = Place::new();
    let program = place.program("_start: j _start");
    let image = place.write("disk.img", vec![0; 4096]);
    let disk = |mode: &str| format!("path={}{mode}", image.display());
    let start = |mode: &str| {
        let json = place.path("started");
        let mut child = unread(&program, &["--disk", &disk(mode), "--json", json.to_str().unwrap()]);
        let began = Instant::now();
        // The report's file is made first, the disks are opened next, and then the machine runs.
        while began.elapsed() < Duration::from_millis(1500) && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(20));
        }
        child
    };
    let other = |mode: &str| {
        let options = ["--disk", &disk(mode), "--max-insns", "1000"];
        run(&program, &options)
    };
    let mut writer = start("");
    for mode in ["", ",ro"] {
        let output = other(mode);
        assert_code(&output, 1);
        let told = text(&output.stderr);
        assert!(told.contains("disk.img: another machine has it open"), "{told}");
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    let mut reader = start(",ro");
    assert_code(&other(",ro"), 121);
    assert_code(&other(""), 1);
    reader.kill().unwrap();
    reader.wait().unwrap();
    assert_code(&other(""), 121);
    // Twice for one machine.
    let twice = [disk(""), disk("")];
    let options = ["--disk", &twice[0], "--disk", &twice[1], "--max-insns", "1000"];
    assert_code(&run(&program, &options), 1);
}

/// The most memory that a process has had, in bytes.
fn peak_memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// What a machine takes beside its RAM at most: decoded and translated code above all.
const BESIDE_RAM: u64 = 256 << 20;

#[test]
fn memory_is_what_was_asked_for_and_a_constant() {
    const RAM: u64 = 64 << 20;
    let place = Place::new();
    // A block at every other byte of RAM, each executed often enough to be translated.
    let program = place.program(
        "
_start: li      s0, 0x80100000
        li      s1, 0x81100000
        li      t3, 0x80828082
        slli    t3, t3, 32
        srli    t3, t3, 32
        slli    t4, t3, 32
        or      t3, t3, t4
        mv      t0, s0
1:      sd      t3, 0(t0)
        addi    t0, t0, 8
        bltu    t0, s1, 1b
        li      s4, 2
2:      mv      t0, s0
3:      jalr    t0
        addi    t0, t0, 2
        bltu    t0, s1, 3b
        addi    s4, s4, -1
        bnez    s4, 2b
        li      t0, 0x10000000
        li      t1, '.'
        sb      t1, 0(t0)
4:      j       4b
",
    );
    for engine in ENGINES {
        let mut child = unread(&program, &["-m", "64M", "--engine", engine]);
        let mut printed = [0];
        child.stdout.as_mut().unwrap().read_exact(&mut printed).unwrap();
        let peak = peak_memory(&child);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(peak < RAM + BESIDE_RAM, "{engine}: {} MiB", peak >> 20);
    }
}

/// A machine that waits for a debugger at an address.
fn held(place: &Place) -> (Child, std::net::SocketAddr) {
    let program = place.finishing("li t1, 0x5555");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let at = format!("localhost:{}", free.port());
    (unread(&program, &["-S", "--gdb", &at, "--timeout", "100"]), free)
}

fn attach(at: std::net::SocketAddr) -> TcpStream {
    let began = Instant::now();
    loop {
        match TcpStream::connect(at) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                return stream;
            }
            Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a packet; the packet that is answered.
fn ask(stream: &mut TcpStream, packet: &str) -> String {
    let sum = packet.bytes().fold(0u8, u8::wrapping_add);
    stream.write_all(format!("${packet}#{sum:02x}").as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"#") {
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    text(&answer)
}

#[test]
fn a_machine_that_is_held_is_freed_by_no_garbage_and_no_packet_without_an_end() {
    let place = Place::new();
    let (mut child, at) = held(&place);
    // Somebody who only looks whether there is a port.
    drop(attach(at));
    let mut flood = attach(at);
    flood.write_all(b"$").unwrap();
    let before = peak_memory(&child);
    // The machine closes the connection at some point.
    for _ in 0..64 {
        if flood.write_all(&[b'a'; 1 << 20]).is_err() {
            break;
        }
    }
    drop(flood);
    for garbage in [&b"\x00\xff$$$##}}+-+-"[..], b"$vCont;#00", b"$Gzz#00$m,#00", &[b'+'; 100_000]] {
        let mut stream = attach(at);
        // The machine may have had enough of it before the end.
        let _ = stream.write_all(garbage);
    }
    let mut stream = attach(at);
    assert!(ask(&mut stream, "?").contains("T05"), "it stands still");
    // The PC (register 32) is where it was, in the protocol's run-length encoding: nothing ran.
    assert_eq!(ask(&mut stream, "p20").rsplit('$').next(), Some("0*\"80*%#"));
    assert!(peak_memory(&child) < before + (32 << 20), "{} MiB", peak_memory(&child) >> 20);
    assert!(child.try_wait().unwrap().is_none());
    ask(&mut stream, "D");
    assert_eq!(end_of(&mut child).0, Some(0), "a debugger that detaches lets it go");
}

#[test]
fn a_debugger_that_never_pauses_keeps_no_limit_from_holding() {
    let place = Place::new();
    let program = place.program("_start: j _start");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let at = free.to_string();
    let mut child = unread(&program, &["-S", "--gdb", &at, "--timeout", "1"]);
    let mut stream = attach(free);
    let flood = std::thread::spawn(move || while stream.write_all(&[b'+'; 4096]).is_ok() {});
    let (code, took) = end_of(&mut child);
    assert_eq!(code, Some(124));
    assert!(took < SOON, "{took:?}");
    flood.join().unwrap();
}

#[test]
fn caches_say_what_they_do() {
    let output = visa().args(["run", "--help"]).output().unwrap();
    let help = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["writeback", "writethrough", "unsafe", "when the guest flushes", "only one may write it"] {
        assert!(help.contains(part), "{part}: {help}");
    }
    let place = Place::new();
    let program = storm(&place, 1, 0x1000_0000);
    for cache in ["writeback", "writethrough", "unsafe"] {
        let disk = format!("{},cache={cache}", disk(&place));
        let output = run(&program, &["--disk", &disk, "--timeout", "0.3"]);
        assert_code(&output, 124);
    }
}
