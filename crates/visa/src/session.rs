//! A run: the machine, the console's two ends, limits, the trace, the monitor and the debugger, in one loop.

use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use visa_bench::stat::ExitTable;
use visa_gdb::{Debuggee, Departure, Slice};
use visa_machine::boot::Ready;
use visa_machine::lockstep::{Difference, Lockstep, Slices, Suspicion};
use visa_machine::machine::{self, Machine, Progress};

use crate::exit::{self, Ending};
use crate::input::{Command, Input};
use crate::live::Live;
use crate::monitor::{self, Monitor, Reply};
use crate::options::{ClockChoice, RunOptions};
use crate::output::{self, Out};
use crate::symbols::Symbols;
use crate::terminal::{self, RawTerminal};
use crate::timeline::ExitTimeline;
use crate::trace::Trace;
use crate::watchdog::Watchdog;

/// Virtual nanoseconds of a slice. What happens between slices (input, limits) must not depend on the host's time, so
/// that a run can be repeated.
const SLICE_NS: u64 = 200_000;
/// Instructions of a part of it, at most and at least. Between parts nothing happens that the machine could notice, but
/// somebody who wants the run to end is heard, however long the guest's instructions take: after parts that took long,
/// parts are shorter.
const PART: std::ops::RangeInclusive<u64> = 500..=400_000;
/// How long a part may take, and how long parts take at least that get longer again.
const PART_TIME: Duration = Duration::from_millis(5);
const PART_TIME_SHORT: Duration = Duration::from_millis(1);
/// How often somebody who waits looks for signals and debuggers.
const LOOK_AROUND: Duration = Duration::from_millis(20);
/// Traced steps, or steps of a debugger, between two looks.
const STEPS_PER_LOOK: u64 = 1_000;

const HELP: &str = "\
Ctrl-A x       quit
Ctrl-A c       monitor: registers, memory, translation, statistics
Ctrl-A h       this help
Ctrl-A Ctrl-A  send Ctrl-A to the guest
";

/// For somebody who types Ctrl-C, which is the guest's, again and again.
const HINT: &str = "\nvisa: Ctrl-C goes to the guest; Ctrl-A x quits, Ctrl-A h shows help\n";

/// What went wrong when an error of the console's output ends the run.
const CANNOT_PRINT: &str = "cannot write the console's output";

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

/// A slice that has begun.
enum Begun {
    /// Of the machine.
    Alone(machine::Slice),
    /// Of both machines in lockstep.
    Pair(Slices),
    /// By steps, to this time and these retired instructions.
    Traced { end_ns: u64, last: u64 },
}

/// A run.
pub struct Session {
    /// The machine.
    pub machine: Machine,
    /// Another one that goes along with it.
    pub lockstep: Option<Lockstep>,
    /// That the two differ, if they do.
    pub suspicion: Option<Suspicion>,
    /// What a machine that is checked has come to that the interpreter has not.
    pub difference: Option<Difference>,
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
    /// The machine stands still until a debugger lets it go.
    is_held: bool,
    /// The slice that has begun.
    slice: Option<Begun>,
    /// Instructions of its next part.
    part: u64,
    /// Steps of a debugger since somebody looked around.
    steps: u64,
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
                let listener = TcpListener::bind(&address.0[..])
                    .with_context(|| format!("cannot listen for gdb at {}", address.0[0]))?;
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
            difference: None,
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
            is_held: options.gdb_wait,
            slice: None,
            part: *PART.end(),
            steps: 0,
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
        if let Some(deadline) = self.deadline {
            output::hurry(deadline, exit::TIMEOUT);
        }
        let _watchdog = Watchdog::start()?;
        let outcome = self.run_all().map(|ending| self.compare_memory(ending));
        if let Ok(Ending::Quit) = outcome {
            output::hurry(Instant::now(), exit::QUIT);
        }
        // What the guest printed last counts, whatever happened then.
        let written = self.write_out().and_then(|()| self.finish_trace());
        let written = written.and(self.live.as_mut().map_or(Ok(()), Live::leave));
        let ending = outcome?;
        written?;
        let is_written = self.console_stream().drain().context(CANNOT_PRINT)?;
        // The guest may have ended while nobody took what it printed.
        let hurry = output::hurried().filter(|_| !is_written);
        Ok(hurry.map_or(ending, |hurry| ending.hurried(hurry.code)))
    }

    fn run_all(&mut self) -> anyhow::Result<Ending> {
        loop {
            if self.is_held
                && let Some(ending) = self.wait_for_attach()?
            {
                return Ok(ending);
            }
            if let Some(ending) = self.attend()? {
                return Ok(ending);
            }
            if let Some(ending) = self.accept_debugger()? {
                return Ok(ending);
            }
            if self.is_held {
                continue;
            }
            match self.slice()? {
                Err(ending) => return Ok(ending),
                Ok(Progress::Running | Progress::Breakpoint(_)) => {}
                Ok(Progress::Ended(end)) => return Ok(Ending::Machine(end)),
                Ok(Progress::Idle(next)) => {
                    if let Some(ending) = self.idle(next)? {
                        return Ok(ending);
                    }
                }
            }
        }
    }

    /// What must be looked at between slices.
    fn attend(&mut self) -> anyhow::Result<Option<Ending>> {
        if let Some(ending) = self.look_around()? {
            return Ok(Some(ending));
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

    /// Whether the run is to end, as somebody outside has said. Waits, looking on, until what the guest has printed is
    /// taken. The machine does not notice, so that this may be anywhere in a slice.
    fn look_around(&mut self) -> anyhow::Result<Option<Ending>> {
        let console = self.console_stream();
        loop {
            if let Some(ending) = self.asked_to_end() {
                return Ok(Some(ending));
            }
            self.input.poll();
            if let Some(ending) = self.obey()? {
                return Ok(Some(ending));
            }
            console.check().context(CANNOT_PRINT)?;
            if console.has_room() || self.live.as_ref().is_some_and(Live::is_on_screen) {
                return Ok(None);
            }
            console.wait_for_room(LOOK_AROUND);
        }
    }

    /// The end that a signal or the time limit asks for.
    fn asked_to_end(&self) -> Option<Ending> {
        if let Some(number) = terminal::signal() {
            return Some(Ending::Signal(number));
        }
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline).then_some(Ending::Timeout)
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
                Command::Hint => self.say(HINT)?,
                Command::Monitor => {
                    if let Some(ending) = self.run_monitor()? {
                        return Ok(Some(ending));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Runs the machine for a slice; instruction by instruction if that is traced. Or the run ends before.
    fn slice(&mut self) -> anyhow::Result<Result<Progress, Ending>> {
        loop {
            let progress = self.part()?;
            if let Some(trace) = &mut self.trace {
                trace.note_events(&mut self.machine, &self.symbols)?;
            }
            if let Some(timeline) = &mut self.timeline {
                timeline.note(&mut self.machine)?;
            }
            self.write_out()?;
            if self.suspicion.is_some() || self.is_found_wrong() {
                return Ok(Err(Ending::EnginesDiffer));
            }
            if let Some(progress) = progress {
                self.slice = None;
                return Ok(Ok(progress));
            }
            if let Some(ending) = self.look_around()? {
                return Ok(Err(ending));
            }
        }
    }

    /// A part of a slice of the machine, and of the one that goes along with it. `None`: the slice is not over.
    fn part(&mut self) -> anyhow::Result<Option<Progress>> {
        let begun = match self.slice.take() {
            Some(begun) => begun,
            None => self.begin(),
        };
        let begun = self.slice.insert(begun);
        match begun {
            Begun::Alone(slice) => {
                let began = Instant::now();
                let progress = self.machine.continue_slice(slice, self.part);
                let took = began.elapsed();
                if took > PART_TIME {
                    self.part = (self.part / 8).max(*PART.start());
                } else if took < PART_TIME_SHORT {
                    self.part = (self.part * 2).min(*PART.end());
                }
                Ok(progress)
            }
            Begun::Pair(slices) => {
                let Some(lockstep) = &mut self.lockstep else { return Ok(Some(Progress::Running)) };
                Ok(lockstep.continue_slice(&mut self.machine, slices).unwrap_or_else(|suspicion| {
                    self.suspicion = Some(suspicion);
                    None
                }))
            }
            Begun::Traced { end_ns, last } => {
                let (end_ns, last) = (*end_ns, *last);
                self.traced_part(end_ns, last)
            }
        }
    }

    /// Whether a machine that is checked was found wrong.
    fn is_found_wrong(&mut self) -> bool {
        self.difference = self.machine.take_difference();
        self.difference.is_some()
            || self.machine.checked().is_some() && !self.machine.code_faults().is_empty()
    }

    /// Begins a slice.
    fn begin(&mut self) -> Begun {
        let instructions = self.instructions_left();
        if self.trace.as_ref().is_some_and(Trace::wants_steps) {
            return Begun::Traced {
                end_ns: self.machine.now_ns().saturating_add(SLICE_NS),
                last: self.machine.instructions().saturating_add(instructions),
            };
        }
        match &mut self.lockstep {
            None => Begun::Alone(self.machine.begin_slice(SLICE_NS, instructions)),
            Some(lockstep) => Begun::Pair(lockstep.begin_slice(&self.machine, SLICE_NS, instructions)),
        }
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

    /// As a part of a slice of the machine, but by steps, of the harts in the order in which they run untraced.
    fn traced_part(&mut self, end_ns: u64, last: u64) -> anyhow::Result<Option<Progress>> {
        let Some(trace) = &mut self.trace else { return Ok(Some(Progress::Running)) };
        for _ in 0..STEPS_PER_LOOK {
            if self.machine.now_ns() >= end_ns || self.machine.instructions() >= last {
                return Ok(Some(Progress::Running));
            }
            let hart = self.machine.next_hart();
            let progress = trace.step(&mut self.machine, hart, &self.symbols)?;
            if progress != Progress::Running {
                return Ok(Some(progress));
            }
        }
        Ok(None)
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
        self.console_stream().offer(&bytes).context(CANNOT_PRINT)
    }

    fn console_stream(&self) -> Out {
        match self.console {
            ConsoleTo::Output => output::output(),
            ConsoleTo::Error => output::errors(),
        }
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
        if !self.in_monitor
            && let Some(live) = &mut self.live
            && live.feed(text.as_bytes()).is_some()
        {
            return self.tick(true);
        }
        self.console_stream().drain_briefly();
        // Should that fail, the run goes on, and its exit code tells.
        let _ = output::errors().offer(text.as_bytes());
        Ok(())
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
                Some(Command::Help | Command::Hint) | None => {}
            }
            if let Some(ending) = self.asked_to_end() {
                return Ok(Err(Some(ending)));
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

    /// The machine is the debugger's until it leaves. One that -S holds is let go by a debugger that detaches or has it
    /// run, and by nothing else that comes over the wire.
    fn debug(&mut self, stream: std::net::TcpStream) -> anyhow::Result<Option<Ending>> {
        let departure = visa_gdb::serve(stream, self);
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if let Some(ending) = self.ending.take() {
            return Ok(Some(ending));
        }
        match departure {
            Departure::Killed => return Ok(Some(Ending::Quit)),
            Departure::Ended => {}
            Departure::Detached => self.is_held = false,
            Departure::Lost { why, is_running } => {
                self.is_held &= !is_running;
                let then = if self.is_held { "waits for another" } else { "goes on without it" };
                self.say(&format!("visa: gdb: {why}; the machine {then}\n"))?;
            }
        }
        Ok(None)
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
                Some(Slice::Ended(exit::BAD_INPUT))
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
        match self.slice() {
            Ok(Ok(progress)) => self.progressed(Ok(progress)),
            Ok(Err(ending)) => self.conclude(Ok(Some(ending))).unwrap_or(Slice::Running),
            Err(error) => self.progressed(Err(error)),
        }
    }

    fn step(&mut self, hart: usize) -> Slice {
        let progress = match &mut self.trace {
            Some(trace) if trace.wants_steps() => trace.step(&mut self.machine, hart, &self.symbols),
            _ => Ok(self.machine.step(hart).1),
        };
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS_PER_LOOK) {
            let looked = self.look_around();
            if let Some(end) = self.conclude(looked) {
                return end;
            }
        }
        let progress = progress.and_then(|progress| self.write_out().map(|()| progress));
        self.progressed(progress)
    }

    fn stand_still(&mut self) -> bool {
        // The guest is not given input meanwhile, but the user may quit.
        self.input.poll();
        let quits = self.obey();
        let ended = quits.map(|ending| ending.or(self.asked_to_end()));
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
