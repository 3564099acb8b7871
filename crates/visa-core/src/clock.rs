//! Time: ticks of 100 ns, from retired instructions (deterministic) or from a clock that is handed in; and the two timers.

use crate::hart::Hart;
use visa_state::virtual_machine::TIME_SCALE_ONE;

pub use crate::host_clock::{HostClock, HostTime};

/// Nanoseconds of a tick: the timebase is 10 MHz.
pub const NANOSECONDS_PER_TICK: u64 = 100;

/// Bits of a product of ticks and TIMESCALE that the guest's time is made of: those above the fraction, up to 64.
const PRODUCT_BITS: u32 = 96;
/// Bits of a TIMESCALE's fraction.
const FRACTION_BITS: u32 = 32;

impl Hart {
    /// Nanoseconds since the machine started.
    pub fn nanoseconds(&self) -> u64 {
        match &self.host_time {
            None => self.state.time.at(self.state.instructions),
            Some(HostTime { clock, start }) => clock.nanoseconds().saturating_sub(*start),
        }
    }

    /// The machine's time in ticks.
    pub fn ticks(&self) -> u64 {
        self.nanoseconds() / NANOSECONDS_PER_TICK
    }

    /// The guest's time in ticks (specification, 6.2).
    pub fn guest_ticks(&self) -> u64 {
        self.guest_ticks_at(self.ticks())
    }

    fn guest_ticks_at(&self, ticks: u64) -> u64 {
        let scaled = (ticks as u128 * self.state.vm.time_scale as u128) >> FRACTION_BITS;
        (scaled as u64).wrapping_add(self.state.vm.time_offset)
    }

    /// Time as the ring in use reads it.
    pub fn time(&self) -> u64 {
        if self.state.in_guest() { self.guest_ticks() } else { self.ticks() }
    }

    /// Whether the guest's timer is due.
    pub fn guest_timer_due(&self) -> bool {
        self.guest_ticks() >= self.state.supervisor.stimecmp
    }

    /// Whether Ring -1's timer is due.
    pub fn hypervisor_timer_due(&self) -> bool {
        self.ticks() >= self.state.hypervisor.hvtimecmp
    }

    /// Nanoseconds (of [`Hart::nanoseconds`]) at which the next timer becomes due, if one is not due yet.
    pub fn next_timer_ns(&self) -> Option<u64> {
        let now = self.ticks();
        let guest = self.guest_timer_from(now);
        let host = (self.state.hypervisor.hvtimecmp > now).then_some(self.state.hypervisor.hvtimecmp);
        guest.into_iter().chain(host).min()?.checked_mul(NANOSECONDS_PER_TICK)
    }

    /// The machine time at which the guest's timer, which is not due now, becomes due. `None`: it is due, or never will be
    /// within 2^64 ticks.
    fn guest_timer_from(&self, now: u64) -> Option<u64> {
        let guest_now = self.guest_ticks_at(now);
        let left = self.state.supervisor.stimecmp.checked_sub(guest_now).filter(|&left| left != 0)?;
        let ticks = match self.state.vm.time_scale {
            // Almost always the guest's time passes as the machine's; a wide division is slow.
            TIME_SCALE_ONE => left,
            scale => self.ticks_until(now, scale)?,
        };
        now.checked_add(ticks)
    }

    /// Ticks from `now` until the guest's time, which wraps, is at or above stimecmp.
    fn ticks_until(&self, now: u64, scale: u64) -> Option<u64> {
        const MODULUS: u128 = 1 << PRODUCT_BITS;
        let offset = (self.state.vm.time_offset as u128) << FRACTION_BITS;
        let position = (now as u128 * scale as u128 + offset) % MODULUS;
        let first = (self.state.supervisor.stimecmp as u128) << FRACTION_BITS;
        let ticks = first_multiple_within(scale as u128, MODULUS, first - position, MODULUS - 1 - position)?;
        u64::try_from(ticks).ok()
    }

    /// The retired count at which the next timer becomes due, while time comes from retired instructions.
    pub fn timer_deadline(&self) -> Option<u64> {
        self.instructions_at(self.next_timer_ns()?)
    }

    /// The retired count at which it is so many nanoseconds since the start, if nothing but instructions of this hart makes
    /// time pass until then. `None` while time is the host's.
    pub fn instructions_at(&self, due_ns: u64) -> Option<u64> {
        self.host_time.is_none().then(|| self.state.time.instructions_at(due_ns))
    }
}

/// The least number whose product with `factor` is, modulo `modulus`, from `low` to `high`. `None`: there is none, or it is
/// beyond what can be computed. `factor` and `high` are below `modulus`, and `low` is not above `high`.
///
/// If the first product that is not below `low` is not above `high` either, that is it. Otherwise the products step over the range in
/// each round of the modulus, and how far they are displaced from round to round is the same question of a smaller modulus.
fn first_multiple_within(factor: u128, modulus: u128, low: u128, high: u128) -> Option<u128> {
    if low == 0 {
        return Some(0);
    }
    if factor == 0 {
        return None;
    }
    if factor * 2 > modulus {
        return first_multiple_within(modulus - factor, modulus, modulus - high, modulus - low);
    }
    let number = low.div_ceil(factor);
    if number * factor <= high {
        return Some(number);
    }
    let displaced = (factor - modulus % factor) % factor;
    let rounds = first_multiple_within(displaced, factor, low % factor, high % factor)?;
    Some(modulus.checked_mul(rounds)?.checked_add(low)?.div_ceil(factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_multiple_is_what_counting_finds() {
        for modulus in 1..40u128 {
            for factor in 0..modulus {
                for low in 0..modulus {
                    for high in low..modulus {
                        let counted = (0..modulus).find(|n| (low..=high).contains(&(n * factor % modulus)));
                        let found = first_multiple_within(factor, modulus, low, high);
                        assert_eq!(found, counted, "{factor} * n mod {modulus} in {low}..={high}");
                    }
                }
            }
        }
    }

    /// The next moment by going through all of them.
    fn counted(hart: &Hart, now: u64) -> Option<u64> {
        (now..now + 3000).find(|&ticks| hart.guest_ticks_at(ticks) >= hart.state.supervisor.stimecmp)
    }

    #[test]
    fn timers_of_guests_whose_time_wraps_are_found() {
        let mut found = 0;
        for scale in [1, 1 << 31, TIME_SCALE_ONE, 3 << 31, 1 << 52, (1 << 63) + 12_345, u64::MAX] {
            // The guest's time is 0 at this tick of the machine's.
            for zero_at in [0, 1001, 1500, 3000] {
                let mut hart = Hart::new(0, 0, 0);
                hart.state.vm.time_scale = scale;
                hart.state.vm.time_offset = 0u64.wrapping_sub(hart.guest_ticks_at(zero_at));
                let reached =
                    [1001, 1002, 1400, 1499, 1500, 2000, 3999].map(|ticks| hart.guest_ticks_at(ticks));
                for stimecmp in reached.into_iter().chain([0, 1, 77, 1 << 60, u64::MAX - (1 << 31), u64::MAX])
                {
                    hart.state.supervisor.stimecmp = stimecmp;
                    let due = hart.guest_ticks_at(1000) >= stimecmp;
                    let next = hart.guest_timer_from(1000);
                    assert!(!due || next.is_none());
                    match counted(&hart, 1000) {
                        Some(expected) if !due => {
                            found += 1;
                            assert_eq!(next, Some(expected), "{scale:#x} {zero_at} {stimecmp:#x}");
                        }
                        _ => assert!(next.is_none_or(|next| next >= 4000)),
                    }
                }
            }
        }
        assert!(found > 50, "{found}");
    }
}
