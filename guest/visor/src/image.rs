//! Where visor itself is.

unsafe extern "C" {
    static __image_start: u8;
    static __image_end: u8;
}

/// The address of visor's first byte.
pub fn start() -> u64 {
    &raw const __image_start as u64
}

/// The address behind visor's last byte.
pub fn end() -> u64 {
    &raw const __image_end as u64
}

/// Whether an address is in visor's image.
pub fn contains(address: u64) -> bool {
    (start()..end()).contains(&address)
}
