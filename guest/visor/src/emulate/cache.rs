//! Instructions that were decoded before: a kernel has few that exit, and executes them again and again.

use visa_isa::{Instruction, decode};

/// Entries, as a power of two.
const ENTRIES_SHIFT: u32 = 6;
const ENTRIES: usize = 1 << ENTRIES_SHIFT;

/// Spreads bits that differ in few places over the entries: 2^32 divided by the golden ratio.
const SPREAD: u32 = 0x9e37_79b1;

/// The last instructions decoded, by their bits. It is right whatever is in memory, since decoding depends on nothing
/// else.
pub struct Decoder {
    entries: [(u32, Option<Instruction>); ENTRIES],
}

impl Decoder {
    /// One that has decoded nothing but zeros, which mean nothing.
    pub const fn new() -> Decoder {
        Decoder { entries: [(0, None); ENTRIES] }
    }

    /// What an instruction's bits mean.
    #[inline]
    pub fn decode(&mut self, bits: u32) -> Option<Instruction> {
        let entry = &mut self.entries[(bits.wrapping_mul(SPREAD) >> (32 - ENTRIES_SHIFT)) as usize];
        if entry.0 != bits {
            *entry = (bits, decode(bits));
        }
        entry.1
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder::new()
    }
}
