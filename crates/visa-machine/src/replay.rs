//! Logs of what happens to a machine: they are begun, and let happen again.

use visa_core::clock::HostTime;
use visa_devices::BlockError;
use visa_mem::Platform;

use crate::input::{GivenTime, Input, InputLog, LogEntry, LogOrigin, LogRecorder, ReplayError};
use crate::machine::{Machine, Progress};

impl Machine {
    /// Begins a log of what happens to it from now on. All of RAM and of the disks is read once, to know them again.
    pub fn record(&mut self) -> Result<(), BlockError> {
        let recorder = LogRecorder::new(self.origin()?);
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
        Some(recorder.into_log((self.instructions(), self.now_ns())))
    }

    fn origin(&mut self) -> Result<LogOrigin, BlockError> {
        Ok(LogOrigin {
            harts: self.harts.len(),
            instructions: self.instructions(),
            now_ns: self.now_ns(),
            ram: (self.board.ram().size(), self.memory_checksum()),
            disks: self.board.disk_contents()?,
        })
    }
}

impl LogOrigin {
    fn check(&self, found: &LogOrigin) -> Result<(), ReplayError> {
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
            LogEntry::Input(time @ Input::Time(_)) => Some(time),
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
fn play(machine: &mut Machine, entry: &LogEntry) -> Result<Option<Progress>, ReplayError> {
    let mut progress = None;
    match entry {
        LogEntry::Input(Input::Time(_)) => {}
        LogEntry::Input(typed @ Input::Typed(bytes)) => {
            let (expected, found) = (bytes.len() as u64, machine.input(typed) as u64);
            if expected != found {
                let what = "how many of the typed bytes there is room for";
                return Err(ReplayError::Diverged { what, expected, found });
            }
        }
        LogEntry::Skip(nanoseconds) => machine.skip(*nanoseconds),
        LogEntry::Slices { slice_ns, last, times } => {
            for _ in 0..*times {
                let left = last.saturating_sub(machine.instructions());
                progress = Some(machine.run_slice(*slice_ns, left));
            }
        }
        LogEntry::Part { slice, most } => progress = machine.continue_slice(&mut slice.clone(), *most),
        LogEntry::Steps { hart, times } => {
            for _ in 0..*times {
                progress = Some(machine.step(*hart).1);
            }
        }
    }
    Ok(progress)
}
