//! Slices of a run, and the harts' turns.
//!
//! Harts take turns of so many instructions, always in the same order. The turn is the machine's: it goes on wherever the
//! last slice or step has left it, so that nothing in the machine tells how a run was sliced, traced or debugged. Nor does a
//! pause: what devices do takes no time of the guest's, but it does of the host's, and after so much of it the machine comes
//! back with its harts where they are.
//!
//! There is one time. While a hart has its part of a turn, the time of all passes, by as much as would make a turn of all
//! the harts that have something to do as long as the instructions of one of them: what a hart reads of the time, none
//! has read before that was later. What one hart tells another (an interrupt, which virtual CPU it has) is there before
//! any other instruction is executed.

use visa_core::Hart;
use visa_core::clock::{HostTime, NANOSECONDS_PER_TICK};
use visa_interp::{RunEnd, Step};
use visa_state::{HypervisorException, Reservation, VirtualTime};

use super::turn::{Part, Slice, Turn};
use super::{Machine, Progress, Time};
use crate::input::LogEntry;

/// Instructions that a hart of several executes before the next one's part; nanoseconds of a turn.
const TURN: u64 = 10_000;

/// Why a hart's part of a turn is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PartEnd {
    /// It has had it.
    Over,
    /// The hart halts.
    Halted,
}

impl Machine {
    /// Runs until about `slice_ns` nanoseconds have passed, at most `instructions` have retired in all from now on, or
    /// something needs the caller.
    pub fn run_slice(&mut self, slice_ns: u64, instructions: u64) -> Progress {
        let mut slice = self.begin_slice(slice_ns, instructions);
        self.note(|| LogEntry::Slices { slice_ns, last: slice.last, times: 1 });
        loop {
            if let Some(progress) = self.run_part(&mut slice, u64::MAX) {
                return progress;
            }
        }
    }

    /// Begins what [`Machine::run_slice`] does at once.
    pub fn begin_slice(&self, slice_ns: u64, instructions: u64) -> Slice {
        Slice {
            end_ns: self.now_ns.saturating_add(slice_ns.max(1)),
            last: self.instructions().saturating_add(instructions),
            paused: false,
            ends_early: false,
        }
    }

    /// Goes on with a slice, for at most `most` instructions of all harts together, or until devices have done so much
    /// that somebody should look around ([`Slice::is_paused`]). `None`: the slice is not over. The run is the same however
    /// often a slice is interrupted, provided that nothing else happens to the machine before it is over.
    pub fn continue_slice(&mut self, slice: &mut Slice, most: u64) -> Option<Progress> {
        self.note(|| LogEntry::Part { slice: slice.clone(), most });
        self.run_part(slice, most)
    }

    fn run_part(&mut self, slice: &mut Slice, most: u64) -> Option<Progress> {
        slice.paused = false;
        let pause = self.instructions().saturating_add(most);
        loop {
            if self.devices_go_on() {
                slice.pause();
                return None;
            }
            self.look_at_clock();
            let retired = self.instructions();
            if retired >= slice.last || self.now_ns >= slice.end_ns {
                return Some(Progress::Running);
            }
            if retired >= pause {
                return None;
            }
            match self.go_on(pause.min(slice.last) - retired, slice.end_ns) {
                Progress::Running if self.board.has_work() => {
                    slice.pause();
                    return None;
                }
                Progress::Running if slice.ends_early && self.turn.is_none() => {
                    return Some(Progress::Running);
                }
                Progress::Running => {}
                other => return Some(other),
            }
        }
    }

    /// Has devices do what they have left to do, as much as goes at a time. Whether that was not all.
    fn devices_go_on(&mut self) -> bool {
        if self.board.has_work() {
            self.board.work();
        }
        self.board.has_work()
    }

    /// The hart that is the next to execute: for debuggers and traces, which step the harts in the order in which they run.
    pub fn next_hart(&mut self) -> usize {
        self.begin_part().0
    }

    /// Executes at most one instruction of a hart; the others have their turns meanwhile. For debuggers and traces.
    ///
    /// While devices have more to do than goes at a time, a step is a part of that, and no instruction.
    pub fn step(&mut self, hart: usize) -> (Step, Progress) {
        self.note(|| LogEntry::Steps { hart, times: 1 });
        if self.devices_go_on() {
            return (self.no_step(hart), Progress::Running);
        }
        self.look_at_clock();
        // Each of the others has at most the rest of its part in this turn, and one in the next.
        for _ in 0..2 * self.harts.len() {
            let next = self.begin_part().0;
            if next == hart {
                return self.step_next();
            }
            match self.go_on(u64::MAX, u64::MAX) {
                Progress::Running if !self.board.has_work() => {}
                progress => return (self.no_step(hart), progress),
            }
        }
        (self.no_step(hart), Progress::Running)
    }

    fn no_step(&self, hart: usize) -> Step {
        let hart = &self.harts[hart];
        Step { ring: hart.state.ring, pc: hart.state.bank.pc, bits: None }
    }

    /// A step of the hart whose part it is.
    fn step_next(&mut self) -> (Step, Progress) {
        let (index, part) = self.begin_part();
        let hart = &mut self.harts[index];
        let (step, end) = match self.models.get_mut(index) {
            None => self.engine.interpreter().step(hart, &mut self.board),
            Some(model) => self.engine.interpreter().step_watched(hart, &mut self.board, model),
        };
        let hart = &self.harts[index];
        let end = match end {
            Some(end) => end,
            None if !hart.state.outgoing.is_empty() => RunEnd::Message,
            // As at the end of a run: interrupts may come before the part is over.
            None if hart.state.instructions >= part.until => self.run_hart(index, part.until),
            None => RunEnd::Limit,
        };
        (step, self.after_run(end, u64::MAX))
    }

    /// Goes on with the part of the hart whose turn it is, for so many instructions at most, or until so many nanoseconds
    /// since the start.
    fn go_on(&mut self, most: u64, end_ns: u64) -> Progress {
        let (index, part) = self.begin_part();
        let hart = &self.harts[index];
        // The host's clock may have passed the end since the caller looked.
        let by_clock = end_ns.saturating_sub(self.now_ns).max(1);
        let end = hart.instructions_at(end_ns).unwrap_or(hart.state.instructions.saturating_add(by_clock));
        let limit = part.until.min(end).min(hart.state.instructions.saturating_add(most));
        let end = self.run_hart(index, limit);
        self.after_run(end, end_ns)
    }

    fn run_hart(&mut self, index: usize, limit: u64) -> RunEnd {
        let hart = &mut self.harts[index];
        match self.models.get_mut(index) {
            None => self.engine.run(hart, &mut self.board, limit),
            Some(model) => self.engine.interpreter().run_watched(hart, &mut self.board, model, limit),
        }
    }

    /// What a run of the hart whose part it is has come to.
    fn after_run(&mut self, end: RunEnd, end_ns: u64) -> Progress {
        let (index, part) = self.begin_part();
        if self.time.is_virtual() {
            self.now_ns = self.harts[index].nanoseconds();
        }
        match end {
            RunEnd::Limit if self.harts[index].state.instructions < part.until => Progress::Running,
            RunEnd::Limit => self.end_part(PartEnd::Over, end_ns),
            RunEnd::Halted => self.end_part(PartEnd::Halted, end_ns),
            RunEnd::Message => {
                self.deliver_messages();
                self.end_part(PartEnd::Over, end_ns)
            }
            // If nobody asked for the end, devices have work to do.
            RunEnd::Stopped => self.finished().unwrap_or(Progress::Running),
            RunEnd::Breakpoint => Progress::Breakpoint(index),
            RunEnd::Dead { cause, value, pc } => self.dead(index, HypervisorException { cause, value, pc }),
        }
    }

    /// The hart whose part it is; the part, and the turn, begin now if they have not begun.
    fn begin_part(&mut self) -> (usize, Part) {
        if let Some(Turn { hart, part: Some(part), .. }) = self.turn {
            return (hart, part);
        }
        let turn = self.turn.get_or_insert_with(|| {
            let awake =
                self.harts.iter().filter(|hart| !hart.state.waiting || hart.pending_work).count() as u64;
            let (start_ns, rate) = (self.now_ns, awake.max(1));
            Turn { start_ns, rate, hart: 0, part: None, executed: 0, all_halted: true }
        });
        let from = self.harts[turn.hart].state.instructions;
        let several = self.harts.len() > 1;
        let part = Part { from, until: if several { from.saturating_add(TURN) } else { u64::MAX } };
        turn.part = Some(part);
        let (index, start_ns, rate, executed) = (turn.hart, turn.start_ns, turn.rate, turn.executed);
        self.set_clocks(start_ns, executed, rate);
        if several {
            let peers = self.harts.iter().map(|hart| hart.state.residency()).collect();
            let hart = &mut self.harts[index];
            hart.peers = peers;
            // Another hart may have stored where this one reserved.
            hart.state.reservation = Reservation::NONE;
        }
        (index, part)
    }

    /// Tells the harts the time: so many instructions after so many nanoseconds since the start.
    fn set_clocks(&mut self, nanoseconds: u64, ahead: u64, rate: u64) {
        for hart in &mut self.harts {
            match &self.time {
                Time::Instructions => {
                    let instructions = hart.state.instructions;
                    hart.state.time = VirtualTime { nanoseconds, instructions, ahead, rate };
                }
                Time::Host { clock, start, .. } => {
                    hart.host_time = Some(HostTime { clock: clock.clone(), start: *start });
                }
            }
        }
    }

    /// The host's clock passes whatever the harts do.
    fn look_at_clock(&mut self) {
        if let Some(passed) = self.time.passed() {
            self.now_ns = passed;
        }
        self.board.set_time(self.now_ns / NANOSECONDS_PER_TICK);
    }

    /// The hart's part is over.
    fn end_part(&mut self, end: PartEnd, end_ns: u64) -> Progress {
        let Some(turn) = &mut self.turn else { return Progress::Running };
        let executed =
            turn.part.take().map_or(0, |part| self.harts[turn.hart].state.instructions - part.from);
        turn.executed += executed;
        turn.all_halted &= end == PartEnd::Halted;
        turn.hart += 1;
        if turn.hart < self.harts.len() {
            return Progress::Running;
        }
        let (start_ns, executed, all_halted) = (turn.start_ns, turn.executed, turn.all_halted);
        self.turn = None;
        if self.time.is_virtual() && !all_halted {
            // Of a turn in which some harts have done less, the rest passes at once.
            self.now_ns = self.now_ns.max(start_ns.saturating_add(TURN));
        }
        // What the last instructions before all halted have set in motion may wake one of them.
        if all_halted && executed == 0 && self.all_halt() {
            self.skip_idle(start_ns, end_ns)
        } else {
            Progress::Running
        }
    }

    /// Whether every hart halts, and none has something to look at.
    fn all_halt(&self) -> bool {
        self.harts.iter().all(|hart| hart.state.waiting && !hart.pending_work)
    }

    /// Every hart halts, and has looked at its timers since `looked_ns`: goes on to the next event, at most to `end_ns`.
    fn skip_idle(&mut self, looked_ns: u64, end_ns: u64) -> Progress {
        // What has become due since a hart looked, while the host's clock went on, is not overlooked.
        for hart in &mut self.harts {
            let instructions = hart.state.instructions;
            hart.state.time = VirtualTime { nanoseconds: looked_ns, instructions, ahead: 0, rate: 1 };
            hart.host_time = None;
        }
        let timers = self.harts.iter().filter_map(Hart::next_timer_ns);
        let device = self.board.next_event().and_then(|ticks| ticks.checked_mul(NANOSECONDS_PER_TICK));
        let next = timers.chain(device).min();
        self.set_clocks(self.now_ns, 0, 1);
        let Some(next) = next else { return Progress::Idle(None) };
        match self.time.passed() {
            Some(passed) => Progress::Idle(Some(next.saturating_sub(passed))),
            None if self.pause_at_halt => Progress::Idle(Some(next.saturating_sub(self.now_ns))),
            None => {
                self.now_ns = next.min(end_ns).max(self.now_ns);
                Progress::Running
            }
        }
    }

    /// Hands messages over. They are delivered before any other instruction is executed, so that their targets are as the
    /// senders saw them; each hart checks that all the same.
    fn deliver_messages(&mut self) {
        for index in 0..self.harts.len() {
            for message in std::mem::take(&mut self.harts[index].state.outgoing) {
                if let Some(target) = self.harts.get_mut(message.hart) {
                    let taken = target.deliver(message);
                    debug_assert!(taken, "{message:?} came too late");
                }
            }
        }
    }
}
