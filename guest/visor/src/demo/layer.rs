//! The layer of the exit loop that shows what it does.

use super::handlers::{self, Done};
use super::narrate;
use super::scenes::Progress;
use crate::devices::finisher::finish;
use crate::exits::Plain;
use crate::vcpu::{Layer, Loaded, Next};
use visa_guest::registers as msr;

/// Instructions of visor between the two readings of instret around a guest: the first reading, and VMRESUME.
const ENTRY_INSTRUCTIONS: u64 = 2;

/// The layer of `visa demo`, above the plain one.
pub struct Demonstrating {
    below: Plain,
    progress: Progress,
}

impl Demonstrating {
    /// For a virtual CPU that has started: tells what the guest is given.
    pub fn new(vcpu: &mut Loaded) -> Demonstrating {
        let progress = Progress::new();
        narrate::machine(vcpu);
        Demonstrating { below: Plain, progress }
    }
}

impl Layer for Demonstrating {
    fn enter(&mut self, vcpu: &mut Loaded) {
        let entered = msr::instret::read();
        self.below.enter(vcpu);
        self.progress.guest += msr::instret::read() - entered - ENTRY_INSTRUCTIONS;
    }

    fn handle(&mut self, vcpu: &mut Loaded, cause: u64) -> Next {
        let progress = &mut self.progress;
        let is_told = progress.is_told(cause);
        if is_told {
            narrate::exit(cause);
            narrate::saved(vcpu.save());
        }
        // What is told is not measured.
        let before = msr::instret::read();
        let done = handlers::handle(progress, &mut self.below, vcpu, cause);
        progress.statistics.add(cause, msr::instret::read() - before);
        match done {
            Done::Leave(leave) => return Next::Leave(leave),
            Done::Resume(how) if is_told => narrate::resume(&how),
            Done::Resume(_) => {}
            Done::End(value) => {
                progress.end();
                finish(value);
            }
            Done::Scene(next) => progress.begin(vcpu, next),
        }
        Next::Resume
    }
}
