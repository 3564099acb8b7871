//! What the demo tells.

/// Counters at the start of a scene.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    /// VM exits.
    pub exits: u64,
    /// Instructions completed in software.
    pub emulated: u64,
    /// Combined TLB misses.
    pub tlb_misses: u64,
    /// Instructions of the guest.
    pub guest: u64,
    /// Instructions of visor's handlers.
    pub handlers: u64,
}

/// What is known of one cause.
#[derive(Clone, Copy, Default)]
pub struct Cause {
    /// Exits.
    pub samples: u64,
    /// Instructions of the handler, in all, at least and at most.
    pub total: u64,
    /// The shortest.
    pub least: u64,
    /// The longest.
    pub most: u64,
}

/// How the guest goes on.
pub struct How {
    /// What the handler did.
    pub handler: &'static str,
    /// A number that belongs to it.
    pub value: u64,
}
