//! What a guest has, and what its privileged instructions mean, apart from any machine.

pub mod memory;
pub mod privileged;
pub mod space;

#[cfg(test)]
mod tests;
