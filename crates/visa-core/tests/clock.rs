//! The guest's time and its timer at odd scales and offsets (specification, 6.2). By hand, or against the definition.

use visa_core::Hart;
use visa_state::VirtualTime;

const ONE: u64 = 1 << 32;

fn hart_at(ticks: u64, scale: u64, offset: u64) -> Hart {
    let mut hart = Hart::new(0, 0x8000_0000, 0);
    hart.state.time = VirtualTime { nanoseconds: ticks * 100, instructions: 0, ahead: 0, rate: 1 };
    hart.state.vm.time_scale = scale;
    hart.state.vm.time_offset = offset;
    hart
}

#[test]
fn the_guests_time_is_scaled_then_moved() {
    assert_eq!(hart_at(1_000, ONE, 0).guest_ticks(), 1_000);
    assert_eq!(hart_at(1_001, ONE / 2, 7).guest_ticks(), 507);
    assert_eq!(hart_at(10, 3 * ONE, 0u64.wrapping_sub(31)).guest_ticks(), u64::MAX);
    assert_eq!(hart_at(1, 1, 0).guest_ticks(), 0);
    assert_eq!(hart_at(ONE, 1, 0).guest_ticks(), 1);
    // (2^34 * (2^64 - 1)) >> 32 = 2^66 - 4, whose low 64 bits are -4 (modulo 2^64).
    assert_eq!(hart_at(4 * ONE, u64::MAX, 0).guest_ticks(), 0u64.wrapping_sub(4));
}

#[test]
fn the_timer_is_due_at_the_first_tick_that_is_late_enough() {
    let scales = [1, 7, ONE / 3, ONE / 2, ONE - 1, ONE, ONE + 1, 3 * (ONE / 4), 5 * ONE, 1 << 40];
    for scale in scales {
        for offset in [0, 1, 1_000, 0u64.wrapping_sub(1)] {
            for ahead in [1, 2, 3, 999, 1 << 20] {
                let mut hart = hart_at(12_345, scale, offset);
                hart.state.supervisor.stimecmp = hart.guest_ticks().wrapping_add(ahead);
                if hart.guest_timer_due() {
                    continue;
                }
                let Some(due_ns) = hart.next_timer_ns() else { continue };
                assert_eq!(due_ns % 100, 0);
                let at = |ticks: u64| {
                    let mut later = hart_at(ticks, scale, offset);
                    later.state.supervisor.stimecmp = hart.state.supervisor.stimecmp;
                    later.guest_timer_due()
                };
                let due = due_ns / 100;
                assert!(at(due), "scale {scale:#x} offset {offset:#x} ahead {ahead}: not due at {due}");
                assert!(!at(due - 1), "scale {scale:#x} offset {offset:#x} ahead {ahead}: due before {due}");
            }
        }
    }
}

#[test]
fn extreme_timers_do_not_overflow() {
    for scale in [1, 2, ONE, u64::MAX] {
        for compare in [0, 1, u64::MAX - 1, u64::MAX] {
            for offset in [0, 1, u64::MAX / 2, u64::MAX] {
                let mut hart = hart_at(5, scale, offset);
                hart.state.supervisor.stimecmp = compare;
                hart.state.hypervisor.hvtimecmp = compare;
                // Whatever they say, they say it.
                let _ = (hart.next_timer_ns(), hart.timer_deadline(), hart.supervisor_pending());
            }
        }
    }
}

#[test]
fn all_ones_is_a_time_as_any_other() {
    let mut hart = hart_at(u64::MAX / 200, ONE, 0);
    hart.state.supervisor.stimecmp = u64::MAX;
    hart.state.hypervisor.hvtimecmp = u64::MAX;
    assert!(!hart.guest_timer_due() && !hart.hypervisor_timer_due());
    assert_eq!(hart.next_timer_ns(), None, "so late that no machine gets there");
    assert_eq!(hart.timer_deadline(), None);
    let mut hart = hart_at(1_000, ONE, 0u64.wrapping_sub(1_002));
    hart.state.supervisor.stimecmp = u64::MAX;
    assert!(!hart.guest_timer_due());
    assert_eq!(hart.next_timer_ns(), Some(100_100));
    hart.state.instructions = 100;
    assert!(hart.guest_timer_due());
    hart.state.instructions = 200;
    assert!(!hart.guest_timer_due(), "the guest's time has wrapped");
}

#[test]
fn the_nearer_timer_is_next() {
    let mut hart = hart_at(100, ONE, 0);
    hart.state.supervisor.stimecmp = 300;
    hart.state.hypervisor.hvtimecmp = 200;
    assert_eq!(hart.next_timer_ns(), Some(20_000));
    hart.state.hypervisor.hvtimecmp = 400;
    assert_eq!(hart.next_timer_ns(), Some(30_000));
    // In retired instructions, of which 50 were retired when the clock stood at 10,000 ns.
    hart.state.time = VirtualTime { nanoseconds: 10_000, instructions: 50, ahead: 0, rate: 1 };
    assert_eq!(hart.timer_deadline(), Some(20_050));
    // With three harts awake, of which the others have executed 600 since then, it takes thrice as many, less those.
    hart.state.time = VirtualTime { nanoseconds: 10_000, instructions: 50, ahead: 600, rate: 3 };
    hart.state.instructions = 50;
    assert_eq!(hart.nanoseconds(), 10_200);
    assert_eq!(hart.timer_deadline(), Some(50 + 60_000 - 600));
    hart.state.instructions = 50 + 60_000 - 600;
    assert_eq!(hart.nanoseconds(), 30_000);
}
