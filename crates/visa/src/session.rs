//! A run: the machine, the console's two ends, limits, the trace, the monitor and the debugger, in one loop.

mod begun;
mod debugger;
mod slices;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::Context;
use visa_bench::stat::ExitTable;
use visa_embed::{Input, Instance};
use visa_machine::lockstep::{Difference, Lockstep, Suspicion};
use visa_machine::machine::Progress;

use crate::exit::{self, Ending};
use crate::input::{Command, StandardInput};
use crate::live::{GuestDoes, Live};
use crate::monitor::{self, Monitor, Reply};
use crate::options::{ClockChoice, RunOptions};
use crate::output::{self, Out};
use crate::symbols::Symbols;
use crate::terminal::{self, RawTerminal};
use crate::timeline::ExitTimeline;
use crate::trace::Trace;
use crate::watchdog::Watchdog;
use begun::{Begun, PART};

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
    pub instance: Instance,
    /// Another one that goes along with it.
    pub lockstep: Option<Lockstep>,
    /// That the two differ, if they do.
    pub suspicion: Option<Suspicion>,
    /// What a machine that is checked has come to that the interpreter has not.
    pub difference: Option<Difference>,
    /// Names for addresses.
    pub symbols: Symbols,
    console: ConsoleTo,
    input: StandardInput,
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
        mut instance: Instance,
        symbols: Symbols,
        options: &RunOptions,
        clock: ClockChoice,
        mode: &'static str,
    ) -> anyhow::Result<Session> {
        let machine = instance.machine_mut();
        machine.pause_at_halt = true;
        let trace = Trace::new(options, machine)?;
        let timeline = ExitTimeline::new(options, mode, machine)?;
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
        let input = StandardInput::new()?;
        let live = Live::new(options, mode, instance.machine_mut(), console == ConsoleTo::Output)?;
        Ok(Session {
            instance,
            lockstep: None,
            suspicion: None,
            difference: None,
            symbols,
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
            && self.instance.instructions() >= limit
        {
            return Ok(Some(Ending::InstructionLimit(limit)));
        }
        let ready = self.input.ready(&self.instance.machine().board);
        self.give(&ready);
        self.tick(GuestDoes::Run)?;
        self.obey()
    }

    /// Types bytes that are ready, to the machine and to the one that goes along with it; how many there was room for.
    fn give(&mut self, ready: &[u8]) -> usize {
        if ready.is_empty() {
            return 0;
        }
        let typed = Input::Typed(ready.to_vec());
        let taken = match &mut self.lockstep {
            Some(lockstep) => lockstep.input(self.instance.machine_mut(), &typed),
            None => self.instance.input(&typed),
        };
        self.input.given(taken);
        taken
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
    fn tick(&mut self, guest: GuestDoes) -> anyhow::Result<()> {
        self.live.as_mut().map_or(Ok(()), |live| live.tick(self.instance.machine_mut(), guest))
    }

    /// The exits of a mode in which the machine does not count them.
    pub fn software_exits(&mut self) -> Option<ExitTable> {
        self.live.as_mut()?.software_table(self.instance.machine_mut())
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

    /// Every hart halts: input, the next event, or the end.
    fn idle(&mut self, next: Option<u64>) -> anyhow::Result<Option<Ending>> {
        let ready = self.input.ready_halted(&self.instance.machine().board);
        if self.give(&ready) != 0 {
            return Ok(None);
        }
        match next {
            Some(nanoseconds) if self.is_virtual => {
                match &mut self.lockstep {
                    Some(lockstep) => lockstep.skip(self.instance.machine_mut(), nanoseconds),
                    None => self.instance.machine_mut().skip(nanoseconds),
                }
                Ok(None)
            }
            Some(nanoseconds) => {
                self.tick(GuestDoes::Wait)?;
                self.input.wait(self.patience(Duration::from_nanos(nanoseconds)));
                Ok(None)
            }
            None if self.input.is_exhausted() && self.debugger.is_none() => Ok(Some(Ending::IdleForever)),
            None => {
                self.tick(GuestDoes::Wait)?;
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
        let bytes = self.instance.take_console();
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
            timeline.finish(self.instance.machine_mut())?;
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
            return self.tick(GuestDoes::Wait);
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
            match self.monitor.execute(&line, self.instance.machine(), &self.symbols) {
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
}
