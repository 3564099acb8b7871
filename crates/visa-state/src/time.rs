//! Time that follows from retired instructions.

use serde::{Deserialize, Serialize};

/// How a hart's nanoseconds follow from its retired instructions since a known moment. Harts that take turns share one time: while one
/// executes, the time of all passes, at so many instructions a nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualTime {
    /// Nanoseconds at that moment.
    pub nanoseconds: u64,
    /// The hart's retired instructions at that moment.
    pub instructions: u64,
    /// Instructions that the nanoseconds do not count yet.
    pub ahead: u64,
    /// Instructions of a nanosecond; not 0.
    pub rate: u64,
}

impl Default for VirtualTime {
    fn default() -> Self {
        VirtualTime { nanoseconds: 0, instructions: 0, ahead: 0, rate: 1 }
    }
}

impl VirtualTime {
    /// Nanoseconds since the start, at a retired count.
    #[inline(always)]
    pub fn at(&self, instructions: u64) -> u64 {
        let passed = instructions.wrapping_sub(self.instructions).wrapping_add(self.ahead);
        self.nanoseconds.wrapping_add(if self.rate == 1 { passed } else { passed / self.rate.max(1) })
    }

    /// The retired count at which it is so many nanoseconds since the start.
    pub fn instructions_at(&self, due_ns: u64) -> u64 {
        let passed = due_ns.saturating_sub(self.nanoseconds).saturating_mul(self.rate.max(1));
        self.instructions.saturating_add(passed.saturating_sub(self.ahead))
    }
}
