//! Whatever is wrong with the input: a message that names the place, a documented code, no panic.

use crate::{Place, assert_code, text, visa};

/// Checks the code and that the message has all of some parts, in a few lines.
fn assert_refused(arguments: &[&str], code: i32, parts: &[&str]) {
    let output = visa().args(arguments).output().unwrap();
    assert_code(&output, code);
    let message = text(&output.stderr);
    for part in parts {
        assert!(message.contains(part), "{arguments:?}: no \"{part}\" in: {message}");
    }
    assert!(message.lines().count() <= 8, "{arguments:?}: {message}");
    assert!(message.matches("(os error").count() <= 1, "told twice: {message}");
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
}

#[test]
fn mistyped_flags_and_values_are_usage_errors() {
    assert_refused(&["run", "--tiemout", "5", "a.elf"], 2, &["--tiemout", "--timeout"]);
    assert_refused(&["run"], 2, &["FILE"]);
    assert_refused(&["rnu"], 2, &["rnu", "Usage: visa"]);
    assert_refused(&["run", "-m", "12Q", "a.elf"], 2, &["12Q", "256M"]);
    assert_refused(&["run", "-m", "99999999T", "a.elf"], 2, &["99999999T", "64 bits"]);
    assert_refused(&["run", "--timeout", "soon", "a.elf"], 2, &["soon", "seconds"]);
    assert_refused(&["run", "--max-insns", "-1", "a.elf"], 2, &["-1"]);
    assert_refused(&["run", "-d", "everything", "a.elf"], 2, &["everything", "in_asm"]);
    assert_refused(&["run", "-D", "t", "a.elf"], 2, &["-d"]);
    assert_refused(&["run", "--disk", "a.img", "a.elf"], 2, &["path=FILE"]);
    assert_refused(&["run", "--disk", "path=a.img,cache=none", "a.elf"], 2, &["none", "writethrough"]);
    assert_refused(&["run", "--gdb", "nowhere", "a.elf"], 2, &["nowhere"]);
    assert_refused(&["boot", "--kernel", "k", "--mode", "fast"], 2, &["native, accelerated and software"]);
    assert_refused(&["boot"], 2, &["--kernel"]);
    let software = ["boot", "--kernel", "k", "--mode", "software", "--smp", "2"];
    assert_refused(&software, 2, &["--mode software has one virtual CPU", "--smp 2"]);
    assert_refused(&["boot", "--kernel", "k", "--load-address", "here"], 2, &["here", "number"]);
    assert_refused(&["boot", "--kernel", "k", "--load-address", "0x80400001"], 2, &["0x80400001 is odd"]);
}

#[test]
fn missing_files_are_named() {
    assert_refused(&["run", "/nonexistent/a.elf"], 1, &["/nonexistent/a.elf", "No such file"]);
    assert_refused(&["boot", "--kernel", "/nonexistent/Image"], 1, &["/nonexistent/Image", "No such file"]);
    assert_refused(&["run", "--disk", "path=/nonexistent/d.img", "a"], 1, &["/nonexistent/d.img"]);
    assert_refused(&["asm", "/nonexistent/a.s"], 1, &["/nonexistent/a.s"]);
    assert_refused(&["dis", "/nonexistent/a.elf"], 1, &["/nonexistent/a.elf"]);
    assert_refused(&["run", "/"], 1, &["/: Is a directory"]);
    assert_refused(&["boot", "--kernel", "k", "--visor", "/nonexistent/v"], 1, &["/nonexistent/v"]);
    assert_refused(&["bench", "--kernel", "/nonexistent/k"], 1, &["/nonexistent/k"]);
}

#[test]
fn files_without_an_end_are_not_read_to_it() {
    let place = Place::new();
    let kernel = place.finishing("li t1, 0x5555");
    let kernel = kernel.to_str().unwrap();
    for arguments in [
        &["run", "/dev/zero"][..],
        &["boot", "--kernel", "/dev/zero"],
        &["boot", "--kernel", kernel, "--initrd", "/dev/zero"],
        &["asm", "-o", "-", "/dev/zero"],
        &["dis", "/dev/zero"],
    ] {
        assert_refused(arguments, 1, &["/dev/zero: longer than"]);
    }
}

#[test]
fn damaged_programs_are_refused_with_the_place() {
    let place = Place::new();
    let program = place.finishing("li t1, 0x5555");
    let bytes = std::fs::read(&program).unwrap();
    for length in [4, 20, 63, 64, 100, bytes.len() / 2] {
        let cut = place.write("cut.elf", &bytes[..length]);
        let output = visa().arg("run").arg(&cut).output().unwrap();
        assert_code(&output, 1);
        assert!(text(&output.stderr).contains("cut.elf: "), "{length}: {}", text(&output.stderr));
    }
    let empty = place.write("empty", "");
    assert_refused(&["run", empty.to_str().unwrap()], 1, &["the file is empty"]);
    let foreign = std::env::current_exe().unwrap();
    assert_refused(&["run", foreign.to_str().unwrap()], 1, &["machine is", "243 (RISC-V)"]);
}

#[test]
fn memory_that_cannot_be_is_refused() {
    let place = Place::new();
    let program = place.finishing("li t1, 0x5555");
    let (file, kernel) = (program.to_str().unwrap(), program.to_str().unwrap());
    assert_refused(&["run", "-m", "0", file], 1, &["RAM size 0x0"]);
    assert_refused(&["run", "-m", "5000", file], 1, &["RAM size 0x1388", "multiple of 0x1000"]);
    assert_refused(&["run", "-m", "4096T", file], 1, &["larger than the limit"]);
    assert_refused(&["run", "-m", "4K", file], 1, &["no room", "device tree"]);
    assert_refused(&["run", "--smp", "0", file], 1, &["1 to 64 harts, not 0"]);
    assert_refused(&["run", "--smp", "65", file], 1, &["1 to 64 harts, not 65"]);
    assert_refused(&["boot", "-m", "3M", "--kernel", kernel], 1, &["multiple of 0x200000"]);
    let initrd = place.write("initrd", vec![0; 17 << 20]);
    let arguments = ["boot", "-m", "16M", "--kernel", kernel, "--initrd", initrd.to_str().unwrap()];
    assert_refused(&arguments, 1, &["no room for the initial RAM disk", "0x1100000 bytes"]);
}

#[test]
fn outputs_that_cannot_be_written_cost_no_run() {
    let place = Place::new();
    let program = place.program("_start: j _start");
    let file = program.to_str().unwrap();
    assert_refused(&["run", "--json", "/nonexistent/r.json", file], 1, &["--json", "/nonexistent/r.json"]);
    assert_refused(&["run", "-d", "exec", "-D", "/nonexistent/t", file], 1, &["-D", "/nonexistent/t"]);
    let kernel = ["boot", "--kernel", file, "--dump-dtb", "/nonexistent/b.dtb"];
    assert_refused(&kernel, 1, &["--dump-dtb", "/nonexistent/b.dtb"]);
    let disk = place.write("odd.img", "not a sector");
    let disk = format!("path={}", disk.display());
    assert_refused(&["run", "--disk", &disk, file], 1, &["odd.img", "12 bytes"]);
}

#[test]
fn help_names_modes_examples_and_exit_codes() {
    let help = |arguments: &[&str]| {
        let output = visa().args(arguments).output().unwrap();
        assert_code(&output, 0);
        text(&output.stdout)
    };
    let boot = help(&["boot", "--help"]);
    for part in ["native", "accelerated", "Examples:", "Exit codes:", "119", "124", "Ctrl-A x", "lockstep"] {
        assert!(boot.contains(part), "{part}: {boot}");
    }
    let run = help(&["help", "run"]);
    assert!(run.contains("Ring -1") && run.contains("Exit codes:"), "{run}");
    assert!(help(&["--help"]).contains("visa run"));
}
