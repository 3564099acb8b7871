//! Options that `run` and `boot` share, and the values that they take.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use visa_devices::DiskAccess;
use visa_machine::board::{DiskCache, DiskChanges, DiskError, DiskImage, FileBackend, OverlayBackend};
use visa_machine::machine::{EngineKind, GENERATES_CODE};

use crate::checked::CheckedOptions;
use crate::cycles::CycleOptions;
use crate::lockstep::{FAST, LockstepOptions};
use crate::numbers::number;

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
    /// Attach a raw disk image as virtio block device; ",ro" makes it read-only, for several machines at once; only one may
    /// write it. ",cache=" says when a write is on the medium: "writeback" (the default) when the guest flushes, or at once
    /// if its driver cannot flush; "writethrough" always at once; "unsafe" when the host likes, whatever the guest asks
    #[arg(long, value_name = "path=FILE[,ro][,cache=MODE]", value_parser = disk, help_heading = "Machine")]
    pub disk: Vec<DiskOption>,
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
    /// Let gdb attach at this address: localhost:1234, 127.0.0.1:1234, or :1234 for this host alone
    #[arg(long, value_name = "HOST:PORT", value_parser = gdb_address, conflicts_with = "gdb_default",
          help_heading = "Debugging")]
    pub gdb: Option<GdbAddress>,
    /// Wait for gdb before the first instruction; implies -s unless --gdb is given
    #[arg(short = 'S', help_heading = "Debugging")]
    pub gdb_wait: bool,
    /// The cycle model, and what the machine lacks.
    #[command(flatten)]
    pub cycles: CycleOptions,
    /// How engines are compared.
    #[command(flatten)]
    pub lockstep: LockstepOptions,
    /// How much is checked.
    #[command(flatten)]
    pub checked: CheckedOptions,
}

impl RunOptions {
    /// Where gdb may attach, if it may.
    pub fn gdb_address(&self) -> Option<GdbAddress> {
        let default = (self.gdb_default || self.gdb_wait)
            .then(|| GdbAddress(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, GDB_PORT))]));
        self.gdb.clone().or(default)
    }

    /// What executes.
    pub fn engine_kind(&self) -> EngineKind {
        match self.engine {
            EngineChoice::Interpreter => EngineKind::Interpreter,
            EngineChoice::Jit => EngineKind::Jit { threshold: None, optimise: None },
            EngineChoice::Lockstep => FAST,
            EngineChoice::Checked => EngineKind::Checked(self.checked.checking(self.lockstep.lockstep_fault)),
        }
    }

    /// Opens and locks the disk images.
    pub fn open_disks(&self) -> Result<Disks, DiskError> {
        self.disk.iter().map(|disk| Ok((DiskImage::open(&disk.path, disk.access)?, disk.cache))).collect()
    }

    /// The disks of a machine. Two machines in lockstep get a view each, and what is written to it is returned.
    pub fn disks(&self, images: &Disks) -> (Vec<visa_embed::Disk>, Vec<DiskChanges>) {
        let (mut disks, mut kept) = (Vec::new(), Vec::new());
        for (index, (image, cache)) in images.iter().enumerate() {
            let file = FileBackend::new(image.clone(), *cache);
            let backend: Box<dyn visa_devices::BlockBackend> = if self.engine == EngineChoice::Lockstep {
                let (view, changes) = OverlayBackend::new(file);
                kept.push(changes);
                Box::new(view)
            } else {
                Box::new(file)
            };
            disks.push(visa_embed::Disk { identifier: format!("disk{index}"), backend });
        }
        (disks, kept)
    }
}

/// Images that are open, and how they are written.
pub type Disks = Vec<(Arc<DiskImage>, DiskCache)>;

/// `--gdb`: the addresses that a name has, those of IPv4 first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GdbAddress(pub Vec<SocketAddr>);

/// Parses `HOST:PORT`. No host is this one.
fn gdb_address(text: &str) -> Result<GdbAddress, String> {
    let wrong = |why: String| format!("\"{text}\" is no address like localhost:1234: {why}");
    let full = if text.starts_with(':') { format!("127.0.0.1{text}") } else { text.to_string() };
    let mut addresses: Vec<_> = full.to_socket_addrs().map_err(|error| wrong(error.to_string()))?.collect();
    if addresses.is_empty() {
        return Err(wrong("the host has no address".into()));
    }
    addresses.sort_by_key(SocketAddr::is_ipv6);
    Ok(GdbAddress(addresses))
}

/// `--engine`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum EngineChoice {
    /// The reference
    Interpreter,
    /// Code of the host, made while the guest runs; with a cycle model or a trace of instructions the interpreter executes
    /// all the same
    Jit,
    /// Both side by side: after every few instructions their states are compared, and the first instruction that makes them
    /// differ is reported (exit code 119). Disks are written at the end, if the engines agree
    Lockstep,
    /// As jit, but at random moments the interpreter executes the next stretch, too, on a copy, and both are compared;
    /// generated code is checked. A fault or a difference is reported (exit code 119). Takes at most twice the time of jit
    Checked,
}

impl Default for EngineChoice {
    fn default() -> Self {
        if GENERATES_CODE { EngineChoice::Jit } else { EngineChoice::Interpreter }
    }
}

impl EngineChoice {
    /// Refuses what this build does not have.
    pub fn check(self) -> Result<(), clap::Error> {
        if GENERATES_CODE || self == EngineChoice::Interpreter {
            return Ok(());
        }
        let text = "this visa was built without a JIT, or for a host for which it has none: --engine interpreter is all that it has\n";
        Err(clap::Error::raw(ErrorKind::InvalidValue, text))
    }

    /// Whether engines are compared.
    pub fn compares(self) -> bool {
        matches!(self, EngineChoice::Lockstep | EngineChoice::Checked)
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
pub struct DiskOption {
    /// The image.
    pub path: PathBuf,
    /// Whether the guest may write.
    pub access: DiskAccess,
    /// When what it writes is on the medium.
    pub cache: DiskCache,
}

/// Parses `path=FILE[,ro][,cache=MODE]`.
fn disk(text: &str) -> Result<DiskOption, String> {
    let mut path = None;
    let (mut access, mut cache) = (DiskAccess::ReadWrite, DiskCache::default());
    for part in text.split(',') {
        match part.split_once('=') {
            Some(("path", file)) if !file.is_empty() => path = Some(PathBuf::from(file)),
            Some(("cache", "writeback")) => cache = DiskCache::Writeback,
            Some(("cache", "writethrough")) => cache = DiskCache::Writethrough,
            Some(("cache", "unsafe")) => cache = DiskCache::Unsafe,
            Some(("cache", other)) => {
                return Err(format!(
                    "\"{other}\" is none of the cache modes: writeback, writethrough, unsafe"
                ));
            }
            None if part == "ro" => access = DiskAccess::ReadOnly,
            _ => {
                return Err(format!("\"{part}\" is not understood; expected path=FILE[,ro][,cache=MODE]"));
            }
        }
    }
    path.map(|path| DiskOption { path, access, cache }).ok_or("path=FILE is missing".to_string())
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
    fn disks_need_a_path() {
        let expected = |access, cache| Ok(DiskOption { path: "a.img".into(), access, cache });
        assert_eq!(disk("path=a.img"), expected(DiskAccess::ReadWrite, DiskCache::Writeback));
        assert_eq!(disk("path=a.img,ro"), expected(DiskAccess::ReadOnly, DiskCache::Writeback));
        assert_eq!(
            disk("cache=writethrough,path=a.img"),
            expected(DiskAccess::ReadWrite, DiskCache::Writethrough)
        );
        assert_eq!(disk("path=a.img,cache=unsafe,ro"), expected(DiskAccess::ReadOnly, DiskCache::Unsafe));
        for wrong in ["", "ro", "a.img", "path=", "path=a,rw", "path=a,cache=", "path=a,cache=none"] {
            assert!(disk(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn gdb_may_attach_by_name_or_number() {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 1234));
        for text in ["localhost:1234", "127.0.0.1:1234", ":1234"] {
            assert_eq!(gdb_address(text).unwrap().0[0], local, "{text}");
        }
        assert!(gdb_address("[::1]:1234").unwrap().0[0].is_ipv6());
        for wrong in ["nowhere", "localhost", "1234", "localhost:", "localhost:99999", ""] {
            assert!(gdb_address(wrong).unwrap_err().contains("localhost:1234"), "{wrong}");
        }
    }
}
