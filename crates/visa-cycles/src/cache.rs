//! The caches: two first-level ones over a second level, by physical lines. Fills are instant; dirty lines leave for free.

use crate::parameters::Parameters;
use crate::sets::Sets;

/// Accesses and misses of one cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Accesses.
    pub accesses: u64,
    /// Of these, misses.
    pub misses: u64,
}

/// One cache: the lines that it holds.
#[derive(Clone, Debug)]
struct Cache {
    lines: Sets<u64>,
    counts: CacheCounts,
}

impl Cache {
    fn new(size: u64, ways: u64, line: u64) -> Cache {
        Cache { lines: Sets::new(size / line, ways), counts: CacheCounts::default() }
    }

    /// Whether it has a line; afterwards it does.
    #[inline(always)]
    fn access(&mut self, line: u64) -> bool {
        self.counts.accesses += 1;
        let hit = self.lines.find(line, |&held| held == line).is_some();
        if !hit {
            self.counts.misses += 1;
            self.lines.insert(line, line);
        }
        hit
    }

    /// Brings a line in ahead of its use.
    fn prefetch(&mut self, line: u64) {
        if !self.lines.holds(line, |&held| held == line) {
            self.lines.insert(line, line);
        }
    }
}

/// Counts of all three caches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HierarchyCounts {
    /// First-level instruction cache, once a line that is entered.
    pub instruction: CacheCounts,
    /// First-level data cache.
    pub data: CacheCounts,
    /// Second level.
    pub second: CacheCounts,
}

/// The caches of a hart.
#[derive(Clone, Debug)]
pub(crate) struct Hierarchy {
    instruction: Cache,
    data: Cache,
    second: Cache,
    line_shift: u32,
    second_latency: u64,
    memory_latency: u64,
    prefetch: u64,
}

impl Hierarchy {
    pub fn new(parameters: &Parameters) -> Hierarchy {
        let p = parameters;
        Hierarchy {
            instruction: Cache::new(p.l1i_size, p.l1i_ways, p.line),
            data: Cache::new(p.l1d_size, p.l1d_ways, p.line),
            second: Cache::new(p.l2_size, p.l2_ways, p.line),
            line_shift: p.line.trailing_zeros(),
            second_latency: p.l2_latency,
            memory_latency: p.memory_latency,
            prefetch: p.prefetch,
        }
    }

    /// The line of an address.
    #[inline(always)]
    pub fn line(&self, address: u64) -> u64 {
        address >> self.line_shift
    }

    /// Fetches from a line: millicycles beyond a hit.
    pub fn fetch(&mut self, line: u64) -> u64 {
        if self.instruction.access(line) { 0 } else { self.read_second(line) }
    }

    /// Loads from or stores to a line: millicycles beyond a hit.
    #[inline(always)]
    pub fn data(&mut self, line: u64) -> u64 {
        if self.data.access(line) { 0 } else { self.data_miss(line) }
    }

    /// Reads a line as a walker does that is attached to the second level: millicycles beyond a hit there.
    pub fn second(&mut self, line: u64) -> u64 {
        if self.second.access(line) {
            0
        } else {
            self.memory_latency - self.second_latency.min(self.memory_latency)
        }
    }

    #[cold]
    fn data_miss(&mut self, line: u64) -> u64 {
        let latency = self.read_second(line);
        let sequential = self.prefetch > 0
            && self.data.lines.holds(line.wrapping_sub(1), |&held| held == line.wrapping_sub(1));
        if sequential {
            for ahead in (line..).skip(1).take(self.prefetch as usize) {
                self.data.prefetch(ahead);
                self.second.prefetch(ahead);
            }
        }
        latency
    }

    fn read_second(&mut self, line: u64) -> u64 {
        if self.second.access(line) { self.second_latency } else { self.memory_latency }
    }

    /// Empties the first-level instruction cache.
    pub fn drop_instructions(&mut self) {
        self.instruction.lines.clear();
    }

    pub fn counts(&self) -> HierarchyCounts {
        HierarchyCounts {
            instruction: self.instruction.counts,
            data: self.data.counts,
            second: self.second.counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Preset;

    /// Caches of a few lines: first level 2 sets of 2 ways, second level 4 sets of 2 ways.
    fn tiny() -> Parameters {
        let mut parameters = Parameters::preset(Preset::Small);
        for assignment in ["l1d.size=1024", "l1d.ways=2", "cache.line=256", "l2.size=2048", "l2.ways=2"] {
            parameters.set(assignment).expect("the parameter exists");
        }
        parameters
    }

    #[test]
    fn latencies_follow_the_level_that_has_the_line() {
        let mut caches = Hierarchy::new(&tiny());
        // 20 and 120 cycles in thousandths. Lines 0, 2, 4 share set 0 of the first level, which holds two.
        assert_eq!(caches.data(0), 120_000);
        assert_eq!(caches.data(0), 0);
        assert_eq!(caches.data(2), 120_000);
        assert_eq!(caches.data(4), 120_000, "takes the place of line 0");
        assert_eq!(caches.data(0), 20_000, "which the second level still has");
        assert_eq!(caches.data(4), 0);
        assert_eq!(caches.data(2), 20_000);
        let counts = caches.counts();
        assert_eq!(counts.data, CacheCounts { accesses: 7, misses: 5 });
        assert_eq!(counts.second, CacheCounts { accesses: 5, misses: 3 });
        assert_eq!(counts.instruction, CacheCounts::default());
    }

    #[test]
    fn fetches_have_a_first_level_of_their_own() {
        let mut caches = Hierarchy::new(&tiny());
        assert_eq!(caches.fetch(7), 120_000);
        assert_eq!(caches.fetch(7), 0);
        assert_eq!(caches.data(7), 20_000, "the second level is shared");
        caches.drop_instructions();
        assert_eq!(caches.fetch(7), 20_000);
    }

    #[test]
    fn a_walker_at_the_second_level_pays_what_memory_adds() {
        let mut caches = Hierarchy::new(&tiny());
        assert_eq!(caches.second(3), 100_000);
        assert_eq!(caches.second(3), 0);
        assert_eq!(caches.data(3), 20_000);
    }

    #[test]
    fn a_sequence_is_fetched_ahead() {
        let mut parameters = Parameters::preset(Preset::Large);
        parameters.set("memory.prefetch=2").expect("the parameter exists");
        let mut caches = Hierarchy::new(&parameters);
        let latencies: Vec<u64> = (100..108).map(|line| caches.data(line)).collect();
        // 100 has no neighbour; 101 has one and brings 102, 103; 104 brings 105, 106; 107 follows them.
        assert_eq!(
            latencies.iter().map(|&latency| latency != 0).collect::<Vec<_>>(),
            [true, true, false, false, true, false, false, true]
        );
    }
}
