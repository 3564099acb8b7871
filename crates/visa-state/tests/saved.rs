//! A state as bytes: what is saved is what is loaded, and what no hart can be in is refused by name.

use visa_state::{HartState, LoadError, Range, Reservation};

/// What is changed, and a word of why it is refused.
type Change = (&'static str, fn(&mut HartState));

fn state() -> HartState {
    let mut state = HartState::new(3, 0x8000_0000, 0x8020_0000);
    state.instructions = 1_000;
    state.interval_start = 900;
    state.reservation = Reservation::new(0x1000, 8);
    state.vm.ranges[2] = Range { kind: 1, guest_address: 0x1000, length: 0x1000, target: 0x2000 };
    state.vm.update_has_ranges();
    state.enter_world();
    state
}

#[test]
fn what_is_saved_is_what_is_loaded() {
    let state = state();
    assert_eq!(HartState::load(&state.save()), Ok(state));
}

#[test]
fn what_no_hart_can_be_in_is_refused() {
    let changes: [Change; 5] = [
        ("R0", |state| state.bank.r[0] = 1),
        ("R0", |state| state.inactive[0].bank.r[0] = 1),
        ("IOVMAP", |state| state.vm.has_ranges = false),
        ("future", |state| state.interval_start = 1_001),
        ("time", |state| state.time.rate = 0),
    ];
    for (word, change) in changes {
        let mut state = state();
        change(&mut state);
        let refused = HartState::load(&state.save());
        assert!(matches!(&refused, Err(LoadError::Value(why)) if why.contains(word)), "{word}: {refused:?}");
    }
    assert!(matches!(HartState::load(&state().save()[..20]), Err(LoadError::Bytes(_))));
}

#[test]
fn an_exit_takes_an_entry_back() {
    let inside = state();
    let mut outside = inside.clone();
    outside.leave_world();
    assert!(inside.in_guest() && !outside.in_guest());
    assert_eq!(outside.bank, inside.inactive[0].bank);
    assert_eq!(outside.guest_bank(), inside.guest_bank());
    outside.enter_world();
    assert_eq!(outside, inside);
}
