//! A set-associative structure with true LRU replacement: what caches, TLBs and walk caches are made of.

/// `sets` sets of `ways` entries each, kept in the order of their last use.
#[derive(Clone, Debug)]
pub(crate) struct Sets<T> {
    entries: Vec<Option<T>>,
    ways: usize,
    /// Number of sets minus one.
    mask: u64,
}

impl<T: Copy> Sets<T> {
    /// `entries` in sets of `ways`. The number of sets must be a power of two; with no entries nothing is ever found.
    pub fn new(entries: u64, ways: u64) -> Sets<T> {
        let sets = entries.checked_div(ways).unwrap_or(0);
        debug_assert!(sets == 0 || sets.is_power_of_two());
        Sets {
            entries: vec![None; (sets * ways) as usize],
            ways: ways as usize,
            mask: sets.saturating_sub(1),
        }
    }

    #[inline(always)]
    fn set(&mut self, index: u64) -> &mut [Option<T>] {
        let start = (index & self.mask) as usize * self.ways;
        match self.entries.get_mut(start..start + self.ways) {
            Some(set) => set,
            None => &mut [],
        }
    }

    /// The entry of a set that fits; it becomes the last used.
    #[inline(always)]
    pub fn find(&mut self, index: u64, fits: impl Fn(&T) -> bool) -> Option<&mut T> {
        let set = self.set(index);
        let position = set.iter().position(|entry| entry.as_ref().is_some_and(&fits))?;
        if position != 0 {
            set[..=position].rotate_right(1);
        }
        set[0].as_mut()
    }

    /// Whether a set holds an entry that fits; its place in the order stays.
    pub fn holds(&mut self, index: u64, fits: impl Fn(&T) -> bool) -> bool {
        self.set(index).iter().flatten().any(fits)
    }

    /// Enters something as the last used, in place of the least recently used.
    pub fn insert(&mut self, index: u64, entry: T) {
        let set = self.set(index);
        if !set.is_empty() {
            set.rotate_right(1);
            set[0] = Some(entry);
        }
    }

    /// Drops what fits.
    pub fn drop_where(&mut self, condemned: impl Fn(&T) -> bool) {
        for entry in &mut self.entries {
            if entry.as_ref().is_some_and(&condemned) {
                *entry = None;
            }
        }
    }

    /// Drops what fits from one set.
    pub fn drop_in_set(&mut self, index: u64, condemned: impl Fn(&T) -> bool) {
        for entry in self.set(index) {
            if entry.as_ref().is_some_and(&condemned) {
                *entry = None;
            }
        }
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.entries.fill(None);
    }
}

#[cfg(test)]
mod tests {
    use super::Sets;

    #[test]
    fn the_least_recently_used_goes() {
        // Two sets of two ways; the index is the number's lowest bit.
        let mut sets = Sets::new(4, 2);
        let mut touch = |number: u64| {
            let found = sets.find(number, |&entry| entry == number).is_some();
            if !found {
                sets.insert(number, number);
            }
            found
        };
        // 0 and 2 fill set 0; 0 is used again, so that 4 takes the place of 2.
        let seen: Vec<bool> = [0, 2, 0, 4, 0, 2, 1, 1].into_iter().map(&mut touch).collect();
        assert_eq!(seen, [false, false, true, false, true, false, false, true]);
        // 2 has taken the place of 4, not of 0.
        assert!(touch(0) && touch(2) && !touch(4));
    }

    #[test]
    fn nothing_is_found_in_no_entries() {
        let mut sets = Sets::new(0, 0);
        sets.insert(5, 5u64);
        assert!(sets.find(5, |_| true).is_none() && !sets.holds(5, |_| true));
    }

    #[test]
    fn what_is_dropped_is_gone_and_its_place_is_free() {
        let mut sets = Sets::new(2, 2);
        sets.insert(0, 1u64);
        sets.insert(0, 2);
        sets.drop_where(|&entry| entry == 1);
        assert!(!sets.holds(0, |&entry| entry == 1) && sets.holds(0, |&entry| entry == 2));
        sets.clear();
        assert!(!sets.holds(0, |_| true));
    }
}
