//! The devices that visor itself uses.

pub mod console;
pub mod finisher;
