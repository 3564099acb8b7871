//! What comes to a machine from outside, and a log of it: a machine at any later moment is a function of what it was made of and of
//! this log.
//!
//! ```text
//! made of    RAM as it was loaded, the contents of the disks ([`Origin`])
//! from outside    bytes that are typed, what a clock says when it is asked ([`Input`], [`Machine::input`])
//! run        slices, parts of slices, steps, and time that is let pass at a halt ([`Entry`])
//! ```
//!
//! [`Machine::record`] begins a log, [`InputLog::replay`] lets it happen again. How a run was cut into slices changes nothing in it; it
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
use visa_core::clock::{HostClock, HostTime};
use visa_devices::BlockError;
use visa_mem::Platform;

use crate::board::DiskContents;
use crate::machine::{Machine, Progress, Slice};

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
pub enum Entry {
    /// Something from outside.
    Input(Input),
    /// Every hart halts, and so many nanoseconds pass ([`Machine::skip`]).
    Skip(u64),
    /// Whole slices ([`Machine::run_slice`]).
    Slices {
        /// Nanoseconds of each.
        slice_ns: u64,
        /// Retired instructions of all harts, since the start, at which each ends.
        last: u64,
        /// How many in a row.
        times: u64,
    },
    /// A part of a slice ([`Machine::continue_slice`]).
    Part {
        /// The slice as it was before.
        slice: Slice,
        /// Instructions of the part, at most.
        most: u64,
    },
    /// Steps of a hart ([`Machine::step`]).
    Steps {
        /// The hart.
        hart: usize,
        /// How many in a row.
        times: u64,
    },
}

/// Entries, of which those that are alike are counted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Entries(Vec<Entry>);

impl Entries {
    /// Adds one at the end.
    pub fn note(&mut self, entry: Entry) {
        match (self.0.last_mut(), &entry) {
            (
                Some(Entry::Slices { slice_ns, last, times }),
                Entry::Slices { slice_ns: next_ns, last: next_last, times: more },
            ) if (*slice_ns, *last) == (*next_ns, *next_last) => *times += more,
            (Some(Entry::Steps { hart, times }), Entry::Steps { hart: next, times: more })
                if hart == next =>
            {
                *times += more;
            }
            _ => self.0.push(entry),
        }
    }

    /// All of them, the first one first.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.0.iter()
    }
}

/// What a log's machine was when the log began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Origin {
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
    pub origin: Origin,
    /// What happened to it.
    pub entries: Entries,
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
pub(crate) struct Recorder {
    origin: Origin,
    /// The clock writes here, too.
    entries: Arc<Mutex<Entries>>,
}

impl Recorder {
    pub(crate) fn note(&self, entry: Entry) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).note(entry);
    }

    /// A clock whose answers, less what it said at the start, are written down.
    fn listen(&self, clock: HostClock, start: u64) -> HostClock {
        let entries = self.entries.clone();
        HostClock::new(move || {
            let answer = clock.nanoseconds();
            let time = Input::Time(answer.saturating_sub(start));
            entries.lock().unwrap_or_else(PoisonError::into_inner).note(Entry::Input(time));
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
    fn left(&self) -> (u64, u64) {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (answers.waiting.len() as u64, answers.lacking)
    }
}

impl Machine {
    /// Gives it something from outside, between two slices or steps: the one way in. How much of it was taken: of typed bytes, as many
    /// as there is room for; of the time, one answer if the machine's time is given so ([`crate::machine::TimeSource::Given`]), which
    /// the clock gives when it is asked after all that were given before.
    pub fn input(&mut self, input: &Input) -> usize {
        match input {
            Input::Typed(bytes) => {
                let taken = self.board.console_input(bytes);
                if taken != 0 {
                    self.note(|| Entry::Input(Input::Typed(bytes[..taken].to_vec())));
                }
                taken
            }
            Input::Time(nanoseconds) => match self.time.given() {
                Some(given) => {
                    given.give(*nanoseconds);
                    1
                }
                None => 0,
            },
        }
    }

    /// Begins a log of what happens to it from now on. All of RAM and of the disks is read once, to know them again.
    pub fn record(&mut self) -> Result<(), BlockError> {
        let recorder = Recorder { origin: self.origin()?, entries: Arc::default() };
        self.time.replace_clock(|clock, start| recorder.listen(clock, start));
        for hart in &mut self.harts {
            // The part of a turn that has begun goes on with the clock that is listened to.
            if let Some(HostTime { clock, start }) = &mut hart.host_time {
                *clock = recorder.listen(clock.clone(), *start);
            }
        }
        self.recorder = Some(recorder);
        Ok(())
    }

    /// The log so far, which ends; `None`: there is none.
    pub fn take_log(&mut self) -> Option<InputLog> {
        let recorder = self.recorder.take()?;
        let entries = std::mem::take(&mut *recorder.entries.lock().unwrap_or_else(PoisonError::into_inner));
        Some(InputLog { origin: recorder.origin, entries, end: (self.instructions(), self.now_ns()) })
    }

    /// Writes an entry into the log, if there is one.
    pub(crate) fn note(&self, entry: impl FnOnce() -> Entry) {
        if let Some(recorder) = &self.recorder {
            recorder.note(entry());
        }
    }

    fn origin(&mut self) -> Result<Origin, BlockError> {
        Ok(Origin {
            harts: self.harts.len(),
            instructions: self.instructions(),
            now_ns: self.now_ns(),
            ram: (self.board.ram().size(), self.memory_checksum()),
            disks: self.board.disk_contents()?,
        })
    }
}

impl Origin {
    fn check(&self, found: &Origin) -> Result<(), ReplayError> {
        let same = |what, expected: String, found: String| match expected == found {
            true => Ok(()),
            false => Err(ReplayError::Origin { what, expected, found }),
        };
        same("the number of harts", self.harts.to_string(), found.harts.to_string())?;
        same("the size of RAM", self.ram.0.to_string(), found.ram.0.to_string())?;
        same("what is in RAM", format!("{:#010x}", self.ram.1), format!("{:#010x}", found.ram.1))?;
        same("retired instructions", self.instructions.to_string(), found.instructions.to_string())?;
        same("the time", self.now_ns.to_string(), found.now_ns.to_string())?;
        same("what is on the disks", format!("{:?}", self.disks), format!("{:?}", found.disks))
    }
}

impl InputLog {
    /// Lets it happen again, to a machine that is what the log's was when it began; what the last slice or step came to.
    pub fn replay(&self, machine: &mut Machine) -> Result<Progress, ReplayError> {
        self.origin.check(&machine.origin()?)?;
        let answers = self.entries.iter().filter_map(|entry| match entry {
            Entry::Input(time @ Input::Time(_)) => Some(time),
            _ => None,
        });
        // The clock is asked while a slice runs, and its answers are there before.
        let in_log = answers.map(|answer| machine.input(answer)).count() != 0;
        if in_log != machine.time.given().is_some() {
            return Err(ReplayError::Clock { in_log });
        }
        let mut progress = Progress::Running;
        for entry in self.entries.iter() {
            progress = play(machine, entry)?.unwrap_or(progress);
        }
        let (instructions, now_ns) = self.end;
        let diverged = |what, expected, found| match expected == found {
            true => Ok(()),
            false => Err(ReplayError::Diverged { what, expected, found }),
        };
        diverged("the number of retired instructions", instructions, machine.instructions())?;
        diverged("the time in nanoseconds", now_ns, machine.now_ns())?;
        let (waiting, lacking) = machine.time.given().map(GivenTime::left).unwrap_or_default();
        diverged("the number of the clock's answers that nobody asked for", 0, waiting)?;
        diverged("the number of the clock's answers that there were too few", 0, lacking)?;
        Ok(progress)
    }
}

/// Lets one entry happen, but for a clock's answer; what the last slice or step came to, if it is one.
fn play(machine: &mut Machine, entry: &Entry) -> Result<Option<Progress>, ReplayError> {
    let mut progress = None;
    match entry {
        Entry::Input(Input::Time(_)) => {}
        Entry::Input(typed @ Input::Typed(bytes)) => {
            let (expected, found) = (bytes.len() as u64, machine.input(typed) as u64);
            if expected != found {
                let what = "how many of the typed bytes there is room for";
                return Err(ReplayError::Diverged { what, expected, found });
            }
        }
        Entry::Skip(nanoseconds) => machine.skip(*nanoseconds),
        Entry::Slices { slice_ns, last, times } => {
            for _ in 0..*times {
                let left = last.saturating_sub(machine.instructions());
                progress = Some(machine.run_slice(*slice_ns, left));
            }
        }
        Entry::Part { slice, most } => progress = machine.continue_slice(&mut slice.clone(), *most),
        Entry::Steps { hart, times } => {
            for _ in 0..*times {
                progress = Some(machine.step(*hart).1);
            }
        }
    }
    Ok(progress)
}
