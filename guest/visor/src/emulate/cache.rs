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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_decoded_before_is_decoded_the_same() {
        // Far more instructions than there are entries, twice: RDMSR of every number, and what means nothing.
        let mut decoder = Decoder::new();
        assert_eq!(decoder.decode(0), None);
        for _ in 0..2 {
            for number in 0..4096 {
                for bits in [number << 20 | 0x22f3, number << 20 | 0x4073] {
                    assert_eq!(decoder.decode(bits), decode(bits), "{bits:#x}");
                    assert_eq!(decoder.decode(bits), decode(bits), "{bits:#x}");
                }
            }
        }
    }
}
