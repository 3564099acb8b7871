//! One seed after the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use visa_jit::GENERATES_CODE;

/// Whether a test has failed: then it does not matter how long the others would go on.
static FOUND: AtomicBool = AtomicBool::new(false);

/// Notes that a test fails, if it does.
struct Watch;

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            FOUND.store(true, Ordering::Relaxed);
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// Calls a test with one seed after the other, for as long as it may take; it returns the instructions that it ran.
pub fn for_seeds(mut test: impl FnMut(u64) -> u64) {
    for_seeds_until(|seed| (test(seed), true));
}

/// The same of a test that also says whether it has seen what it must: if not, it goes on, but not for ever. Whether it has.
pub fn for_seeds_until(mut test: impl FnMut(u64) -> (u64, bool)) -> bool {
    const MOST: u64 = 4_000;
    if !GENERATES_CODE {
        eprintln!(
            "skipped: this build generates no code for the host that could be compared with the interpreter"
        );
        return true;
    }
    let _watch = Watch;
    let limit = Duration::from_secs(number("VISA_FUZZ_SECONDS", 2));
    let start = Instant::now();
    let first = number("VISA_FUZZ_SEED", 1);
    let (mut seed, mut instructions, mut has_seen) = (first, 0, false);
    while start.elapsed() < limit || !has_seen && seed.wrapping_sub(first) < MOST {
        if FOUND.load(Ordering::Relaxed) {
            return true;
        }
        let (done, enough) = test(seed);
        instructions += done;
        has_seen = enough;
        seed = seed.wrapping_add(1);
    }
    println!("{} runs, {instructions} instructions", seed.wrapping_sub(first));
    #[cfg(feature = "coverage")]
    if let Some(path) = std::env::var_os("VISA_FUZZ_COVERAGE") {
        std::fs::write(&path, visa_jit::coverage_report()).expect("the file of coverage can be written");
    }
    assert!(instructions > 10_000, "the programs hardly run");
    has_seen
}
