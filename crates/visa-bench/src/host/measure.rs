//! One boot of one emulator, with the processor time at each of the guest's lines.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::ARCHIVE;
use super::child::{Child, CpuClock};
use super::emulator::{Emulator, Guest};
use super::marker::{self, Marker};
use super::row::{Order, kernel_parameter};

/// The kernel's command line, before the orders. The self-tests of the kernel's ciphers would run beside the first
/// workloads. Without the other two the kernel takes the widest addresses that a machine has; so all have Sv39.
pub const COMMAND_LINE: &str = "console=ttyS0 quiet panic=-1 cryptomgr.notests no5lvl no4lvl ";

/// Memory that the kernel is told of.
const MEMORY_MIB: u64 = 256;

/// An emulator that is silent for so long has come to nothing.
const SILENCE_MAX: Duration = Duration::from_secs(300);

/// How much of what the guest printed is kept for messages.
const CONSOLE_BYTES: usize = 4 << 10;

/// How much of a line is read: a guest that prints no end of line costs no more memory than this.
const LINE_BYTES_MAX: u64 = 4 << 10;

/// One workload in one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Processor time.
    pub time: Duration,
    /// What the workload found.
    pub checksum: u64,
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Boot {
    /// A sample for each order.
    pub samples: Vec<Sample>,
    /// Processor time of the whole process.
    pub total: Duration,
    /// The most memory that the emulator had of the host.
    pub peak_memory_bytes: Option<u64>,
}

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The host.
    #[error("{emulator}")]
    Host {
        /// The emulator.
        emulator: &'static str,
        /// What failed.
        source: std::io::Error,
    },
    /// The guest or the emulator did not do what it was to do.
    #[error("{emulator}, {doing}: {what}\n{said}")]
    Run {
        /// The emulator.
        emulator: &'static str,
        /// What the guest was doing.
        doing: &'static str,
        /// What happened.
        what: String,
        /// The last that guest and emulator printed.
        said: String,
    },
}

/// What to boot, and where.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The kernel.
    pub kernel: &'a Path,
    /// What to do. Nothing: the machine is switched off as soon as /init runs.
    pub orders: &'a [Order],
    /// The processor.
    pub processor: usize,
}

impl Plan<'_> {
    /// The guest of this plan, with its initial RAM disk in this file.
    fn with_guest<T>(&self, initrd: &Path, use_it: impl FnOnce(&Guest<'_>) -> T) -> T {
        let mut append = COMMAND_LINE.to_string();
        if !self.orders.is_empty() {
            append += &kernel_parameter(self.orders);
        }
        use_it(&Guest { kernel: self.kernel, initrd, append: append.trim_end(), memory_mib: MEMORY_MIB })
    }

    /// How an emulator is called, for people: the archive is that of the source tree.
    pub fn shown(&self, emulator: &Emulator) -> String {
        self.with_guest(Path::new(super::ARCHIVE_PATH), |guest| emulator.shown(guest))
    }
}

/// Boots. `progress` is told what the guest is doing.
pub fn boot(
    emulator: &Emulator,
    plan: &Plan<'_>,
    progress: &mut dyn FnMut(&'static str),
) -> Result<Boot, MeasureError> {
    let host = |source| MeasureError::Host { emulator: emulator.name, source };
    let mut initrd = tempfile::Builder::new().suffix(".cpio.gz").tempfile().map_err(host)?;
    initrd.write_all(ARCHIVE).map_err(host)?;
    plan.with_guest(initrd.path(), |guest| {
        let child = Child::start(&mut emulator.command(guest), plan.processor).map_err(host)?;
        watch(child, emulator.name, plan.orders, progress)
    })
}

/// A marker and when it was seen, or the end of the output with the last of it.
enum Seen {
    Marker(Marker, Duration),
    End(Vec<u8>),
}

fn watch(
    mut child: Child,
    emulator: &'static str,
    orders: &[Order],
    progress: &mut dyn FnMut(&'static str),
) -> Result<Boot, MeasureError> {
    let host = |source| MeasureError::Host { emulator, source };
    let (clock, output) = (child.clock(), child.output());
    let (to_us, events) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let tail = output.map_or_else(Vec::new, |output| read(output, clock, &to_us));
        // Nobody listens if the run has failed already.
        let _ = to_us.send(Seen::End(tail));
    });
    let mut log = Log { orders, samples: Vec::new(), begun: None, is_done: false, failure: None };
    let mut peak_memory_bytes = None;
    let mut last_heard = Instant::now();
    let console = loop {
        progress(log.doing());
        match events.recv_timeout(SILENCE_MAX.saturating_sub(last_heard.elapsed())) {
            Ok(Seen::Marker(marker, time)) => {
                last_heard = Instant::now();
                peak_memory_bytes = child.peak_memory_bytes().or(peak_memory_bytes);
                log.note(marker, time);
            }
            Ok(Seen::End(tail)) => break tail,
            Err(RecvTimeoutError::Timeout) => {
                log.fail(format!("nothing was heard of it for {} s", SILENCE_MAX.as_secs()));
                child.kill();
                last_heard = Instant::now();
            }
            Err(RecvTimeoutError::Disconnected) => break Vec::new(),
        }
        if log.failure.is_some() {
            child.kill();
        }
    };
    // The reader has sent its last.
    let _ = reader.join();
    let (status, total) = child.finish().map_err(host)?;
    if !status.success() {
        log.fail(format!("it ended with {status}"));
    } else if !log.is_done || log.samples.len() != orders.len() {
        log.fail("it ended before it had done everything".into());
    }
    if let Some(what) = log.failure.take() {
        let said = format!("{}\n{}", String::from_utf8_lossy(&console).trim_end(), child.errors());
        return Err(MeasureError::Run { emulator, doing: log.doing(), what, said });
    }
    Ok(Boot { samples: log.samples, total, peak_memory_bytes })
}

/// Reads the console to its end, and sends the markers; the last of what was read.
fn read(output: impl Read, clock: CpuClock, to: &mpsc::Sender<Seen>) -> Vec<u8> {
    let mut output = BufReader::new(output);
    let (mut tail, mut line) = (Vec::new(), Vec::new());
    while output.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).is_ok_and(|bytes| bytes != 0) {
        if let Some(marker) = marker::parse(&String::from_utf8_lossy(&line))
            && let Ok(time) = clock.now()
        {
            // The other side listens until we end.
            let _ = to.send(Seen::Marker(marker, time));
        }
        tail.append(&mut line);
        let old = tail.len().saturating_sub(CONSOLE_BYTES);
        tail.drain(..old);
    }
    tail
}

/// What the markers have shown so far.
struct Log<'a> {
    orders: &'a [Order],
    samples: Vec<Sample>,
    begun: Option<Duration>,
    is_done: bool,
    failure: Option<String>,
}

impl Log<'_> {
    fn doing(&self) -> &'static str {
        match self.orders.get(self.samples.len()) {
            Some(order) if self.begun.is_some() || !self.samples.is_empty() => order.row.name,
            None if self.is_done || !self.samples.is_empty() => "power-off",
            _ => super::row::BOOT,
        }
    }

    /// The first failure is the cause of the others.
    fn fail(&mut self, what: String) {
        self.failure.get_or_insert(what);
    }

    fn note(&mut self, marker: Marker, time: Duration) {
        let place = self.samples.len();
        match (marker, self.begun) {
            (Marker::Ready, None) if place == 0 => {}
            (Marker::Begin(index), None) if index == place && index < self.orders.len() => {
                self.begun = Some(time)
            }
            (Marker::End(index, checksum), Some(begun)) if index == place => {
                self.begun = None;
                self.samples.push(Sample { time: time.saturating_sub(begun), checksum });
            }
            (Marker::Done, None) if place == self.orders.len() => self.is_done = true,
            (Marker::Failed(what), _) => self.fail(what),
            (other, _) => self.fail(format!("it said {other:?} out of turn")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::{ROWS, order};
    use super::*;

    fn log(orders: &[Order]) -> Log<'_> {
        Log { orders, samples: Vec::new(), begun: None, is_done: false, failure: None }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_sample_is_the_difference_of_two_markers() {
        let orders = [order(&ROWS[1], true), order(&ROWS[2], true)];
        let mut log = log(&orders);
        assert_eq!(log.doing(), "boot");
        log.note(Marker::Ready, seconds(1));
        log.note(Marker::Begin(0), seconds(2));
        assert_eq!(log.doing(), ROWS[1].name);
        log.note(Marker::End(0, 7), seconds(5));
        log.note(Marker::Begin(1), seconds(6));
        log.note(Marker::End(1, 8), seconds(10));
        log.note(Marker::Done, seconds(11));
        let expected = [Sample { time: seconds(3), checksum: 7 }, Sample { time: seconds(4), checksum: 8 }];
        assert_eq!((log.samples.as_slice(), log.is_done, &log.failure), (&expected[..], true, &None));
    }

    #[test]
    fn markers_out_of_turn_are_failures() {
        let orders = [order(&ROWS[1], true)];
        for markers in [
            vec![Marker::Begin(1)],
            vec![Marker::End(0, 1)],
            vec![Marker::Begin(0), Marker::Begin(0)],
            vec![Marker::Begin(0), Marker::Ready],
            vec![Marker::Done],
            vec![Marker::Failed("mmap 12".into())],
        ] {
            let mut log = log(&orders);
            markers.iter().for_each(|marker| log.note(marker.clone(), seconds(1)));
            assert!(log.failure.is_some(), "{markers:?}");
        }
    }
}
