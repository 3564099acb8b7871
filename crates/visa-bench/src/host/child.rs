//! A process on one processor, and the processor time that it takes.

use std::fs;
use std::io;
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// The time that all threads of a process have taken, those that have ended too.
#[derive(Clone, Copy)]
pub struct CpuClock(ClockId);

impl CpuClock {
    /// User and system time so far.
    pub fn now(self) -> io::Result<Duration> {
        Ok(clock_gettime(self.0)?.into())
    }
}

/// A process that ends with this value at the latest.
pub struct Child {
    child: std::process::Child,
    clock: CpuClock,
    errors: tempfile::NamedTempFile,
}

impl Child {
    /// Starts a command with no input, its output in a pipe, on one processor.
    pub fn start(command: &mut Command, processor: usize) -> io::Result<Child> {
        let errors = tempfile::NamedTempFile::new()?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors.reopen()?);
        let child = on_processor(processor, || command.spawn())?;
        let clock = CpuClock(clock_getcpuclockid(Pid::from_raw(child.id().cast_signed()))?);
        Ok(Child { child, clock, errors })
    }

    /// Its output; once.
    pub fn output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Its clock.
    pub fn clock(&self) -> CpuClock {
        self.clock
    }

    /// The most memory that it has had at a time, if the system says so.
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        peak_bytes(&status)
    }

    /// Ends it.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
    }

    /// Waits for its end: its status, and all the time that it has taken.
    pub fn finish(&mut self) -> io::Result<(ExitStatus, Duration)> {
        // While nobody has asked for its status, an ended process still has its clock.
        let id = Id::Pid(Pid::from_raw(self.child.id().cast_signed()));
        waitid(id, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)?;
        let time = self.clock.now()?;
        Ok((self.child.wait()?, time))
    }

    /// What it wrote to its standard error.
    pub fn errors(&self) -> String {
        let bytes = fs::read(self.errors.path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_string()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
    }
}

/// The last processor that this process may use: the first has most of the system's work.
pub fn choose_processor() -> io::Result<usize> {
    let allowed = sched_getaffinity(Pid::from_raw(0))?;
    let last = (0..CpuSet::count()).rev().find(|processor| allowed.is_set(*processor) == Ok(true));
    last.ok_or_else(|| io::Error::other("no processor is allowed"))
}

/// Starts something that stays on a processor: it inherits that from this thread, which goes back where it was.
fn on_processor<T>(processor: usize, start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let this_thread = Pid::from_raw(0);
    let before = sched_getaffinity(this_thread)?;
    let mut only = CpuSet::new();
    only.set(processor)?;
    sched_setaffinity(this_thread, &only)?;
    let started = start();
    sched_setaffinity(this_thread, &before)?;
    started
}

/// The line `VmHWM` of /proc/PID/status.
fn peak_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn time_is_that_of_the_whole_process() {
        let mut command = Command::new("sh");
        command.args(["-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo done; echo no >&2"]);
        let mut child = Child::start(&mut command, choose_processor().unwrap()).unwrap();
        let mut text = String::new();
        child.output().unwrap().read_to_string(&mut text).unwrap();
        let (status, time) = child.finish().unwrap();
        assert!(status.success());
        assert_eq!((text.as_str(), child.errors().as_str()), ("done\n", "no"));
        assert!(time > Duration::from_millis(1), "{time:?}");
    }

    #[test]
    fn the_peak_is_read() {
        assert_eq!(peak_bytes("Name:\tx\nVmHWM:\t  1024 kB\nVmRSS:\t 3 kB\n"), Some(1 << 20));
        assert_eq!(peak_bytes("Name:\tx\n"), None);
    }
}
