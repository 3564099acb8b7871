//! Guest RAM and the interface between the processor and the board.
//!
//! ```text
//!    hart ── loads and stores inside RAM ──────────────► Ram       (no dispatch: one bounds check)
//!      └──── everything else ──► Platform ── by address ──► Device   (register reads and writes)
//! ```
//!
//! * [`Ram`] is the guest's memory: one contiguous region, by a mapping that the host commits lazily or by a vector. All
//!   `unsafe` of the memory path is in its module.
//! * [`Platform`] is what a hart needs from the board that carries it: RAM, memory-mapped devices, the port space.
//! * [`Device`] is one register block behind the bus.
//!
//! An [`AccessFault`] is architectural (it becomes a trap of the guest); a [`RamError`] is the host's.

mod alignment;
mod bus;
mod code_pages;
mod ram;
mod trial;

pub use alignment::RAM_ALIGNMENT;
pub use bus::{AccessFault, AccessSize, Device, Platform};
pub use ram::{Backing, GuestMemory, RAM_SIZE_MAX, Ram, RamError};
pub use trial::{PageBytes, Trial, WrittenPage};
