//! Time: ticks of 100 ns, from retired instructions (deterministic) or from the host's clock; and the two timers.

use std::time::Instant;

use crate::hart::Hart;
use crate::state::TIME_SCALE_ONE;

/// Nanoseconds of a tick: the timebase is 10 MHz.
pub const NANOSECONDS_PER_TICK: u64 = 100;

/// Where a hart's time comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// One nanosecond for each retired instruction since a known moment.
    Virtual {
        /// Nanoseconds at that moment.
        nanoseconds: u64,
        /// Retired instructions at that moment.
        instructions: u64,
    },
    /// The host's time since a moment, plus nanoseconds.
    Real {
        /// That moment.
        since: Instant,
        /// Nanoseconds then.
        nanoseconds: u64,
    },
}

impl Default for Clock {
    fn default() -> Self {
        Clock::Virtual { nanoseconds: 0, instructions: 0 }
    }
}

impl Hart {
    /// Nanoseconds since the machine started.
    pub fn nanoseconds(&self) -> u64 {
        match self.clock {
            Clock::Virtual { nanoseconds, instructions } => {
                nanoseconds.wrapping_add(self.instructions.wrapping_sub(instructions))
            }
            Clock::Real { since, nanoseconds } => {
                nanoseconds.wrapping_add(u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX))
            }
        }
    }

    /// The machine's time in ticks.
    pub fn ticks(&self) -> u64 {
        self.nanoseconds() / NANOSECONDS_PER_TICK
    }

    /// The guest's time in ticks (specification, 6.2).
    pub fn guest_ticks(&self) -> u64 {
        let scaled = (self.ticks() as u128 * self.vm.time_scale as u128) >> 32;
        (scaled as u64).wrapping_add(self.vm.time_offset)
    }

    /// Time as the ring in use reads it.
    pub fn time(&self) -> u64 {
        if self.in_guest() { self.guest_ticks() } else { self.ticks() }
    }

    /// Whether the guest's timer is due.
    pub fn guest_timer_due(&self) -> bool {
        self.supervisor.stimecmp != u64::MAX && self.guest_ticks() >= self.supervisor.stimecmp
    }

    /// Whether Ring -1's timer is due.
    pub fn hypervisor_timer_due(&self) -> bool {
        self.hypervisor.hvtimecmp != u64::MAX && self.ticks() >= self.hypervisor.hvtimecmp
    }

    /// Nanoseconds (of [`Hart::nanoseconds`]) at which the next timer becomes due, if one is not due yet.
    pub fn next_timer_ns(&self) -> Option<u64> {
        let guest = (self.supervisor.stimecmp != u64::MAX && !self.guest_timer_due())
            .then(|| self.machine_ticks_at_guest_time(self.supervisor.stimecmp))
            .flatten();
        let host = (self.hypervisor.hvtimecmp != u64::MAX && !self.hypervisor_timer_due())
            .then_some(self.hypervisor.hvtimecmp);
        guest.into_iter().chain(host).min()?.checked_mul(NANOSECONDS_PER_TICK)
    }

    /// The first machine time at which the guest's time is at least `guest_time`. `None`: never within 2^64 ticks.
    fn machine_ticks_at_guest_time(&self, guest_time: u64) -> Option<u64> {
        let scaled = guest_time.wrapping_sub(self.vm.time_offset);
        // Almost always the guest's time passes as the machine's; a wide division is slow.
        let ticks = match self.vm.time_scale {
            TIME_SCALE_ONE => Some(scaled),
            scale => u64::try_from(((scaled as u128) << 32).div_ceil(scale.max(1) as u128)).ok(),
        };
        ticks.filter(|&ticks| ticks > self.ticks())
    }

    /// The retired count at which the next timer becomes due, while time comes from retired instructions.
    pub fn timer_deadline(&self) -> Option<u64> {
        match self.clock {
            Clock::Virtual { nanoseconds, instructions } => {
                let due = self.next_timer_ns()?;
                Some(instructions.saturating_add(due.saturating_sub(nanoseconds)))
            }
            Clock::Real { .. } => None,
        }
    }
}
