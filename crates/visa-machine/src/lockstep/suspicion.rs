//! That two machines differ, before it is known by which instruction.

use super::state::{MemoryMismatch, Mismatch};

/// That the machines differ, and where to look for the reason. Parts are counted from 1 on, in the order in which the
/// machines ran them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suspicion {
    /// State and memory agreed after this part.
    pub agreed_part: u64,
    /// Something differs after this one.
    pub part: u64,
    /// Instructions that the reference had retired then.
    pub instructions: u64,
    /// What differs.
    pub mismatches: Vec<Mismatch>,
    /// What of RAM differs, if that was compared.
    pub memory: Option<MemoryMismatch>,
}
