//! Every fuzz target on its seeds, and on a few hundred small changes of each: what fuzzers do for longer.
#![allow(clippy::disallowed_methods, reason = "it tells people, or measures, how long something takes")]

use std::time::{Duration, Instant};
use visa_inputs::{TARGETS, seeds};

/// Changes of each seed, and how long one input may take on a busy host.
const CHANGES: u32 = 120;
const PATIENCE: Duration = Duration::from_secs(20);

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// A copy with some bytes changed, removed, or doubled.
fn changed(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let end = (at + random.below(16)).min(bytes.len());
        match random.below(5) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[at] = [0, 0xff, 0x7f, 0x80, b'\n'][random.below(5)],
            2 => drop(bytes.drain(at.min(end)..end)),
            3 => {
                let part = bytes[at.min(end)..end].to_vec();
                bytes.splice(at.min(end)..at.min(end), part);
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

#[test]
fn every_target_survives_its_seeds_and_changes_of_them() {
    for target in TARGETS {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let run = |bytes: &[u8]| {
            let start = Instant::now();
            (target.run)(bytes);
            assert!(start.elapsed() < PATIENCE, "{}: {:?} for {bytes:?}", target.name, start.elapsed());
        };
        run(&[]);
        let seeds = seeds(target.name);
        assert!(!seeds.is_empty(), "{}", target.name);
        // A conversation takes threads and sockets, so there are fewer of them.
        let changes = if target.name == "gdb" { CHANGES / 6 } else { CHANGES };
        for seed in seeds {
            run(&seed);
            (0..changes).for_each(|_| run(&changed(&seed, &mut random)));
        }
    }
}

#[test]
fn every_target_has_its_fuzzer() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = std::fs::read_to_string(directory.join("Cargo.toml")).expect("fuzz/Cargo.toml");
    for target in TARGETS {
        let path = format!("fuzz_targets/{}.rs", target.name);
        let source =
            std::fs::read_to_string(directory.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(source.contains(&format!("visa_inputs::run(\"{}\"", target.name)), "{path}");
        assert!(manifest.contains(&format!("path = \"{path}\"")), "{path}");
    }
}
