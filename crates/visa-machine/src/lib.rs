//! The board: memory map, wiring, loader, device tree and run loop.
//!
//! The memory map is a table; board and device tree are made from it. Nothing here runs by itself: devices act only
//! when a hart accesses them, or when they are told the time or what was typed.

pub mod board;
pub mod boot;
mod compare;
pub mod cycles;
pub mod device_tree;
pub mod input;
pub mod inspect;
pub mod loader;
pub mod lockstep;
pub mod machine;
pub mod memory_map;
mod replay;
pub mod snapshot;
