//! RAM by a vector.

use std::alloc::{Layout, alloc_zeroed};

use crate::alignment::RAM_ALIGNMENT;

/// A vector with a page more than is used: the allocator would clear what it aligns so far, and so touch all of it.
pub(super) struct Vector(Vec<u8>);

impl Vector {
    /// Allocates room for so many bytes of zeros, or tells why not.
    pub fn new(bytes: usize) -> Result<Vector, String> {
        let refused = || "the allocator has no such block".to_string();
        let capacity = bytes.checked_add(RAM_ALIGNMENT as usize).ok_or_else(refused)?;
        let layout = Layout::array::<u8>(capacity).map_err(|error| error.to_string())?;
        // SAFETY: the layout is not of size zero. `vec![0; capacity]` does the same, but aborts where there is no room.
        let pointer = unsafe { alloc_zeroed(layout) };
        if pointer.is_null() {
            return Err(refused());
        }
        // SAFETY: the block is from the global allocator, with the layout of `capacity` bytes, all of them initialised, and
        // nobody else has it.
        Ok(Vector(unsafe { Vec::from_raw_parts(pointer, capacity, capacity) }))
    }

    /// The first byte on a boundary of a page; as many as were asked for follow.
    pub fn pointer(&mut self) -> *mut u8 {
        let start = self.0.as_mut_ptr();
        // At most a page less one byte, which is what there is too much.
        let skipped = start.addr().next_multiple_of(RAM_ALIGNMENT as usize) - start.addr();
        start.wrapping_add(skipped)
    }
}
