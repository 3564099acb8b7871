//! What harts tell one another by VINT_SEND (specification, 6.1).

use serde::{Deserialize, Serialize};

/// The virtual CPU that a hart has current.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Residency {
    /// Virtual machine.
    pub vmid: u16,
    /// Number in it.
    pub virtual_cpu: u16,
}

/// What VINT_SEND tells another hart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// The hart.
    pub hart: usize,
    /// What for.
    pub what: Interrupt,
}

/// An interrupt that one hart sends another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Interrupt {
    /// A vector for a virtual CPU, and for no other that the hart may have current when it arrives. `None`: for the
    /// controller of a hart without a VMCS.
    Vector(u8, Option<Residency>),
    /// A software interrupt for Ring -1.
    Hypervisor,
}
