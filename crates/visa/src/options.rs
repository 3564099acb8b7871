//! Options that `run` and `boot` share, and the values that they take.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use visa_machine::board::{Board, DiskChanges, FileBackend, OverlayBackend};
use visa_machine::machine::EngineKind;

use crate::cycles::CycleOptions;
use crate::lockstep::{self, LockstepOptions};

/// The port that `-s` listens on.
const GDB_PORT: u16 = 1234;

/// How long a run may be, what it reports, how it is watched.
#[derive(Args, Debug, Clone)]
pub struct RunOptions {
    /// Write what the run came to as one JSON object; "-" is standard output (the console then goes to standard error)
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub json: Option<PathBuf>,
    /// Print a table of exits, counters and speed to standard error at the end
    #[arg(long, help_heading = "Report")]
    pub stats: bool,
    /// Show the table of exits while the guest runs, on a terminal below its console, and at the end
    #[arg(long, help_heading = "Report")]
    pub stat: bool,
    /// Show it every so many seconds (default: 0.25 on a terminal); elsewhere than on a terminal, print a line on standard
    /// error as often
    #[arg(long, value_name = "SECONDS", value_parser = interval, help_heading = "Report")]
    pub stat_interval: Option<std::time::Duration>,
    /// Add "memory_crc32", a checksum of all of RAM at the end, to the JSON object
    #[arg(long, requires = "json", help_heading = "Report")]
    pub memory_crc: bool,
    /// End the run after so many seconds of real time (exit code 124)
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Limits")]
    pub timeout: Option<std::time::Duration>,
    /// End the run after so many instructions of all harts together (exit code 121)
    #[arg(long, value_name = "N", value_parser = number, help_heading = "Limits")]
    pub max_insns: Option<u64>,
    /// Where the guest's time comes from; default: host if standard input is a terminal and --json is not given, else
    /// virtual
    #[arg(long, value_enum, help_heading = "Machine")]
    pub clock: Option<ClockChoice>,
    /// What executes instructions; the results are the same
    #[arg(long, value_enum, default_value_t, help_heading = "Machine")]
    pub engine: EngineChoice,
    /// What random numbers start from (the device tree's rng-seed)
    #[arg(long, value_name = "N", value_parser = number, default_value = "1", help_heading = "Machine")]
    pub seed: u64,
    /// Number of harts
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Machine")]
    pub smp: usize,
    /// Attach a raw disk image as virtio block device; ",ro" makes it read-only
    #[arg(long, value_name = "path=FILE[,ro]", value_parser = disk, help_heading = "Machine")]
    pub disk: Vec<Disk>,
    /// Trace, comma-separated: in_asm (each instruction when first executed), exec (every instruction), commit (every
    /// instruction with what it wrote, in Spike's format), int (traps and world switches)
    #[arg(short = 'd', value_name = "WHAT", value_enum, value_delimiter = ',', help_heading = "Debugging")]
    pub trace: Vec<TraceItem>,
    /// Where the trace goes instead of standard error
    #[arg(short = 'D', value_name = "FILE", requires = "trace", help_heading = "Debugging")]
    pub trace_file: Option<PathBuf>,
    /// Write a timeline of rings and VM exits, decoded, that Perfetto and chrome://tracing open
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub trace_exits: Option<PathBuf>,
    /// Let gdb attach at localhost:1234
    #[arg(short = 's', help_heading = "Debugging")]
    pub gdb_default: bool,
    /// Let gdb attach at this address
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "gdb_default", help_heading = "Debugging")]
    pub gdb: Option<SocketAddr>,
    /// Wait for gdb before the first instruction; implies -s unless --gdb is given
    #[arg(short = 'S', help_heading = "Debugging")]
    pub gdb_wait: bool,
    /// The cycle model, and what the machine lacks.
    #[command(flatten)]
    pub cycles: CycleOptions,
    /// How engines are compared.
    #[command(flatten)]
    pub lockstep: LockstepOptions,
}

impl RunOptions {
    /// Where gdb may attach, if it may.
    pub fn gdb_address(&self) -> Option<SocketAddr> {
        let default =
            (self.gdb_default || self.gdb_wait).then(|| SocketAddr::from(([127, 0, 0, 1], GDB_PORT)));
        self.gdb.or(default)
    }

    /// Attaches the disks. Two machines in lockstep get a view each, and what is written to it is returned.
    pub fn attach_disks(&self, board: &mut Board) -> anyhow::Result<Vec<DiskChanges>> {
        let mut kept = Vec::new();
        for (index, disk) in self.disk.iter().enumerate() {
            let file = FileBackend::open(&disk.path, disk.read_only)?;
            let name = format!("disk{index}");
            if self.engine == EngineChoice::Lockstep {
                let (view, changes) = OverlayBackend::new(file);
                board.attach_disk(Box::new(view), &name)?;
                kept.push(changes);
            } else {
                board.attach_disk(Box::new(file), &name)?;
            }
        }
        Ok(kept)
    }
}

/// `--engine`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum EngineChoice {
    /// The reference
    Interpreter,
    /// Code of the host, made while the guest runs; with a cycle model or a trace of instructions the interpreter executes
    /// all the same
    #[default]
    Jit,
    /// Both side by side: after every few instructions their states are compared, and the first instruction that makes them
    /// differ is reported (exit code 119). Disks are written at the end, if the engines agree
    Lockstep,
}

impl From<EngineChoice> for EngineKind {
    fn from(choice: EngineChoice) -> EngineKind {
        match choice {
            EngineChoice::Interpreter => EngineKind::Interpreter,
            EngineChoice::Jit => EngineKind::Jit { threshold: None, optimise: None },
            EngineChoice::Lockstep => lockstep::FAST,
        }
    }
}

/// `--clock`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ClockChoice {
    /// One nanosecond for each retired instruction, and halts take no time: every run is the same
    Virtual,
    /// The host's clock: for interactive use
    Host,
}

/// An item of `-d`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum TraceItem {
    /// Each instruction when it is first executed, with symbol
    InAsm,
    /// Every instruction: hart, ring, address, bits, text
    Exec,
    /// Every instruction with the register and memory that it wrote, in the format of Spike's commit log (privilege 3
    /// stands for Ring -1, 1 for Ring 0, 0 for Ring 3)
    Commit,
    /// Traps and world switches, with the exit record decoded
    Int,
}

/// `--disk`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disk {
    /// The image.
    pub path: PathBuf,
    /// Whether the guest may write.
    pub read_only: bool,
}

/// Parses `path=FILE[,ro]`.
fn disk(text: &str) -> Result<Disk, String> {
    let mut path = None;
    let mut read_only = false;
    for part in text.split(',') {
        match part.split_once('=') {
            Some(("path", file)) if !file.is_empty() => path = Some(PathBuf::from(file)),
            None if part == "ro" => read_only = true,
            _ => return Err(format!("\"{part}\" is not understood; expected path=FILE or path=FILE,ro")),
        }
    }
    path.map(|path| Disk { path, read_only }).ok_or("path=FILE is missing".to_string())
}

/// Parses a number: decimal or 0x and hexadecimal, underscores allowed.
pub fn number(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    let parsed = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    parsed.map_err(|error| format!("\"{text}\" is not a number (decimal, or 0x and hexadecimal): {error}"))
}

/// Parses a size: bytes, or with K, M, G or T (powers of 1,024) behind.
pub fn size(text: &str) -> Result<u64, String> {
    let unit = |letter: char| Some(10 * (1 + "KMGT".find(letter.to_ascii_uppercase())? as u32));
    let bare = text
        .strip_suffix("iB")
        .or(text.strip_suffix('B').filter(|_| !text.starts_with("0x")))
        .unwrap_or(text);
    let (digits, shift) = match bare.char_indices().last().and_then(|(at, last)| Some((at, unit(last)?))) {
        Some((at, shift)) => (&bare[..at], shift),
        None => (bare, 0),
    };
    let count =
        number(digits).map_err(|_| format!("\"{text}\" is not a size; examples: 256M, 1G, 0x10000000"))?;
    count.checked_mul(1 << shift).ok_or_else(|| format!("{text} does not fit 64 bits"))
}

fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || format!("\"{text}\" is not a number of seconds");
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    std::time::Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

/// Seconds of an interval, no shorter than a screen can follow.
fn interval(text: &str) -> Result<std::time::Duration, String> {
    const LEAST: std::time::Duration = std::time::Duration::from_millis(10);
    let interval = seconds(text)?;
    if interval < LEAST {
        return Err(format!("the shortest interval is {} s", LEAST.as_secs_f64()));
    }
    Ok(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("0x1000_0000"), Ok(0x1000_0000));
        assert_eq!(size("0xB"), Ok(0xb));
        assert_eq!(size("512M"), Ok(512 << 20));
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("1g"), Ok(1 << 30));
        assert_eq!(size("64kB"), Ok(64 << 10));
        for wrong in ["", "M", "12Q", "-1", "1.5G", "99999999T", "0x"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn disks_need_a_path() {
        assert_eq!(disk("path=a.img"), Ok(Disk { path: "a.img".into(), read_only: false }));
        assert_eq!(disk("path=a.img,ro"), Ok(Disk { path: "a.img".into(), read_only: true }));
        for wrong in ["", "ro", "a.img", "path=", "path=a,rw"] {
            assert!(disk(wrong).is_err(), "{wrong}");
        }
    }
}
