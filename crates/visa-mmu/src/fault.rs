//! Why an address has no translation.

use visa_isa::GuestPhysical;

/// Why an address has no translation, before it is decided who hears of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TranslationFault {
    /// The first stage does not map it, or not for this access.
    Page,
    /// A page-table entry is where no RAM is.
    Access,
    /// The second stage does not map a guest-physical address, or not for this access.
    Nested {
        /// The address.
        guest_physical: GuestPhysical,
        /// It is that of a page-table entry of the first stage.
        walk: bool,
    },
    /// The guest-physical address is in an IOVMAP range that traps.
    Device {
        /// The address.
        guest_physical: GuestPhysical,
        /// The range's cookie.
        cookie: u64,
    },
}
