//! The pages that RAM is made of.

/// RAM's base and size are multiples of this: the page size.
pub const RAM_ALIGNMENT: u64 = 4096;
