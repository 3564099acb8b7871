//! A clock that is handed in, and a machine's time by it.

use std::fmt;
use std::sync::Arc;

/// A clock that goes on whatever the harts do: the host's, which whoever makes the machine brings. Nothing here asks for the
/// host's time otherwise.
#[derive(Clone)]
pub struct HostClock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl HostClock {
    /// A clock of what gives the nanoseconds since some moment, never fewer than before.
    pub fn new(nanoseconds: impl Fn() -> u64 + Send + Sync + 'static) -> HostClock {
        HostClock(Arc::new(nanoseconds))
    }

    /// Nanoseconds since that moment.
    pub fn nanoseconds(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for HostClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostClock({})", self.nanoseconds())
    }
}

/// Time that goes on by itself, since the machine started.
#[derive(Clone, Debug)]
pub struct HostTime {
    /// The clock.
    pub clock: HostClock,
    /// Its nanoseconds then.
    pub start: u64,
}
