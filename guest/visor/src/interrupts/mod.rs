//! Interrupts: in which order a guest takes them, and the platform's controller.

pub mod order;
pub mod plic;
