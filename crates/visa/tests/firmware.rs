//! Debian's U-Boot, unmodified, as the kernel: it finds the devices by the device tree, loads a kernel from a disk in one request, edits the
//! device tree and starts the kernel, as somebody types on the console.
//!
//! Needs the package `u-boot-qemu` and `mkfs.ext4`, and for Debian's kernel what `cargo xtask fetch-debian` makes. Without them the tests say
//! that they are skipped, unless `VISA_REQUIRE_FIRMWARE` is set.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use tempfile::TempDir;

const FIRMWARE: &str = "/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin";
const MODES: [&str; 3] = ["native", "accelerated", "software"];

/// No run takes longer, however busy the host is.
const PATIENCE: Duration = Duration::from_secs(180);

/// A kernel larger than the 4 MiB that some block devices take at a time; what it is made of is in the rest.
const KERNEL_BYTES: usize = (6 << 20) + 300;

/// Whether something that a test needs is there.
fn has(what: &str, is_there: bool) -> bool {
    if !is_there {
        assert!(std::env::var_os("VISA_REQUIRE_FIRMWARE").is_none(), "{what} is not there");
        eprintln!("skipped: {what} is not there; `cargo xtask test` installs what this needs");
    }
    is_there
}

fn has_firmware() -> bool {
    let makes_disks = Command::new("mkfs.ext4").arg("-V").output().is_ok();
    has("U-Boot (package u-boot-qemu)", Path::new(FIRMWARE).is_file()) && has("mkfs.ext4", makes_disks)
}

/// A disk with an ext4 file system that has the files of a directory.
fn disk_of(directory: &Path, place: &TempDir) -> PathBuf {
    let image = place.path().join("disk.img");
    let file = std::fs::File::create(&image).expect("a disk can be made");
    file.set_len(64 << 20).expect("a disk can be as large");
    let mut make = Command::new("mkfs.ext4");
    make.args(["-q", "-F", "-d"]).arg(directory).arg(&image).assert().success();
    image
}

/// Types commands into U-Boot's shell; what it and the kernel print.
fn boot(mode: &str, disk: &Path, commands: &[&str]) -> Output {
    let program = std::env::var_os("VISA_COMMAND").unwrap_or_else(|| env!("CARGO_BIN_EXE_visa").into());
    // The first line ends the countdown.
    let typed = format!("\n{}\n", commands.join("\n"));
    Command::new(program)
        .args(["boot", "--mode", mode, "-m", "256M", "--timeout", "150", "--kernel", FIRMWARE, "--disk"])
        .arg(format!("path={},ro", disk.display()))
        .timeout(PATIENCE)
        .write_stdin(typed)
        .output()
        .expect("the command runs")
}

/// The parts are there in this order, and the run has ended well.
fn assert_said(mode: &str, output: &Output, parts: &[&str]) {
    let (console, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{mode}: {errors}\n{console}");
    let mut rest = &console[..];
    for part in parts {
        let (_, after) =
            rest.split_once(part).unwrap_or_else(|| panic!("{mode}: no `{part}` in:\n{console}"));
        rest = after;
    }
}

#[test]
fn u_boot_loads_and_starts_a_small_kernel() {
    if !has_firmware() {
        return;
    }
    // Adds up the bytes behind itself, which are 1 each, to see that all of them came; then says so and powers off.
    let source = format!(
        "_start: lla a1, 8f
        li a2, {KERNEL_BYTES}
        lla a3, _start
        add a2, a2, a3
        li a4, 0
1:      lbu a5, 0(a1)
        add a4, a4, a5
        addi a1, a1, 1
        bne a1, a2, 1b
        lla a1, 8f
        sub a2, a2, a1
        sub a4, a4, a2
        li a0, 'N'
        bnez a4, 2f
        li a0, 'Y'
2:      li a7, 1
        ecall
        li a7, 8
        ecall
8:
"
    );
    let object = visa_asm::assemble(&source, "kernel.s", &visa_asm::Options::default());
    let mut kernel = object.unwrap_or_else(|errors| panic!("{}", errors.render(false))).to_flat();
    kernel.resize(KERNEL_BYTES, 1);
    let place = TempDir::new().expect("a temporary directory");
    let files = place.path().join("files");
    std::fs::create_dir(&files).expect("a directory");
    std::fs::write(files.join("kernel.bin"), kernel).expect("a file");
    let disk = disk_of(&files, &place);
    for mode in MODES {
        let commands = ["ext4load virtio 0:0 ${kernel_addr_r} /kernel.bin", "go ${kernel_addr_r}"];
        let output = boot(mode, &disk, &commands);
        let read = format!("{KERNEL_BYTES} bytes read");
        assert_said(mode, &output, &["U-Boot", "Model: visa-virt", &read, "Starting application", "Y"]);
    }
}

#[test]
fn u_boot_boots_debians_kernel() {
    let debian = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/debian");
    let (kernel, initrd) = (debian.join("Image"), debian.join("initramfs.cpio.gz"));
    let is_fetched = kernel.is_file() && initrd.is_file();
    if !has_firmware() || !has("build/debian (`cargo xtask fetch-debian`)", is_fetched) {
        return;
    }
    let place = TempDir::new().expect("a temporary directory");
    let files = place.path().join("files");
    std::fs::create_dir(&files).expect("a directory");
    for file in [kernel, initrd] {
        std::fs::copy(&file, files.join(file.file_name().expect("a name"))).expect("a copy");
    }
    let disk = disk_of(&files, &place);
    for mode in MODES {
        let output = boot(
            mode,
            &disk,
            &[
                "ext4load virtio 0:0 ${kernel_addr_r} /Image",
                "ext4load virtio 0:0 ${ramdisk_addr_r} /initramfs.cpio.gz",
                "setenv bootargs console=ttyS0 cryptomgr.notests visa.poweroff",
                // The command line and the initial RAM disk go into the device tree that U-Boot got, where it lies.
                "booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdtcontroladdr}",
            ],
        );
        let parts =
            ["U-Boot", "Starting kernel", "Linux version", "V-ISA: init reached", "reboot: Power down"];
        assert_said(mode, &output, &parts);
    }
}
