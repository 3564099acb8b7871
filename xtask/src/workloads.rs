//! `cargo xtask workloads`: builds the archives of the workloads that `visa bench` boots.
//!
//! Each, in `guest/images`, is an initramfs with one small static program and the name of the compiler that made it:
//! `workloads.cpio.gz` from the C sources in `guest/workloads`, and `hostbench.cpio.gz`, for `visa bench --host`, from
//! those in `guest/hostbench` and some of the others. The same compiler makes the same bytes, so `--check` compares them
//! when the compiler is the recorded one; `cargo xtask test` does that too.

use crate::fetch_debian::cpio::Archive;
use crate::fetch_debian::initramfs::compress;
use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Build the archives of the workloads that `visa bench` runs
#[derive(clap::Args)]
pub struct Arguments {
    /// Compare with the archives in the source tree instead of replacing them
    #[arg(long)]
    check: bool,
}

const COMPILER: &str = "riscv64-linux-gnu-gcc";
const PACKAGE: &str = "gcc-riscv64-linux-gnu";

/// A program of the guest's, and the archive that it is in.
struct Program {
    /// Its directory in `guest`, and the archive's name.
    name: &'static str,
    /// Its sources, as seen from its directory.
    sources: &'static [&'static str],
    /// What it needs besides [`FLAGS`].
    flags: &'static [&'static str],
}

const PROGRAMS: [Program; 2] = [
    Program {
        name: "workloads",
        sources: &["compute.c", "memory.c", "process.c", "device.c", "main.c"],
        flags: &[],
    },
    Program {
        name: "hostbench",
        sources: &[
            "../workloads/compute.c",
            "../workloads/memory.c",
            "../workloads/process.c",
            "integer.c",
            "control.c",
            "floating.c",
            "parallel.c",
            "walk.c",
            "main.c",
        ],
        // A root is an instruction, and a product and a sum are one where the source leaves it open.
        flags: &["-fno-math-errno", "-ffp-contract=fast"],
    },
];

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

/// What a comparison with a shipped archive has shown.
pub enum Comparison {
    /// The same bytes.
    Same,
    /// It was built by another compiler, so that nothing follows from a difference.
    OtherCompiler,
}

/// Runs the chore.
pub fn run(arguments: Arguments) -> Result<()> {
    install_compiler()?;
    if arguments.check {
        for (name, comparison) in compare()? {
            println!(
                "{name}: {}",
                match comparison {
                    Comparison::Same => "the same bytes",
                    Comparison::OtherCompiler =>
                        "not compared: it was built by another compiler than the one here",
                }
            );
        }
        return Ok(());
    }
    let compiler = compiler_version()?;
    for program in &PROGRAMS {
        let archive = program.build(&compiler)?;
        let shipped = program.shipped();
        fs::write(&shipped, &archive).with_context(|| format!("cannot write {}", shipped.display()))?;
        println!("{}: {} bytes, by {compiler}", shipped.display(), archive.len());
    }
    Ok(())
}

/// Whether the compiler is on this machine.
pub fn has_compiler() -> bool {
    process::exists(COMPILER)
}

/// Makes sure that it is.
pub fn install_compiler() -> Result<()> {
    process::require(COMPILER, PACKAGE)
}

/// Builds the archives and compares them with the shipped ones, by name. An error if one differs and the compiler is the
/// same.
pub fn compare() -> Result<Vec<(&'static str, Comparison)>> {
    let compiler = compiler_version()?;
    PROGRAMS.iter().map(|program| Ok((program.name, program.compare(&compiler)?))).collect()
}

fn compiler_version() -> Result<String> {
    let text = process::output(Command::new(COMPILER).arg("--version"))?;
    Ok(text.lines().next().unwrap_or("unknown").trim().to_string())
}

impl Program {
    /// The archive in the source tree.
    fn shipped(&self) -> PathBuf {
        workspace::root().join("guest/images").join(self.name).with_extension("cpio.gz")
    }

    fn build(&self, compiler: &str) -> Result<Vec<u8>> {
        compress(&pack(&self.compile()?, compiler))
    }

    fn compare(&self, compiler: &str) -> Result<Comparison> {
        let shipped = self.shipped();
        let bytes = fs::read(&shipped).with_context(|| format!("cannot read {}", shipped.display()))?;
        if bytes == self.build(compiler)? {
            return Ok(Comparison::Same);
        }
        let mut unpacked = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(bytes.as_slice());
        decoder
            .read_to_end(&mut unpacked)
            .with_context(|| format!("{}: not a gzip file", shipped.display()))?;
        let is_recorded = unpacked.windows(compiler.len()).any(|window| window == compiler.as_bytes());
        if !is_recorded {
            return Ok(Comparison::OtherCompiler);
        }
        bail!("{} is not what the sources give: run `cargo xtask workloads`", shipped.display())
    }

    /// Compiles in the sources' directory, so that no path gets into the program.
    fn compile(&self) -> Result<Vec<u8>> {
        let output: PathBuf = workspace::root().join("build/guests").join(self.name);
        process::create_directory(output.parent().unwrap_or(Path::new(".")))?;
        let sources = workspace::root().join("guest").join(self.name);
        let mut command = Command::new(COMPILER);
        command.args(FLAGS).args(self.flags).arg("-o").arg(&output).args(self.sources);
        process::output(command.current_dir(sources))?;
        fs::read(&output).with_context(|| format!("cannot read {}", output.display()))
    }
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
