//! Bits of hvstatus.

/// Interrupts enabled in Ring -1.
pub const HIE: u64 = 1 << 3;
/// HIE before the trap.
pub const HPIE: u64 = 1 << 7;
/// Bits that software can write.
pub const WRITABLE: u64 = HIE | HPIE;
