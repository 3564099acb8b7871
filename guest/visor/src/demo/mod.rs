//! The hypervisor of `visa demo`: it walks through V-ISA's execution flow with the guest of `guest/demo`.
//!
//! The guest is cut into scenes. It begins each with a hypercall, upon which visor sets the trap filter that the scene
//! is about. What happens is told line by line on the console ([`narrate`]; the lines are described in
//! guest/demo/README.md), for `visa demo` to explain.

mod counts;
mod handlers;
mod layer;
mod layout;
mod narrate;
mod scenes;
mod statistics;

pub use layer::Demonstrating;
pub use layout::memory;
