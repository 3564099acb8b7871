//! Bits of sstatus.

/// Interrupts enabled in Ring 0.
pub const SIE: u64 = 1 << 1;
/// SIE before the trap.
pub const SPIE: u64 = 1 << 5;
/// The ring before the trap: set for Ring 0.
pub const SPP: u64 = 1 << 8;
/// Floating-point state: 0 off, 1 initial, 2 clean, 3 dirty.
pub const FS: u64 = 3 << 13;
/// Ring 0 may access pages of Ring 3.
pub const SUM: u64 = 1 << 18;
/// Loads may read pages that are executable only.
pub const MXR: u64 = 1 << 19;
/// Ring 3 is 64-bit (read-only).
pub const UXL: u64 = 2 << 32;
/// FS is dirty (read-only).
pub const SD: u64 = 1 << 63;
/// Bits that software can write.
pub const WRITABLE: u64 = SIE | SPIE | SPP | FS | SUM | MXR;
