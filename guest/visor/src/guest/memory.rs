//! What a guest has: regions of guest-physical memory and where they are.

use arrayvec::ArrayVec;

/// Bytes of a page, the granule of everything here.
pub const PAGE: u64 = visa_isa::paging::PAGE_SIZE;

/// The most regions of memory, or of devices, that a guest has. IOVMAP has 32 ranges (specification, 5.3).
pub const REGIONS_MAX: usize = visa_isa::vmcs::RANGE_COUNT;

/// Guest-physical addresses and the physical addresses behind them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    /// First guest-physical address.
    pub guest: u64,
    /// The physical address behind it.
    pub physical: u64,
    /// Length in bytes.
    pub length: u64,
}

impl Region {
    /// A region whose guest-physical addresses are physical ones.
    pub const fn identity(address: u64, length: u64) -> Region {
        Region { guest: address, physical: address, length }
    }

    /// The physical address of `length` bytes at guest-physical `address`, if all of them are in here.
    pub fn translate(&self, address: u64, length: u64) -> Option<u64> {
        let offset = address.checked_sub(self.guest)?;
        (length <= self.length && offset <= self.length - length).then(|| self.physical + offset)
    }
}

/// Regions that do not overlap.
pub type Regions = ArrayVec<Region, REGIONS_MAX>;

/// The physical address of `length` bytes at guest-physical `address`, if one region has them all.
pub fn translate(regions: &[Region], address: u64, length: u64) -> Option<u64> {
    regions.iter().find_map(|region| region.translate(address, length))
}

/// Rounds extents (address, length) out to whole pages and joins those that then touch the same page: what a
/// passthrough range of IOVMAP may be. `None` if there are too many, or one ends above the address space.
pub fn whole_pages(extents: &mut [(u64, u64)]) -> Option<Regions> {
    extents.sort_unstable();
    let mut regions = Regions::new();
    for &(address, length) in extents.iter().filter(|extent| extent.1 != 0) {
        let start = address & !(PAGE - 1);
        let end = address.checked_add(length)?.checked_next_multiple_of(PAGE)?;
        match regions.last_mut() {
            Some(last) if start < last.guest + last.length => {
                last.length = last.length.max(end - last.guest);
            }
            _ => regions.try_push(Region::identity(start, end - start)).ok()?,
        }
    }
    Some(regions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn translation_stays_inside_a_region() {
        let regions = [
            Region { guest: 0x4000_0000, physical: 0x8000_0000, length: 0x1000 },
            Region::identity(0x9000_0000, 0x1000),
        ];
        assert_eq!(translate(&regions, 0x4000_0ff8, 8), Some(0x8000_0ff8));
        assert_eq!(translate(&regions, 0x4000_0ff9, 8), None, "the last byte is outside");
        assert_eq!(translate(&regions, 0x9000_0000, 0x1000), Some(0x9000_0000));
        assert_eq!(translate(&regions, 0x8000_0000, 1), None, "a physical address is no guest-physical one");
        assert_eq!(translate(&regions, u64::MAX, u64::MAX), None);
        assert_eq!(translate(&regions, 0x4000_0800, u64::MAX), None);
    }

    #[test]
    fn extents_become_pages_and_shared_pages_become_one_region() {
        let mut extents = [(0x1000_1000, 0x1000), (0x1000_0000, 0x100), (0x1000_0200, 0x10), (0x10_0000, 1)];
        let regions = whole_pages(&mut extents).unwrap();
        assert_eq!(
            regions.as_slice(),
            [
                Region::identity(0x10_0000, 0x1000),
                Region::identity(0x1000_0000, 0x1000),
                Region::identity(0x1000_1000, 0x1000),
            ]
        );
    }

    #[test]
    fn extents_that_cannot_be_ranges_are_refused() {
        assert_eq!(whole_pages(&mut [(u64::MAX - 10, 20)]), None);
        assert_eq!(whole_pages(&mut [(u64::MAX - 10, 5)]), None);
        let mut many: Vec<(u64, u64)> = (0..33).map(|page| (page * PAGE, 1)).collect();
        assert_eq!(whole_pages(&mut many), None);
    }
}
