//! Guests that trap, exit, page and overwrite themselves, with a hypervisor around them.

use visa_fuzz::wild_guest::WildGuest;
use visa_state::{Feature, Features};

use crate::pair::Pair;
use crate::seeds::for_seeds;

/// In every way.
#[test]
fn wild_guests_run_alike() {
    for_seeds(|seed| guest_runs_alike("wild guest", seed, WildGuest::random(seed, 2_000)));
}

/// With loops that miss the TLB, over the ends of pages, with faults in both stages, devices, and code among the data.
#[test]
fn touching_guests_run_alike() {
    for_seeds(|seed| guest_runs_alike("touching guest", seed, WildGuest::touching(seed, 20_000)));
}

fn guest_runs_alike(what: &str, seed: u64, guest: WildGuest) -> u64 {
    let segments: Vec<_> =
        guest.segments.iter().map(|segment| (segment.address, segment.bytes.clone())).collect();
    // Every second run lacks a feature.
    let features = match seed as usize % (2 * Feature::ALL.len()) {
        index if index < Feature::ALL.len() => Features::default().without(Feature::ALL[index]),
        _ => Features::default(),
    };
    Pair::new(format!("{what} {seed}"), seed, guest.entry, &segments, features).run(60_000)
}
