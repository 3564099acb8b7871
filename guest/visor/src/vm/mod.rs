//! VMs: their memory, their devices, their virtual CPUs, and what keeps them there.

pub mod ranges;
mod value;
mod vcpu;
mod vmcs;

pub use value::{Plan, Vm};
pub use vcpu::{CAUSES, Vcpu, request};
pub use vmcs::{Controls, Vmcs};
