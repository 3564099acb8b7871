//! A run in the hands of a debugger: it comes, it has the machine go on, and it leaves.

use anyhow::Context;
use visa_embed::Instance;
use visa_gdb::{Debuggee, Departure, SliceEnd};
use visa_machine::machine::Progress;

use super::{LOOK_AROUND, STEPS_PER_LOOK, Session};
use crate::exit::{self, Ending};
use crate::monitor::Reply;

impl Session {
    /// Lets a debugger in that knocks.
    pub(super) fn accept_debugger(&mut self) -> anyhow::Result<Option<Ending>> {
        let Some(listener) = &self.debugger else { return Ok(None) };
        match listener.accept() {
            Ok((stream, _)) => self.debug(stream),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error).context("cannot accept gdb"),
        }
    }

    pub(super) fn wait_for_attach(&mut self) -> anyhow::Result<Option<Ending>> {
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
    fn conclude(&mut self, outcome: anyhow::Result<Option<Ending>>) -> Option<SliceEnd> {
        match outcome {
            Ok(None) => None,
            Ok(Some(ending)) => {
                self.ending = Some(ending);
                Some(SliceEnd::Ended(ending.exit_code()))
            }
            Err(error) => {
                self.failure = Some(error);
                Some(SliceEnd::Ended(exit::BAD_INPUT))
            }
        }
    }

    fn progressed(&mut self, progress: anyhow::Result<Progress>) -> SliceEnd {
        let outcome = match progress {
            Ok(Progress::Breakpoint(hart)) => return SliceEnd::Breakpoint(hart),
            Ok(Progress::Running) => Ok(None),
            Ok(Progress::Ended(end)) => Ok(Some(Ending::Machine(end))),
            Ok(Progress::Idle(next)) => self.idle(next),
            Err(error) => Err(error),
        };
        self.conclude(outcome).unwrap_or(SliceEnd::Running)
    }
}

impl Debuggee for Session {
    fn instance(&mut self) -> &mut Instance {
        &mut self.instance
    }

    fn run_slice(&mut self) -> SliceEnd {
        let attended = self.attend();
        if let Some(end) = self.conclude(attended) {
            return end;
        }
        match self.slice() {
            Ok(Ok(progress)) => self.progressed(Ok(progress)),
            Ok(Err(ending)) => self.conclude(Ok(Some(ending))).unwrap_or(SliceEnd::Running),
            Err(error) => self.progressed(Err(error)),
        }
    }

    fn step(&mut self, hart: usize) -> SliceEnd {
        let progress = match &mut self.trace {
            Some(trace) if trace.wants_steps() => {
                trace.step(self.instance.machine_mut(), hart, &self.symbols)
            }
            _ => Ok(self.instance.machine_mut().step(hart).1),
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
        match self.monitor.execute(line, self.instance.machine(), &self.symbols) {
            Reply::Text(text) => text,
            Reply::Continue | Reply::Quit => "gdb's own commands do that: continue, kill\n".into(),
        }
    }
}
