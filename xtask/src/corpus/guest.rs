//! The guest that runs programs: its initramfs, and the machines that can be it.

use super::catalogue::{self, Program};
use super::console::Console;
use super::packages::Place;
use crate::fetch_debian::initramfs;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// RAM of the guest.
const MEMORY: &str = "2G";

/// cryptomgr.notests: the kernel's tests of its ciphers take longer than some programs. no5lvl: a processor of QEMU's may
/// have Sv57, whose addresses some programs that make code do not expect.
const KERNEL_LINE: &str = "console=ttyS0 quiet loglevel=1 panic=-1 cryptomgr.notests no5lvl";

/// What executes the guest.
#[derive(Clone, Debug)]
pub enum Machine {
    /// `visa`.
    Visa {
        /// The program.
        command: PathBuf,
        /// `--engine`.
        engine: String,
        /// `--mode`.
        mode: String,
        /// Further options.
        options: Vec<String>,
    },
    /// `qemu-system-riscv64`.
    Qemu,
}

/// One start of the guest.
pub struct Boot<'a> {
    /// What executes it.
    pub machine: &'a Machine,
    /// Kernel and modules.
    pub place: &'a Place,
    /// The disk.
    pub image: &'a Path,
    /// Where its files go while it runs.
    pub scratch: &'a Path,
    /// Seconds of this machine's time after which it is ended.
    pub timeout: u64,
}

/// What a start came to.
pub struct Ran {
    /// What the guest said.
    pub console: Console,
    /// How the machine ended, for people.
    pub ended: String,
}

impl Boot<'_> {
    /// Runs programs; `tell` hears of each that has ended.
    pub fn run(&self, programs: &[Program], mut tell: impl FnMut(&Console)) -> Result<Ran> {
        let initramfs = self.scratch.join("initramfs.cpio.gz");
        // The guest's time is this machine's there, and no count of instructions.
        let slowness = if matches!(self.machine, Machine::Qemu) { SLOWEST } else { 1 };
        fs::write(&initramfs, pack(self.place, programs, slowness)?)
            .with_context(|| format!("cannot write {}", initramfs.display()))?;
        let errors = self.scratch.join("errors.txt");
        let mut command = self.command(&initramfs);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&errors)?);
        let mut child = command.spawn().with_context(|| format!("cannot run {:?}", command.get_program()))?;
        let mut console = Console::default();
        let mut reader = BufReader::new(child.stdout.take().context("a pipe was asked for")?);
        let mut kept = Vec::new();
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            let ended = console.outputs.len();
            console.line(&String::from_utf8_lossy(&line), Instant::now());
            if console.outputs.len() > ended {
                tell(&console);
            }
            kept.append(&mut line);
        }
        let status = child.wait()?;
        fs::write(self.scratch.join("console.txt"), kept)?;
        let said = fs::read_to_string(&errors).unwrap_or_default();
        let said = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        Ok(Ran { console, ended: format!("{status} {said}").trim_end().to_owned() })
    }

    fn command(&self, initramfs: &Path) -> Command {
        match self.machine {
            Machine::Visa { command: visa, engine, mode, options } => {
                let mut command = Command::new(visa);
                command
                    .args(["boot", "--clock", "virtual", "-m", MEMORY, "--engine", engine, "--mode", mode]);
                command.args(["--timeout", &self.timeout.to_string(), "--append", KERNEL_LINE, "--kernel"]);
                command.arg(self.place.kernel()).arg("--initrd").arg(initramfs);
                command.arg("--disk").arg(format!("path={},ro", self.image.display())).args(options);
                command
            }
            Machine::Qemu => {
                let mut command = Command::new("timeout");
                command.args(["--signal=KILL", &self.timeout.to_string(), "qemu-system-riscv64"]);
                command.args(["-machine", "virt", "-cpu", "rv64", "-smp", "1", "-m", MEMORY]);
                command.args(["-nographic", "-no-reboot", "-append", KERNEL_LINE, "-kernel"]);
                command.arg(self.place.kernel()).arg("-initrd").arg(initramfs);
                let image = self.image.display();
                command.args(["-drive", &format!("file={image},format=raw,if=none,id=disk,readonly=on")]);
                command.args(["-device", "virtio-blk-device,drive=disk"]);
                command
            }
        }
    }
}

/// The initramfs: busybox, the modules, and in /corpus the programs with what they read. Their limits are multiplied.
fn pack(place: &Place, programs: &[Program], slowness: u64) -> Result<Vec<u8>> {
    let corpus = catalogue::directory();
    let read = |path: PathBuf| fs::read(&path).with_context(|| format!("cannot read {}", path.display()));
    let init = read(corpus.join("guest/init.sh"))?;
    let mut archive = initramfs::archive_of(&init, &place.root.join("busybox"), &place.modules())?;
    for directory in ["tree", "corpus", "corpus/programs", "corpus/sources"] {
        archive.directory(directory);
    }
    archive.file("corpus/run.sh", 0o755, &read(corpus.join("guest/run.sh"))?);
    let mut list = String::new();
    for program in programs {
        archive.file(&format!("corpus/programs/{}.sh", program.name), 0o644, program.script.as_bytes());
        list += &format!("{} {}\n", program.name, program.limit * slowness);
    }
    archive.file("corpus/list", 0o644, list.as_bytes());
    let mut sources: Vec<PathBuf> =
        fs::read_dir(corpus.join("sources"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    sources.sort();
    for source in sources {
        let Some(name) = source.file_name().and_then(|name| name.to_str()) else {
            bail!("{}: its name is no text", source.display());
        };
        let name = format!("corpus/sources/{name}");
        archive.file(&name, 0o644, &read(source)?);
    }
    initramfs::compress(&archive.finish())
}

/// How many seconds of this machine's time a slow engine on a busy machine takes for one of the guest's, at most.
const SLOWEST: u64 = 20;

/// Seconds of this machine's time that programs may take: their limits are in the guest's.
pub fn timeout(programs: &[Program]) -> u64 {
    const BOOT: Duration = Duration::from_secs(300);
    BOOT.as_secs() + programs.iter().map(|program| program.limit * SLOWEST).sum::<u64>()
}
