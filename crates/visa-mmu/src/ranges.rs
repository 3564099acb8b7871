//! What IOVMAP ranges make of guest-physical addresses, and how they divide pages (specification, 5.3).

use visa_isa::io::RangeKind;
use visa_isa::paging::{Access, LEVEL_BITS, PAGE_SHIFT};
use visa_isa::{GuestPhysical, Physical};
use visa_state::VirtualMachine;

use crate::fault::TranslationFault;

/// What an IOVMAP range makes of a guest-physical address; `None` if it is in none.
pub(crate) fn through_range(
    vm: &VirtualMachine,
    guest_physical: GuestPhysical,
    access: Access,
) -> Option<Result<(Physical, u32), TranslationFault>> {
    let range = vm.range_of(guest_physical)?;
    if range.kind == RangeKind::Passthrough as u64 {
        return Some(Ok((range.passed_through(guest_physical), PAGE_SHIFT)));
    }
    match access {
        Access::Fetch => Some(Err(TranslationFault::Access)),
        _ => Some(Err(TranslationFault::Device { guest_physical, cookie: range.target })),
    }
}

/// The size of the largest page that holds the address and none of a range, as a power of two: what limits the
/// first stage's pages where the second does not translate.
pub(crate) fn shift_between_ranges(vm: &VirtualMachine, guest_physical: GuestPhysical) -> u32 {
    const SIZES: [u32; 3] =
        [PAGE_SHIFT + 3 * LEVEL_BITS, PAGE_SHIFT + 2 * LEVEL_BITS, PAGE_SHIFT + LEVEL_BITS];
    let free = SIZES.into_iter().find(|&page_shift| !ranges_overlap(vm, guest_physical, page_shift));
    free.unwrap_or(PAGE_SHIFT)
}

/// Whether a range is bound inside the page of 2^`page_shift` bytes that holds the address.
pub(crate) fn ranges_overlap(vm: &VirtualMachine, guest_physical: GuestPhysical, page_shift: u32) -> bool {
    let size = 1u64 << page_shift;
    let page = guest_physical.page(page_shift);
    vm.has_ranges && vm.ranges.iter().any(|range| range.overlaps(page.0, size))
}
