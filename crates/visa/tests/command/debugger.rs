//! Stock gdb-multiarch against `visa run -S`. Skipped, with a word, where there is none.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::{Place, text};

/// A guest whose write of CR3 exits, and a loop over memory.
const GUEST: &str = "
_start: la   t0, vmcs
        li   t1, 0x000141534956
        sd   t1, 0(t0)
        li   t1, 8
        sd   t1, 0x10(t0)
        li   t1, 0x100000000
        sd   t1, 0x48(t0)
        la   t1, guest
        sd   t1, 0x100(t0)
        VMENTER t0
after:  la   t2, word
        li   t3, 4
loop:   sd   t3, 0(t2)
        addi t3, t3, -1
        bnez t3, loop
done:   li   t0, 0x100000
        li   t1, 0x5555
        sw   t1, 0(t0)
1:      j    1b
guest:  li   R1, 0x1234
write:  MOV  CR3, R1
        .data
        .align 3
word:   .dword 0
        .bss
        .align 12
vmcs:   .space 4096
";

/// Runs gdb with commands on the guest; what gdb printed, and the command's end.
fn debug(commands: &[&str]) -> Option<(String, i32)> {
    let place = Place::new();
    let program = place.program(GUEST);
    debug_program(&place, &program, commands)
}

fn debug_program(_place: &Place, program: &Path, commands: &[&str]) -> Option<(String, i32)> {
    if Command::new("gdb-multiarch").arg("--version").stdout(Stdio::null()).status().is_err() {
        assert!(std::env::var_os("CI").is_none(), "gdb-multiarch is missing");
        eprintln!("skipped: there is no gdb-multiarch");
        return None;
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut machine: Child = Command::new(env!("CARGO_BIN_EXE_visa"))
        .args(["run", "-S", "--gdb", &free.to_string(), "--timeout", "100"])
        .arg(program)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // gdb tries again for a while if nobody listens yet.
    let mut gdb = Command::new("gdb-multiarch");
    gdb.args(["-nx", "-batch", "-ex", "set tcp connect-timeout 60", "-ex", &format!("target remote {free}")]);
    for command in commands {
        gdb.args(["-ex", command]);
    }
    let output = gdb.arg(program).output().unwrap();
    let code = machine.wait().unwrap().code().unwrap_or(-1);
    Some((text(&output.stdout) + &text(&output.stderr), code))
}

fn assert_has(printed: &str, parts: &[&str]) {
    let mut rest = printed;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("no \"{part}\" in the rest of:\n{printed}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn breakpoints_steps_and_registers_across_a_world_switch() {
    let Some((printed, code)) = debug(&[
        "info registers pc priv ring",
        "x/i $pc",
        "break *write",
        "continue",
        "info registers ring ra cr3 satp vmcause vmpc",
        "hbreak *after",
        "continue",
        "info registers ring vmcause vmcode vmvalue vmr1 vmcount_exit",
        "info registers vmqual",
        "x/2xw 0x10001000",
        "x/xb 0x10000005",
        "x/xw 0x0c201004",
        "stepi",
        "x/i $pc",
        "delete",
        "continue",
    ]) else {
        return;
    };
    assert_has(
        &printed,
        &[
            "0x80000000 <_start>",
            "prv:2 [Hypervisor]",
            "-1",
            "=> 0x80000000 <_start>:",
            "Breakpoint 1, ",
            "in write ()",
            "ring           0x0",
            "ra             0x1234",
            "cr3            0x0",
            "satp           0x0",
            "Breakpoint 2, ",
            "in after ()",
            "ring           0xffffffff",
            "vmcause        0x3",
            "vmcode         0x180",
            "vmvalue        0x1234",
            "vmr1           0x1234",
            "vmcount_exit   0x1",
            "WRITE",
            "LENGTH=4",
            "0x10001000:\t0x74726976\t0x00000002",
            "0x10000005:\t0x60",
            "0xc201004:\t0x00000000",
            "=> ",
            "<after+4>",
            "exited normally",
        ],
    );
    assert_eq!(code, 0);
}

#[test]
fn memory_watchpoints_and_the_monitor() {
    let Some((printed, code)) = debug(&[
        "break *after",
        "continue",
        "set *(long*)&word = 0x55",
        "x/gx &word",
        "set $t4 = 7",
        "info registers t4",
        "watch *(long*)&word",
        "continue",
        "info registers t3",
        "continue",
        "info registers t3",
        "x/x 0x1000",
        "monitor exits",
        "monitor xp/1 0x80000000",
        "monitor gva2gpa 0x80000000",
        "kill",
    ]) else {
        return;
    };
    assert_has(
        &printed,
        &[
            "in after ()",
            "0x0000000000000055",
            "t4             0x7",
            "Old value = 85",
            "New value = 4",
            "t3             0x4",
            "Old value = 4",
            "New value = 3",
            "t3             0x3",
            "Cannot access memory at address 0x1000",
            "control-register-write",
            "0x0000000080000000:",
            "gpa 0x80000000",
        ],
    );
    assert_eq!(code, 125);
}

#[test]
fn lines_of_the_source_and_names_of_our_instructions() {
    let place = Place::new();
    let source = place.write("guest.s", GUEST);
    let assembled = crate::visa().arg("asm").arg(&source).output().unwrap();
    crate::assert_code(&assembled, 0);
    let line = GUEST.lines().position(|line| line.starts_with("write:")).unwrap() + 1;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/gdb/visa.py");
    let Some((printed, _)) = debug_program(
        &place,
        &place.path("guest.elf"),
        &[
            "info line write",
            &format!("break guest.s:{line}"),
            "continue",
            "list",
            "monitor x/1i 0x80000000",
            "break *after",
            "continue",
            "x/i $pc - 4",
            &format!("source {}", script.display()),
            "x/2i $pc - 4",
            "kill",
        ],
    ) else {
        return;
    };
    assert_has(
        &printed,
        &[
            &format!("Line {line} of \""),
            "starts at address",
            "<write>",
            &format!("guest.s:{line}"),
            "MOV  CR3, R1",
            "after () at",
            "vmenter t0",
            "<after>:",
            "auipc",
        ],
    );
    // gdb prints what a monitor command answers on standard error.
    assert_has(&printed, &["0x0000000080000000: auipc t0"]);
}
