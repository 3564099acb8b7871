//! `--stat`: the table of exits while the guest runs. On a terminal below the guest's console, several times a second;
//! elsewhere a line on standard error every `--stat-interval`.

mod screen;

use std::collections::VecDeque;
use std::io::{IsTerminal, stderr, stdout};
use std::time::{Duration, Instant};

use anyhow::Context;
use visa_bench::live::LiveTable;
use visa_bench::software_exits::SoftwareExits;
use visa_bench::stat::ExitTable;
use visa_machine::machine::Machine;

use crate::numbers::grouped;
use crate::options::RunOptions;
use crate::output;
use screen::SplitScreen;

/// How often a table on a terminal changes, if nothing else is asked for.
const INTERVAL: Duration = Duration::from_millis(250);
/// How often the console is drawn at most.
const FRAME: Duration = Duration::from_millis(33);
/// Rates are over this time.
const RATE_WINDOW: Duration = Duration::from_secs(1);

/// The table while the guest runs.
pub struct Live {
    screen: Option<SplitScreen>,
    mode: &'static str,
    interval: Duration,
    started: Instant,
    /// When the table is made again.
    next: Instant,
    /// When something was drawn last, and whether it is out of date.
    drawn: Instant,
    is_stale: bool,
    /// Tables since [`RATE_WINDOW`] ago, oldest first, with the instructions by then.
    looks: VecDeque<(Instant, u64, ExitTable)>,
    software: Option<SoftwareExits>,
}

/// What a guest does meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum GuestDoes {
    /// It runs.
    Run,
    /// It waits, so that nothing will change soon.
    Wait,
}

impl Live {
    /// As the options ask for. `None`: they do not, or there is nowhere to show it.
    pub fn new(
        options: &RunOptions,
        mode: &'static str,
        machine: &mut Machine,
        console_is_output: bool,
    ) -> anyhow::Result<Option<Live>> {
        if !options.stat {
            return Ok(None);
        }
        let is_disturbed =
            !options.trace.is_empty() && options.trace_file.is_none() && stderr().is_terminal();
        let on_screen = stdout().is_terminal() && console_is_output && !is_disturbed;
        // In this mode exits are traps of a guest in Ring 3. Other traces take the same record.
        let is_recorded = options.trace_exits.is_some() || !options.trace.is_empty();
        let software = (mode == "software" && !is_recorded).then(|| SoftwareExits::watch(machine));
        let now = Instant::now();
        let screen =
            on_screen.then(SplitScreen::enter).transpose().context("--stat: cannot use the terminal")?;
        let interval = match (options.stat_interval, &screen) {
            (Some(interval), _) => interval,
            (None, Some(_)) => INTERVAL,
            (None, None) => Duration::MAX,
        };
        let mut live = Live {
            screen,
            mode,
            interval,
            started: now,
            next: now,
            drawn: now,
            is_stale: true,
            looks: VecDeque::new(),
            software,
        };
        live.look(machine, now);
        Ok(Some(live))
    }

    /// Whether the guest's console is drawn on a screen of ours.
    pub fn is_on_screen(&self) -> bool {
        self.screen.is_some()
    }

    /// Takes what the guest printed, if there is a screen: returns what its terminal answers. `None`: there is none.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.is_stale = true;
        self.screen.as_mut().map(|screen| screen.feed(bytes))
    }

    /// Between two slices: a new table if it is time, and what has changed is drawn.
    pub fn tick(&mut self, machine: &mut Machine, guest: GuestDoes) -> anyhow::Result<()> {
        if let Some(software) = &mut self.software {
            software.look(machine);
        }
        let now = Instant::now();
        if now >= self.next {
            self.look(machine, now);
            self.show(now)?;
        }
        // A terminal that stands still is not drawn on.
        let is_due = (guest == GuestDoes::Wait || now.duration_since(self.drawn) >= FRAME)
            && output::output().has_room();
        if self.is_stale
            && is_due
            && let Some(screen) = &mut self.screen
        {
            screen.draw().context("--stat: cannot write to the terminal")?;
            (self.drawn, self.is_stale) = (now, false);
        }
        Ok(())
    }

    /// Gives the terminal to somebody else.
    pub fn suspend(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.suspend();
        }
    }

    /// And takes it back.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        self.screen.as_mut().map_or(Ok(()), SplitScreen::resume).context("--stat: cannot use the terminal")
    }

    /// Gives the terminal back for good.
    pub fn leave(&mut self) -> anyhow::Result<()> {
        let left = self.screen.take().map_or(Ok(()), SplitScreen::leave);
        left.context("--stat: cannot write to the terminal")
    }

    /// The table of a mode whose exits the machine does not count.
    pub fn software_table(&mut self, machine: &mut Machine) -> Option<ExitTable> {
        let software = self.software.as_mut()?;
        software.look(machine);
        Some(software.table())
    }

    /// Notes the exits so far.
    fn look(&mut self, machine: &Machine, now: Instant) {
        let table = self.software.as_ref().map_or_else(|| ExitTable::of(machine), SoftwareExits::table);
        self.looks.push_back((now, machine.instructions(), table));
        let window = RATE_WINDOW.max(self.interval);
        while self.looks.len() > 2 && now.duration_since(self.looks[1].0) >= window {
            self.looks.pop_front();
        }
        self.next = now.checked_add(self.interval).unwrap_or(now + Duration::from_secs(1 << 30));
    }

    /// Makes the table, or writes the line.
    fn show(&mut self, now: Instant) -> anyhow::Result<()> {
        // A line tells what came since the last one.
        if self.screen.is_none() && self.looks.len() > 2 {
            self.looks.pop_front();
        }
        let (Some((since, before, old)), Some((_, instructions, table))) =
            (self.looks.front(), self.looks.back())
        else {
            return Ok(());
        };
        let elapsed = now.duration_since(*since);
        let live = LiveTable { now: table, before: old, elapsed };
        let seconds = now.duration_since(self.started).as_secs_f64();
        let speed = (instructions - before) as f64 / 1e6 / elapsed.as_secs_f64().max(1e-3);
        let Some(screen) = &mut self.screen else {
            let line = format!(
                "visa: stat: {seconds:.1} s, {} instructions: {}\n",
                grouped(*instructions),
                live.summary()
            );
            return output::errors().offer(line.as_bytes()).context("cannot write to standard error");
        };
        screen.follow_size().context("--stat: cannot use the terminal")?;
        let (width, lines_max) = screen.room();
        let status = format!(
            " {}: {seconds:.0} s, {} instructions, {speed:.0} M/s    Ctrl-A h help, x quit",
            self.mode,
            grouped(*instructions)
        );
        screen.set_table(status, live.lines(width, lines_max));
        self.is_stale = true;
        Ok(())
    }
}
