//! Slices of a run, and the harts' turns in them.
//!
//! A slice can be interrupted after any number of instructions and gone on with, and nothing of the machine tells: what
//! a guest can see of slices (when the board is told the time, when harts hear of each other) happens between turns, and
//! an interruption is not the end of a turn. Nor is a pause: what devices do takes no time of the guest's, but it does of
//! the host's, and after so much of it the machine comes back with its harts where they are.

use visa_core::clock::{Clock, NANOSECONDS_PER_TICK};
use visa_core::{Fault, Reservation, Residency};
use visa_interp::RunEnd;

use super::{Machine, Progress, TimeSource};

/// Nanoseconds (of one retired instruction each) that the harts of a machine with several run before the next one's turn.
const TURN_NS: u64 = 10_000;

/// A slice that has begun: for [`Machine::continue_slice`].
#[derive(Debug)]
pub struct Slice {
    /// Nanoseconds since the start at which it ends.
    end_ns: u64,
    /// Retired instructions of all harts at which it ends.
    last: u64,
    /// The turn that was interrupted.
    turn: Option<Turn>,
    /// Whether it was interrupted because of what devices do; and whether it ever was, after which it ends with the turn.
    paused: bool,
    ends_early: bool,
}

impl Slice {
    /// Whether the last part of it ended before its time, because of what devices have to do.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    fn pause(&mut self) {
        self.paused = true;
        self.ends_early = true;
    }
}

/// Each hart once, or the only one for the whole time.
#[derive(Debug)]
struct Turn {
    /// Nanoseconds of it.
    nanoseconds: u64,
    /// Instructions that the slice has left for it.
    left: u64,
    /// The hart that runs.
    hart: usize,
    /// Its retired count at the end of its part, once it has begun.
    until: Option<u64>,
    /// Whether every hart halted so far.
    all_halted: bool,
}

impl Turn {
    /// The next hart's part.
    fn pass_on(&mut self) {
        self.hart += 1;
        self.until = None;
    }
}

impl Machine {
    /// Runs until about `slice_ns` nanoseconds have passed, at most `instructions` have retired in all from now on, or
    /// something needs the caller.
    pub fn run_slice(&mut self, slice_ns: u64, instructions: u64) -> Progress {
        let mut slice = self.begin_slice(slice_ns, instructions);
        loop {
            if let Some(progress) = self.continue_slice(&mut slice, u64::MAX) {
                return progress;
            }
        }
    }

    /// Begins what [`Machine::run_slice`] does at once.
    pub fn begin_slice(&self, slice_ns: u64, instructions: u64) -> Slice {
        Slice {
            end_ns: self.now_ns.saturating_add(slice_ns.max(1)),
            last: self.instructions().saturating_add(instructions),
            turn: None,
            paused: false,
            ends_early: false,
        }
    }

    /// Goes on with a slice, for at most `most` instructions of all harts together, or until devices have done so much
    /// that somebody should look around ([`Slice::is_paused`]). `None`: the slice is not over. The run is the same however
    /// often a slice is interrupted, provided that nothing else happens to the machine before it is over.
    pub fn continue_slice(&mut self, slice: &mut Slice, most: u64) -> Option<Progress> {
        slice.paused = false;
        let pause = self.instructions().saturating_add(most);
        loop {
            if self.board.has_work() {
                self.board.work();
                if self.board.has_work() {
                    slice.pause();
                    return None;
                }
            }
            let mut turn = match slice.turn.take() {
                Some(turn) => turn,
                None => {
                    let retired = self.instructions();
                    if retired >= slice.last || self.now_ns >= slice.end_ns {
                        return Some(Progress::Running);
                    }
                    if retired >= pause {
                        return None;
                    }
                    self.first_hart(slice, slice.last - retired)
                }
            };
            match self.take_turn(&mut turn, pause, slice.end_ns) {
                None => {
                    slice.turn = Some(turn);
                    if self.board.has_work() {
                        slice.pause();
                    }
                    return None;
                }
                Some(Progress::Running) if slice.ends_early => return Some(Progress::Running),
                Some(Progress::Running) => {}
                Some(other) => return Some(other),
            }
        }
    }

    /// A new turn.
    fn first_hart(&mut self, slice: &Slice, left: u64) -> Turn {
        self.begin_turn();
        // The host's clock may have passed the end since the caller looked.
        let left_ns = slice.end_ns.saturating_sub(self.now_ns).max(1);
        let nanoseconds = if self.harts.len() == 1 { left_ns } else { TURN_NS.min(left_ns) };
        Turn { nanoseconds, left, hart: 0, until: None, all_halted: true }
    }

    /// Goes on with a turn until it is over or all harts together have retired `pause` instructions, or devices have work
    /// to do (`None`).
    fn take_turn(&mut self, turn: &mut Turn, pause: u64, end_ns: u64) -> Option<Progress> {
        while turn.hart < self.harts.len() {
            let allowed = pause.saturating_sub(self.instructions());
            let before = self.harts[turn.hart].instructions;
            let until = *turn.until.get_or_insert(before.saturating_add(turn.nanoseconds.min(turn.left)));
            if until == before {
                turn.all_halted = false;
                turn.pass_on();
                continue;
            }
            let limit = until.min(before.saturating_add(allowed));
            if limit == before {
                return None;
            }
            let end = self.run_hart(turn.hart, limit);
            let hart = &self.harts[turn.hart];
            turn.left -= (hart.instructions - before).min(turn.left);
            match end {
                RunEnd::Limit if hart.instructions < until => return None,
                RunEnd::Halted => {}
                RunEnd::Limit | RunEnd::Message => turn.all_halted = false,
                RunEnd::Stopped => return self.finished(),
                RunEnd::Breakpoint => return Some(self.at_breakpoint(turn.hart)),
                RunEnd::Dead { cause, value, pc } => {
                    return Some(self.dead(turn.hart, Fault { cause, value, pc }));
                }
            }
            turn.pass_on();
        }
        Some(self.end_turn(turn, end_ns))
    }

    fn run_hart(&mut self, index: usize, limit: u64) -> RunEnd {
        let hart = &mut self.harts[index];
        match self.models.get_mut(index) {
            None => self.engine.run(hart, &mut self.board, limit),
            Some(model) => self.engine.interpreter().run_watched(hart, &mut self.board, model, limit),
        }
    }

    fn at_breakpoint(&mut self, hart: usize) -> Progress {
        if self.harts.len() == 1 && self.time == TimeSource::Instructions {
            // The turn ends here: what it has taken must not be given back.
            self.now_ns = self.harts[0].nanoseconds();
        }
        Progress::Breakpoint(hart)
    }

    fn end_turn(&mut self, turn: &Turn, end_ns: u64) -> Progress {
        self.deliver_messages();
        if turn.all_halted && self.all_halt() {
            return self.skip_idle(end_ns);
        }
        self.now_ns = match (self.time, self.harts.len()) {
            (TimeSource::Host, _) => self.started.elapsed().as_nanos() as u64,
            (TimeSource::Instructions, 1) => self.harts[0].nanoseconds(),
            (TimeSource::Instructions, _) => self.now_ns + turn.nanoseconds,
        };
        Progress::Running
    }

    /// Gives the harts and the board the time, and the harts each other's virtual CPUs.
    pub(super) fn begin_turn(&mut self) {
        if self.time == TimeSource::Host {
            self.now_ns = self.started.elapsed().as_nanos() as u64;
        }
        self.board.set_time(self.now_ns / NANOSECONDS_PER_TICK);
        let peers: Vec<Option<Residency>> = match self.harts.len() {
            1 => Vec::new(),
            _ => self.harts.iter().map(visa_core::Hart::residency).collect(),
        };
        for hart in &mut self.harts {
            hart.clock = match self.time {
                TimeSource::Instructions => {
                    Clock::Virtual { nanoseconds: self.now_ns, instructions: hart.instructions }
                }
                TimeSource::Host => Clock::Real { since: self.started, nanoseconds: 0 },
            };
            hart.attention = true;
            if !peers.is_empty() {
                hart.peers.clone_from(&peers);
                // Another hart may have stored where this one reserved.
                hart.reservation = Reservation::NONE;
            }
        }
    }
}
