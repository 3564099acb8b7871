//! What is left of a slice, and of a turn.

use serde::{Deserialize, Serialize};

/// A slice that has begun: for [`continue_slice`](super::Machine::continue_slice).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Slice {
    /// Nanoseconds since the start at which it ends.
    pub(super) end_ns: u64,
    /// Retired instructions of all harts at which it ends.
    pub(super) last: u64,
    /// Whether it was interrupted because of what devices do; and whether it ever was, after which it ends with the turn.
    pub(super) paused: bool,
    pub(super) ends_early: bool,
}

impl Slice {
    /// Whether the last part of it ended before its time, because of what devices have to do.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
        self.ends_early = true;
    }
}

/// Each hart once.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    /// Nanoseconds since the start at which it began.
    pub(super) start_ns: u64,
    /// Instructions of a nanosecond: the harts that had something to do at the start.
    pub(super) rate: u64,
    /// The hart whose part it is.
    pub(super) hart: usize,
    /// That part, once it has begun.
    pub(super) part: Option<Part>,
    /// Instructions of the parts before.
    pub(super) executed: u64,
    /// Whether every part before ended with a halt.
    pub(super) all_halted: bool,
}

/// A hart's part of a turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// The hart's retired count at the start.
    pub(super) from: u64,
    /// And at which it is over.
    pub(super) until: u64,
}
