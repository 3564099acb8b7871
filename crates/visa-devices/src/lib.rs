//! Register models of the platform's devices.
//!
//! Each device is pure: registers in, registers out. No threads, no files, no clock of its own: bytes, time and disk
//! contents are handed in, and what the device wants from the world (a byte to print, an interrupt level, a finish
//! request) is read off it by the board that wires it up.
//!
//! | device | what the guest sees | source |
//! |---|---|---|
//! | [`Uart`] | 16550A serial port | the NS16550A data sheet |
//! | [`Plic`] | platform-level interrupt controller | RISC-V PLIC specification 1.0 |
//! | [`Finisher`] | SiFive test finisher: ends or resets the run | SiFive test device |
//! | [`Rtc`] | Goldfish real-time clock | Android Goldfish documentation |
//! | [`VirtioMmio`] | virtio-mmio transport, version 2 | virtio 1.2, section 4.2 |
//! | [`Block`] | virtio block device over a [`BlockBackend`] | virtio 1.2, section 5.2 |
//!
//! Whatever a guest writes into a register or a ring is an allegation. No device panics, loops or allocates beyond a
//! stated bound because of it.

mod dma;
mod finisher;
mod model;
mod plic;
mod rtc;
mod uart;
mod virtio;

pub use dma::{DMA_PAGE_BYTES, DmaAccess, DmaExtent, DmaMemory, DmaTranslation, Requester};
pub use finisher::{Finisher, FinisherRequest};
pub use model::{Level, LoadError, MessageInterrupt, Model, Property};
pub use plic::{PLIC_PRIORITY_MAX, PLIC_SOURCES, Plic};
pub use rtc::Rtc;
pub use uart::{UART_FIFO_BYTES, UART_LINE_STATUS, Uart};
pub use virtio::backend::{BlockBackend, BlockError, DiskAccess, MemoryBackend, SECTOR_BYTES};
pub use virtio::block::{BLOCK_QUEUE_SIZE, BLOCK_TRANSFER_BYTES, Block};
pub use virtio::chain::{CHAIN_DESCRIPTORS_MAX, Chain, MalformedChain};
pub use virtio::device::{Processed, RequestTurn, VirtioDevice};
pub use virtio::transport::VirtioMmio;
