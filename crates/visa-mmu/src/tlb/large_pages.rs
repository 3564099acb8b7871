//! Sets of large pages.

use serde::{Deserialize, Serialize};

use super::translation::PAGE_SHIFTS;

/// A set of large pages that may hold more than it was given.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct LargePages {
    bits: [u64; 16],
}

impl LargePages {
    fn place(address: u64, page_shift: u32) -> (usize, u64) {
        let page = (address >> page_shift) ^ (page_shift as u64) << 4;
        ((page >> 6) as usize % 16, 1 << (page & 63))
    }

    pub fn insert(&mut self, address: u64, page_shift: u32) {
        let (word, bit) = LargePages::place(address, page_shift);
        self.bits[word] |= bit;
    }

    /// Whether a large page with the address may be among them.
    pub fn may_hold(&self, address: u64) -> bool {
        PAGE_SHIFTS[1..].iter().any(|&page_shift| {
            let (word, bit) = LargePages::place(address, page_shift);
            self.bits[word] & bit != 0
        })
    }
}
