//! `cargo xtask workloads`: builds the archive of the workloads that `visa bench` boots.
//!
//! `guest/images/workloads.cpio.gz` is an initramfs with one small static program, from the C sources in
//! `guest/workloads`, and the name of the compiler that made it. The same compiler makes the same bytes, so `--check`
//! compares them when the compiler is the recorded one.

use crate::fetch_debian::cpio::Archive;
use crate::fetch_debian::initramfs::compress;
use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Build the archive of the workloads that `visa bench` runs
#[derive(clap::Args)]
pub struct Arguments {
    /// Compare with the archive in the source tree instead of replacing it
    #[arg(long)]
    check: bool,
}

const COMPILER: &str = "riscv64-linux-gnu-gcc";
const PACKAGE: &str = "gcc-riscv64-linux-gnu";
const SOURCES: [&str; 5] = ["compute.c", "memory.c", "process.c", "device.c", "main.c"];

/// A freestanding program: what is measured is the code in the sources, and no library's.
const FLAGS: [&str; 20] = [
    "-march=rv64gc",
    "-mabi=lp64d",
    "-mcmodel=medany",
    "-O2",
    "-std=gnu11",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffreestanding",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    // Loops that clear memory stay loops: there is no library to call.
    "-fno-tree-loop-distribute-patterns",
    "-fno-pic",
    "-no-pie",
    "-static",
    "-nostdlib",
    "-Wl,--build-id=none",
    "-Wl,-z,noexecstack",
    "-Wl,-z,separate-code",
    "-Wl,-z,norelro",
];

/// The entry of the archive that names the compiler.
const COMPILER_ENTRY: &str = "compiler";

/// Major and minor number of /dev/console (the kernel's `admin-guide/devices.txt`).
const CONSOLE: (u32, u32) = (5, 1);

/// Runs the chore.
pub fn run(arguments: Arguments) -> Result<()> {
    process::require(COMPILER, PACKAGE)?;
    let compiler = compiler_version()?;
    let program = compile()?;
    let archive = compress(&pack(&program, &compiler))?;
    let shipped = workspace::root().join("guest/images/workloads.cpio.gz");
    if arguments.check {
        return check(&shipped, &archive, &compiler);
    }
    fs::write(&shipped, &archive).with_context(|| format!("cannot write {}", shipped.display()))?;
    println!("{}: {} bytes, by {compiler}", shipped.display(), archive.len());
    Ok(())
}

fn compiler_version() -> Result<String> {
    let text = process::output(Command::new(COMPILER).arg("--version"))?;
    Ok(text.lines().next().unwrap_or("unknown").trim().to_string())
}

/// Compiles in the sources' directory, so that no path gets into the program.
fn compile() -> Result<Vec<u8>> {
    let output: PathBuf = workspace::root().join("build/guests/workloads");
    process::create_directory(output.parent().unwrap_or(Path::new(".")))?;
    let sources = workspace::root().join("guest/workloads");
    let mut command = Command::new(COMPILER);
    process::output(command.args(FLAGS).arg("-o").arg(&output).args(SOURCES).current_dir(sources))?;
    fs::read(&output).with_context(|| format!("cannot read {}", output.display()))
}

fn pack(program: &[u8], compiler: &str) -> Vec<u8> {
    let mut archive = Archive::default();
    archive.directory("dev");
    archive.directory("proc");
    // The kernel opens the console for /init before anything is mounted on /dev.
    archive.character_device("dev/console", 0o600, CONSOLE);
    archive.file("init", 0o755, program);
    archive.file(COMPILER_ENTRY, 0o644, compiler.as_bytes());
    archive.finish()
}

fn check(shipped: &Path, built: &[u8], compiler: &str) -> Result<()> {
    let bytes = fs::read(shipped).with_context(|| format!("cannot read {}", shipped.display()))?;
    if bytes == built {
        println!("workloads.cpio.gz: the same bytes");
        return Ok(());
    }
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).context("not a gzip file")?;
    let is_recorded = unpacked.windows(compiler.len()).any(|window| window == compiler.as_bytes());
    if !is_recorded {
        println!("workloads.cpio.gz: not compared: it was built by another compiler than {compiler}");
        return Ok(());
    }
    bail!("{} is not what the sources give: run `cargo xtask workloads`", shipped.display())
}
