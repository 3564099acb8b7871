//! Where execution goes on.

/// Where execution goes on after an instruction that completed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// At the next instruction.
    Next,
    /// At an address.
    Jump(u64),
    /// In another world: PC and retired count are as they should be.
    Switched,
}
