//! What comes to a machine from outside, and a log of it: a machine at any later moment is a function of what it was made of and of
//! this log.
//!
//! ```text
//! made of    RAM as it was loaded, the contents of the disks ([`LogOrigin`])
//! from outside    bytes that are typed, what a clock says when it is asked ([`Input`], [`crate::machine::Machine::input`])
//! run        slices, parts of slices, steps, and time that is let pass at a halt ([`LogEntry`])
//! ```
//!
//! [`crate::machine::Machine::record`] begins a log, `InputLog::replay` lets it happen again. How a run was cut into slices changes nothing in it; it
//! is in the log because inputs come between slices, and because a clock is asked then, too.
//!
//! *Disks.* What a disk holds when a log begins is an input as a whole, and is not in the log: it is identified by its slot, its size and
//! its checksum ([`DiskContents`]), and a replay on other contents is refused. What the guest writes to it is state of the machine. An
//! overlay is identified by what is read through it, whatever the image below it is.
//!
//! *Time.* With time from instructions nothing of it comes from outside. With a clock, each answer of it is in the log; how often it is
//! asked depends on the engine, so that a replay needs the same one, and one that does not depend on the host's time: the
//! interpreter, or a JIT that optimises at once. With time from instructions every engine replays every log.
//!
//! What a debugger changes is no input: the machine is another one from then on, and a log begins anew.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use visa_core::clock::HostClock;
use visa_devices::BlockError;

use crate::board::DiskContents;
use crate::machine::turn::Slice;

/// Something that comes to a machine from outside.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Input {
    /// Bytes are typed on the console.
    Typed(Vec<u8>),
    /// The clock, asked for the time, says so many nanoseconds since the machine started.
    Time(u64),
}

/// What happens to a machine, in order: an input, or a piece of the run in which the next ones come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LogEntry {
    /// Something from outside.
    Input(Input),
    /// Every hart halts, and so many nanoseconds pass ([`crate::machine::Machine::skip`]).
    Skip(u64),
    /// Whole slices ([`crate::machine::Machine::run_slice`]).
    Slices {
        /// Nanoseconds of each.
        slice_ns: u64,
        /// Retired instructions of all harts, since the start, at which each ends.
        last: u64,
        /// How many in a row.
        times: u64,
    },
    /// A part of a slice ([`crate::machine::Machine::continue_slice`]).
    Part {
        /// The slice as it was before.
        slice: Slice,
        /// Instructions of the part, at most.
        most: u64,
    },
    /// Steps of a hart ([`crate::machine::Machine::step`]).
    Steps {
        /// The hart.
        hart: usize,
        /// How many in a row.
        times: u64,
    },
}

/// LogEntries, of which those that are alike are counted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LogEntries(Vec<LogEntry>);

impl LogEntries {
    /// Adds one at the end.
    pub fn note(&mut self, entry: LogEntry) {
        match (self.0.last_mut(), &entry) {
            (
                Some(LogEntry::Slices { slice_ns, last, times }),
                LogEntry::Slices { slice_ns: next_ns, last: next_last, times: more },
            ) if (*slice_ns, *last) == (*next_ns, *next_last) => *times += more,
            (Some(LogEntry::Steps { hart, times }), LogEntry::Steps { hart: next, times: more })
                if hart == next =>
            {
                *times += more;
            }
            _ => self.0.push(entry),
        }
    }

    /// All of them, the first one first.
    pub fn iter(&self) -> std::slice::Iter<'_, LogEntry> {
        self.0.iter()
    }
}

/// What a log's machine was when the log began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LogOrigin {
    /// Number of harts.
    pub harts: usize,
    /// Retired instructions of all harts.
    pub instructions: u64,
    /// Nanoseconds since the start.
    pub now_ns: u64,
    /// Size of RAM in bytes, and the checksum (CRC-32) of what is in it.
    pub ram: (u64, u32),
    /// The disks.
    pub disks: Vec<DiskContents>,
}

/// The log of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InputLog {
    /// What the machine was at the start.
    pub origin: LogOrigin,
    /// What happened to it.
    pub entries: LogEntries,
    /// Retired instructions of all harts, and nanoseconds since the start, when the log ended.
    pub end: (u64, u64),
}

/// Why a log could not happen again.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReplayError {
    /// The machine is not what the log's was: it was made of something else, or has run.
    #[error("the machine is not the one that the log is of: {what} is {found}, not {expected}")]
    Origin {
        /// What is not the same.
        what: &'static str,
        /// What the log says.
        expected: String,
        /// What the machine says.
        found: String,
    },
    /// The log has a clock's answers, and the machine takes none ([`crate::machine::TimeSource::Given`]); or the other way round.
    #[error("the log {}, and the machine's time {}", if *in_log { "has a clock's answers" } else { "has no clock's answers" },
        if *in_log { "does not come from inputs" } else { "comes from inputs" })]
    Clock {
        /// Whether the log has a clock's answers.
        in_log: bool,
    },
    /// It did not come out as it did: the engine is another, or the run depended on something that is not in the log.
    #[error("the run was another: {what} is {found}, not {expected}")]
    Diverged {
        /// What is not the same.
        what: &'static str,
        /// What the log says.
        expected: u64,
        /// What the machine says.
        found: u64,
    },
    /// A disk cannot be read.
    #[error("{0}")]
    Disk(String),
}

impl From<BlockError> for ReplayError {
    fn from(error: BlockError) -> Self {
        ReplayError::Disk(error.to_string())
    }
}

/// A log that is being written.
pub(crate) struct LogRecorder {
    origin: LogOrigin,
    /// The clock writes here, too.
    entries: Arc<Mutex<LogEntries>>,
}

impl LogRecorder {
    pub(crate) fn new(origin: LogOrigin) -> LogRecorder {
        LogRecorder { origin, entries: Arc::default() }
    }

    /// What was written down.
    pub(crate) fn into_log(self, end: (u64, u64)) -> InputLog {
        let entries = std::mem::take(&mut *self.entries.lock().unwrap_or_else(PoisonError::into_inner));
        InputLog { origin: self.origin, entries, end }
    }

    pub(crate) fn note(&self, entry: LogEntry) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).note(entry);
    }

    /// A clock whose answers, less what it said at the start, are written down.
    pub(crate) fn listen(&self, clock: HostClock, start: u64) -> HostClock {
        let entries = self.entries.clone();
        HostClock::new(move || {
            let answer = clock.nanoseconds();
            let time = Input::Time(answer.saturating_sub(start));
            entries.lock().unwrap_or_else(PoisonError::into_inner).note(LogEntry::Input(time));
            answer
        })
    }
}

/// Time that is given as inputs: answers that wait to be asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct GivenTime(Arc<Mutex<Answers>>);

#[derive(Debug, Default)]
struct Answers {
    waiting: VecDeque<u64>,
    /// The last one, which is the answer when there is no other.
    last: u64,
    /// How often there was no other.
    lacking: u64,
}

impl GivenTime {
    pub(crate) fn give(&self, nanoseconds: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).waiting.push_back(nanoseconds);
    }

    /// A clock that gives the answers in order.
    pub(crate) fn clock(&self) -> HostClock {
        let answers = self.0.clone();
        HostClock::new(move || {
            let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            match answers.waiting.pop_front() {
                Some(next) => answers.last = next,
                None => answers.lacking += 1,
            }
            answers.last
        })
    }

    /// How many answers wait, and how many there were too few.
    pub(crate) fn left(&self) -> (u64, u64) {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (answers.waiting.len() as u64, answers.lacking)
    }
}
