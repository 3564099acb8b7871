//! What runs of an image leave.

use super::image::{Placed, TRAP_RECORD_SIZE};
use anyhow::Result;
use visa_fuzz::program::block;

/// What a run leaves: the blocks and the trap record.
pub struct Results {
    /// Their bytes.
    pub bytes: Vec<u8>,
}

impl Results {
    /// What a program left: its block.
    pub fn of(&self, placed: &Placed) -> &[u8] {
        let start = (placed.index * block::SIZE) as usize;
        &self.bytes[start..start + block::SIZE as usize]
    }

    /// Cause, address and value of the trap that ended the run, if one did.
    pub fn trap(&self) -> Option<[u64; 3]> {
        let record = &self.bytes[self.bytes.len() - TRAP_RECORD_SIZE as usize..];
        let word = |index: usize| {
            let bytes = record[index * 8..index * 8 + 8].try_into().expect("a slice of eight bytes");
            u64::from_le_bytes(bytes)
        };
        let words = [word(0), word(1), word(2)];
        (words != [u64::MAX; 3]).then_some(words)
    }
}

/// What the engines made of an image.
pub struct Pair {
    /// QEMU.
    pub theirs: Result<Results>,
    /// The `visa` command.
    pub ours: Result<Results>,
}

impl Pair {
    /// Whether both came to the end, with the same results.
    pub fn agree(&self) -> bool {
        matches!((&self.theirs, &self.ours), (Ok(theirs), Ok(ours)) if theirs.bytes == ours.bytes)
    }
}
