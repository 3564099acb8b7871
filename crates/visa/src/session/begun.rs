//! A slice of a run that has begun.

use visa_machine::lockstep::Slices;
use visa_machine::machine;

/// Instructions of a part of a slice, at most and at least. Between parts nothing happens that the machine could notice, but
/// somebody who wants the run to end is heard, however long the guest's instructions take: after parts that took long,
/// parts are shorter.
pub const PART: std::ops::RangeInclusive<u64> = 500..=400_000;

/// A slice that has begun.
pub enum Begun {
    /// Of the machine.
    Alone(machine::Slice),
    /// Of both machines in lockstep.
    Pair(Slices),
    /// By steps, to this time and these retired instructions.
    Traced { end_ns: u64, last: u64 },
}
