//! Sets of harts, as SBI calls give them: a mask, and the hart that its bit 0 stands for (SBI 2.0, chapter 3).

use super::SbiError;

/// Harts that exist, a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HartSet(u64);

/// The base that says "all of them, whatever the mask".
const ALL: u64 = u64::MAX;

impl HartSet {
    /// All of so many harts.
    pub const fn existing(harts: usize) -> HartSet {
        HartSet(if harts >= 64 { u64::MAX } else { (1 << harts) - 1 })
    }

    /// Those of them that are in a mask, too.
    pub const fn among(self, mask: u64) -> HartSet {
        HartSet(self.0 & mask)
    }

    /// The harts that a call names, of `harts` (at most 64). One that does not exist is an invalid parameter.
    pub fn new(mask: u64, base: u64, harts: usize) -> Result<HartSet, SbiError> {
        let HartSet(existing) = HartSet::existing(harts);
        if base == ALL {
            return Ok(HartSet(existing));
        }
        if mask == 0 {
            return Ok(HartSet(0));
        }
        // No bit may be lost in shifting, and none may stand for a hart that is not there.
        let shifted = if base < 64 { mask << base } else { 0 };
        if base >= 64 || shifted >> base != mask || shifted & !existing != 0 {
            return Err(SbiError::InvalidParameter);
        }
        Ok(HartSet(shifted))
    }

    /// One hart.
    pub const fn one(hart: usize) -> HartSet {
        HartSet(1 << hart)
    }

    /// Whether a hart is in it.
    pub const fn has(self, hart: usize) -> bool {
        self.0 >> hart & 1 != 0
    }

    /// The same without one hart.
    pub const fn without(self, hart: usize) -> HartSet {
        HartSet(self.0 & !(1 << hart))
    }

    /// Whether there is none in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The harts, from the lowest.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let hart = (left != 0).then(|| left.trailing_zeros() as usize);
            left &= left.wrapping_sub(1);
            hart
        })
    }
}
