//! Worlds: what runs in Ring -1, and what runs above it. A world switch suspends one and resumes another.
//!
//! Worlds are a stack by level: Ring -1's is at level 0, the guest's at level 1. The bank of the one that runs is apart from the stack, at a
//! place of its own, whatever its level; the stack holds the others, in the order of their levels. So an entry from level *n* changes places
//! with the suspended world *n*, and an exit from level *n* with *n* - 1.

use serde::{Deserialize, Serialize};
use visa_isa::Ring;

/// How many worlds a hart holds.
pub const WORLDS: usize = 2;

/// The registers that a world switch changes.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bank {
    /// R0 to R31; R0 is zero.
    pub r: [u64; 32],
    /// F0 to F31.
    pub f: [u64; 32],
    /// Program counter.
    pub pc: u64,
    /// Accrued exceptions and rounding mode.
    pub fcsr: u32,
}

/// A world that does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// Its bank; stale where the world of this place runs.
    pub bank: Bank,
    /// The ring in which it goes on, as VMRING holds it. Ring -1 may write what an entry then refuses.
    pub ring: u64,
}

impl World {
    /// A guest's after reset.
    pub(crate) fn guest() -> World {
        World { bank: Bank::default(), ring: Ring::Kernel as u64 }
    }
}
