//! Ends the command when nothing else does: a run that is to end, but hangs in a call of the host's that does not come
//! back, such as a write to a disk that does not answer.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;

use crate::{output, terminal};

/// How long after the run was to end; in good order it takes a tenth of that.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(100);

/// Watches as long as it lives.
pub struct Watchdog(Arc<(Mutex<bool>, Condvar)>);

impl Watchdog {
    /// Begins to watch.
    pub fn start() -> anyhow::Result<Watchdog> {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let watched = shared.clone();
        let thread = std::thread::Builder::new().name("watchdog".into());
        thread.spawn(move || watch(&watched)).context("cannot watch over the run")?;
        Ok(Watchdog(shared))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }
}

fn watch((is_over, changed): &(Mutex<bool>, Condvar)) {
    let mut over = is_over.lock().unwrap_or_else(PoisonError::into_inner);
    while !*over {
        if let Some(hurry) = output::hurried().filter(|hurry| hurry.from.elapsed() >= PATIENCE) {
            terminal::restore();
            std::process::exit(hurry.code.into());
        }
        over = changed.wait_timeout(over, LOOK).unwrap_or_else(PoisonError::into_inner).0;
    }
}
