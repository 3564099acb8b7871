//! A run: the machine, the console's two ends, limits, the trace, the monitor and the debugger, in one loop.

use std::io::{Write, stderr, stdout};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use visa_bench::stat::ExitTable;
use visa_gdb::{Debuggee, Departure, Slice};
use visa_machine::boot::Ready;
use visa_machine::lockstep::{Lockstep, Suspicion};
use visa_machine::machine::{Machine, Progress};

use crate::exit::Ending;
use crate::input::{Command, Input};
use crate::live::Live;
use crate::monitor::{self, Monitor, Reply};
use crate::options::{ClockChoice, RunOptions};
use crate::symbols::Symbols;
use crate::terminal::{self, RawTerminal};
use crate::timeline::ExitTimeline;
use crate::trace::Trace;

/// Virtual nanoseconds of a slice. What happens between slices (input, limits) must not depend on the host's time, so
/// that a run can be repeated; and the user must not wait for it.
const SLICE_NS: u64 = 200_000;
/// How often somebody who waits looks for signals and debuggers.
const LOOK_AROUND: Duration = Duration::from_millis(50);
/// Steps of one hart before the next one's turn, while every instruction is traced.
const TRACED_STEPS: u64 = 100;

const HELP: &str = "\
Ctrl-A x       quit
Ctrl-A c       monitor: registers, memory, translation, statistics
Ctrl-A h       this help
Ctrl-A Ctrl-A  send Ctrl-A to the guest
";

/// What the guest printed and nobody has written out yet.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Where the console's output goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConsoleTo {
    /// Standard output.
    Output,
    /// Standard error, because standard output is the report's.
    Error,
}

/// A run.
pub struct Session {
    /// The machine.
    pub machine: Machine,
    /// Another one that goes along with it.
    pub lockstep: Option<Lockstep>,
    /// That the two differ, if they do.
    pub suspicion: Option<Suspicion>,
    /// Names for addresses.
    pub symbols: Symbols,
    printed: Printed,
    console: ConsoleTo,
    input: Input,
    monitor: Monitor,
    in_monitor: bool,
    trace: Option<Trace>,
    timeline: Option<ExitTimeline>,
    live: Option<Live>,
    debugger: Option<TcpListener>,
    wait_for_debugger: bool,
    is_virtual: bool,
    started: Instant,
    deadline: Option<Instant>,
    instructions_max: Option<u64>,
    /// What a debugger's slice came to.
    ending: Option<Ending>,
    failure: Option<anyhow::Error>,
}

impl Session {
    /// A run of what was made ready.
    pub fn new(
        ready: Ready,
        symbols: Symbols,
        options: &RunOptions,
        clock: ClockChoice,
        mode: &'static str,
    ) -> anyhow::Result<Session> {
        let printed = Printed::default();
        let mut machine = ready.machine;
        machine.board.set_console_output(Box::new(printed.clone()));
        machine.pause_at_halt = true;
        let trace = Trace::new(options, &mut machine)?;
        let timeline = ExitTimeline::new(options, mode, &mut machine)?;
        let debugger = match options.gdb_address() {
            None => None,
            Some(address) => {
                let listener = TcpListener::bind(address)
                    .with_context(|| format!("cannot listen for gdb at {address}"))?;
                listener.set_nonblocking(true)?;
                Some(listener)
            }
        };
        let console = if options.json.as_deref().is_some_and(|path| path == "-") {
            ConsoleTo::Error
        } else {
            ConsoleTo::Output
        };
        let input = Input::new()?;
        let live = Live::new(options, mode, &mut machine, console == ConsoleTo::Output)?;
        Ok(Session {
            machine,
            lockstep: None,
            suspicion: None,
            symbols,
            printed,
            console,
            input,
            monitor: Monitor::default(),
            in_monitor: false,
            trace,
            timeline,
            live,
            debugger,
            wait_for_debugger: options.gdb_wait,
            is_virtual: clock == ClockChoice::Virtual,
            started: Instant::now(),
            deadline: None,
            instructions_max: options.max_insns,
            ending: None,
            failure: None,
        })
    }

    /// Real time since the run began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Runs to the end. The terminal is raw meanwhile, if standard input is one.
    pub fn run(&mut self, timeout: Option<Duration>) -> anyhow::Result<Ending> {
        let _terminal = RawTerminal::enter()?;
        self.started = Instant::now();
        self.deadline = timeout.and_then(|timeout| self.started.checked_add(timeout));
        let outcome = self.run_all().map(|ending| self.compare_memory(ending));
        // What the guest printed last counts, whatever happened then.
        let written = self.write_out().and_then(|()| self.finish_trace());
        let written = written.and(self.live.as_mut().map_or(Ok(()), Live::leave));
        let ending = outcome?;
        written.map(|()| ending)
    }

    fn run_all(&mut self) -> anyhow::Result<Ending> {
        if self.wait_for_debugger
            && let Some(ending) = self.wait_for_attach()?
        {
            return Ok(ending);
        }
        loop {
            if let Some(ending) = self.attend()? {
                return Ok(ending);
            }
            if let Some(ending) = self.accept_debugger()? {
                return Ok(ending);
            }
            let progress = self.slice()?;
            self.write_out()?;
            if self.suspicion.is_some() {
                return Ok(Ending::EnginesDiffer);
            }
            match progress {
                Progress::Running | Progress::Breakpoint(_) => {}
                Progress::Ended(end) => return Ok(Ending::Machine(end)),
                Progress::Idle(next) => {
                    if let Some(ending) = self.idle(next)? {
                        return Ok(ending);
                    }
                }
            }
        }
    }

    /// What must be looked at between slices.
    fn attend(&mut self) -> anyhow::Result<Option<Ending>> {
        if let Some(number) = terminal::signal() {
            return Ok(Some(Ending::Signal(number)));
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(Some(Ending::Timeout));
        }
        if let Some(limit) = self.instructions_max
            && self.machine.instructions() >= limit
        {
            return Ok(Some(Ending::InstructionLimit(limit)));
        }
        let given = self.input.feed(&mut self.machine.board);
        self.give_to_reference(&given);
        self.tick(false)?;
        self.obey()
    }

    /// Shows what there is to show besides the console.
    fn tick(&mut self, waits: bool) -> anyhow::Result<()> {
        self.live.as_mut().map_or(Ok(()), |live| live.tick(&mut self.machine, waits))
    }

    /// The exits of a mode in which the machine does not count them.
    pub fn software_exits(&mut self) -> Option<ExitTable> {
        self.live.as_mut()?.software_table(&mut self.machine)
    }

    /// Does what the user asked for with Ctrl-A.
    fn obey(&mut self) -> anyhow::Result<Option<Ending>> {
        while let Some(command) = self.input.command() {
            match command {
                Command::Quit => return Ok(Some(Ending::Quit)),
                Command::Help => self.say(HELP)?,
                Command::Monitor => {
                    if let Some(ending) = self.run_monitor()? {
                        return Ok(Some(ending));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Runs the machine for a slice; instruction by instruction if that is traced.
    fn slice(&mut self) -> anyhow::Result<Progress> {
        let left = self.instructions_left();
        let progress = match &self.trace {
            Some(trace) if trace.wants_steps() => self.traced_slice(left)?,
            _ => self.whole_slice(left),
        };
        if let Some(trace) = &mut self.trace {
            trace.note_events(&mut self.machine, &self.symbols)?;
        }
        if let Some(timeline) = &mut self.timeline {
            timeline.note(&mut self.machine)?;
        }
        Ok(progress)
    }

    /// A slice of the machine, and of the one that goes along with it.
    fn whole_slice(&mut self, instructions: u64) -> Progress {
        let Some(lockstep) = &mut self.lockstep else {
            return self.machine.run_slice(SLICE_NS, instructions);
        };
        lockstep.run_slice(&mut self.machine, SLICE_NS, instructions).unwrap_or_else(|suspicion| {
            self.suspicion = Some(suspicion);
            Progress::Running
        })
    }

    fn give_to_reference(&mut self, bytes: &[u8]) {
        if let Some(lockstep) = &mut self.lockstep {
            lockstep.console_input(bytes);
        }
    }

    /// At the end of a run in lockstep: how it has ended, with memory compared.
    fn compare_memory(&mut self, ending: Ending) -> Ending {
        match &mut self.lockstep {
            Some(lockstep) if self.suspicion.is_none() => {
                self.suspicion = lockstep.finish(&self.machine).err();
                if self.suspicion.is_some() { Ending::EnginesDiffer } else { ending }
            }
            _ => ending,
        }
    }

    fn instructions_left(&self) -> u64 {
        self.instructions_max.map_or(u64::MAX, |limit| limit.saturating_sub(self.machine.instructions()))
    }

    /// As a slice of the machine, but by steps.
    fn traced_slice(&mut self, instructions: u64) -> anyhow::Result<Progress> {
        let Some(trace) = &mut self.trace else { return Ok(Progress::Running) };
        let end_ns = self.machine.now_ns().saturating_add(SLICE_NS);
        let last = self.machine.instructions().saturating_add(instructions);
        loop {
            for hart in 0..self.machine.harts.len() {
                for _ in 0..TRACED_STEPS {
                    if self.machine.now_ns() >= end_ns || self.machine.instructions() >= last {
                        return Ok(Progress::Running);
                    }
                    let progress = trace.step(&mut self.machine, hart, &self.symbols)?;
                    if progress != Progress::Running {
                        return Ok(progress);
                    }
                    if self.machine.harts[hart].waiting {
                        break;
                    }
                }
            }
        }
    }

    /// Every hart halts: input, the next event, or the end.
    fn idle(&mut self, next: Option<u64>) -> anyhow::Result<Option<Ending>> {
        let given = self.input.feed_halted(&mut self.machine.board);
        if !given.is_empty() {
            self.give_to_reference(&given);
            return Ok(None);
        }
        match next {
            Some(nanoseconds) if self.is_virtual => {
                match &mut self.lockstep {
                    Some(lockstep) => lockstep.skip(&mut self.machine, nanoseconds),
                    None => self.machine.skip(nanoseconds),
                }
                Ok(None)
            }
            Some(nanoseconds) => {
                self.tick(true)?;
                self.input.wait(self.patience(Duration::from_nanos(nanoseconds)));
                Ok(None)
            }
            None if self.input.is_exhausted() && self.debugger.is_none() => Ok(Some(Ending::IdleForever)),
            None => {
                self.tick(true)?;
                self.input.wait(self.patience(LOOK_AROUND));
                Ok(None)
            }
        }
    }

    /// So long, but no longer than until somebody must look around, or the time limit.
    fn patience(&self, longest: Duration) -> Duration {
        let limit =
            self.deadline.map_or(LOOK_AROUND, |deadline| deadline.saturating_duration_since(Instant::now()));
        longest.min(LOOK_AROUND).min(limit)
    }

    /// Writes out what the guest has printed.
    fn write_out(&mut self) -> anyhow::Result<()> {
        let bytes = self.printed.take();
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(answer) = self.live.as_mut().and_then(|live| live.feed(&bytes)) {
            self.input.answer(&answer);
            return Ok(());
        }
        let written = match self.console {
            ConsoleTo::Output => stdout().write_all(&bytes).and_then(|()| stdout().flush()),
            ConsoleTo::Error => stderr().write_all(&bytes),
        };
        written.context("cannot write the console's output")
    }

    fn finish_trace(&mut self) -> anyhow::Result<()> {
        if let Some(timeline) = self.timeline.take() {
            timeline.finish(&mut self.machine)?;
        }
        self.trace.as_mut().map_or(Ok(()), Trace::finish)
    }

    /// Says something to the user, beside what the guest prints.
    fn say(&mut self, text: &str) -> anyhow::Result<()> {
        self.write_out()?;
        let text = if terminal::is_raw() { text.replace('\n', "\r\n") } else { text.into() };
        if !self.in_monitor
            && let Some(live) = &mut self.live
            && live.feed(text.as_bytes()).is_some()
        {
            return self.tick(true);
        }
        stderr().write_all(text.as_bytes()).context("cannot write to the terminal")
    }

    /// The monitor, while the machine stands still. It has the whole terminal.
    fn run_monitor(&mut self) -> anyhow::Result<Option<Ending>> {
        self.write_out()?;
        if let Some(live) = &mut self.live {
            live.suspend();
        }
        self.in_monitor = true;
        let ending = self.answer_monitor();
        self.in_monitor = false;
        self.live.as_mut().map_or(Ok(()), Live::resume)?;
        ending
    }

    fn answer_monitor(&mut self) -> anyhow::Result<Option<Ending>> {
        self.say(monitor::GREETING)?;
        let ending = loop {
            self.say(monitor::PROMPT)?;
            let line = match self.monitor_line()? {
                Ok(line) => line,
                Err(ending) => break ending,
            };
            match self.monitor.execute(&line, &self.machine, &self.symbols) {
                Reply::Text(text) => self.say(&text)?,
                Reply::Continue => break None,
                Reply::Quit => break Some(Ending::Quit),
            }
        };
        self.say("\n")?;
        Ok(ending)
    }

    /// A line for the monitor, or how it is left.
    fn monitor_line(&mut self) -> anyhow::Result<Result<String, Option<Ending>>> {
        loop {
            while let Some(byte) = self.input.take_typed() {
                let (echo, line) = self.monitor.edit(byte);
                self.say(&echo)?;
                if let Some(line) = line {
                    return Ok(Ok(line));
                }
            }
            match self.input.command() {
                Some(Command::Quit) => return Ok(Err(Some(Ending::Quit))),
                Some(Command::Monitor) => return Ok(Err(None)),
                Some(Command::Help) | None => {}
            }
            if let Some(number) = terminal::signal() {
                return Ok(Err(Some(Ending::Signal(number))));
            }
            self.input.wait(LOOK_AROUND);
        }
    }

    /// Lets a debugger in that knocks.
    fn accept_debugger(&mut self) -> anyhow::Result<Option<Ending>> {
        let Some(listener) = &self.debugger else { return Ok(None) };
        match listener.accept() {
            Ok((stream, _)) => self.debug(stream),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error).context("cannot accept gdb"),
        }
    }

    fn wait_for_attach(&mut self) -> anyhow::Result<Option<Ending>> {
        if let Some(listener) = &self.debugger {
            let address = listener.local_addr()?;
            self.say(&format!("visa: waiting for gdb at {address}\n"))?;
        }
        loop {
            if let Some(ending) = self.attend()? {
                return Ok(Some(ending));
            }
            let Some(listener) = &self.debugger else { return Ok(None) };
            match listener.accept() {
                Ok((stream, _)) => return self.debug(stream),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("cannot accept gdb"),
            }
            self.input.wait(LOOK_AROUND);
        }
    }

    /// The machine is the debugger's until it leaves.
    fn debug(&mut self, stream: std::net::TcpStream) -> anyhow::Result<Option<Ending>> {
        let departure = visa_gdb::serve(stream, self);
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if let Some(ending) = self.ending.take() {
            return Ok(Some(ending));
        }
        match departure {
            Ok(Departure::Killed) => Ok(Some(Ending::Quit)),
            Ok(Departure::Detached | Departure::Ended) => Ok(None),
            Err(error) => {
                self.say(&format!("visa: gdb: {error}; the machine goes on without it\n"))?;
                Ok(None)
            }
        }
    }

    /// Notes how a debugger's slice ends the run.
    fn conclude(&mut self, outcome: anyhow::Result<Option<Ending>>) -> Option<Slice> {
        match outcome {
            Ok(None) => None,
            Ok(Some(ending)) => {
                self.ending = Some(ending);
                Some(Slice::Ended(ending.exit_code()))
            }
            Err(error) => {
                self.failure = Some(error);
                Some(Slice::Ended(crate::exit::BAD_INPUT))
            }
        }
    }

    fn progressed(&mut self, progress: anyhow::Result<Progress>) -> Slice {
        let outcome = match progress {
            Ok(Progress::Breakpoint(hart)) => return Slice::Breakpoint(hart),
            Ok(Progress::Running) => Ok(None),
            Ok(Progress::Ended(end)) => Ok(Some(Ending::Machine(end))),
            Ok(Progress::Idle(next)) => self.idle(next),
            Err(error) => Err(error),
        };
        self.conclude(outcome).unwrap_or(Slice::Running)
    }
}

impl Debuggee for Session {
    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn run_slice(&mut self) -> Slice {
        let attended = self.attend();
        if let Some(end) = self.conclude(attended) {
            return end;
        }
        let progress = self.slice().and_then(|progress| self.write_out().map(|()| progress));
        self.progressed(progress)
    }

    fn step(&mut self, hart: usize) -> Slice {
        let progress = match &mut self.trace {
            Some(trace) if trace.wants_steps() => trace.step(&mut self.machine, hart, &self.symbols),
            _ => Ok(self.machine.step(hart).1),
        };
        let progress = progress.and_then(|progress| self.write_out().map(|()| progress));
        self.progressed(progress)
    }

    fn stand_still(&mut self) -> bool {
        // The guest is not given input meanwhile, but the user may quit.
        self.input.poll();
        let quits = self.obey();
        let ended = match (quits, terminal::signal()) {
            (Ok(None), Some(number)) => Ok(Some(Ending::Signal(number))),
            (Ok(None), None) if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                Ok(Some(Ending::Timeout))
            }
            (other, _) => other,
        };
        self.conclude(ended).is_none()
    }

    fn monitor(&mut self, line: &str) -> String {
        let line = match line.trim() {
            "info" => "info registers",
            "exits" => "info stat",
            other => other,
        };
        match self.monitor.execute(line, &self.machine, &self.symbols) {
            Reply::Text(text) => text,
            Reply::Continue | Reply::Quit => "gdb's own commands do that: continue, kill\n".into(),
        }
    }
}
