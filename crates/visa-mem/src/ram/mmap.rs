//! RAM by an anonymous mapping of the host.

use vm_memory::MmapRegion;

/// A mapping.
pub(super) struct Mapping(MmapRegion);

impl Mapping {
    /// Maps so many bytes of zeros, or tells why not.
    pub fn new(bytes: usize) -> Result<Mapping, String> {
        let region = MmapRegion::new(bytes).map_err(|error| error.to_string())?;
        advise_large_pages(region.as_ptr(), bytes);
        Ok(Mapping(region))
    }

    /// Its first byte, on a boundary of the host's pages.
    pub fn pointer(&self) -> *mut u8 {
        self.0.as_ptr()
    }
}

/// Asks the host for large pages: a guest that touches memory far and wide then misses the host's TLB less. A host that
/// has none does without.
fn advise_large_pages(host: *mut u8, length: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: advice about how to back an anonymous mapping changes nothing that is in it; the mapping is `length` bytes
    // from `host` on.
    unsafe {
        let _ = rustix::mm::madvise(host.cast(), length, rustix::mm::Advice::LinuxHugepage);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (host, length);
}
