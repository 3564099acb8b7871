//! virtio devices: what they share, the transport ([`transport`]), and the kinds of devices.

pub mod backend;
pub mod block;
pub mod chain;
pub mod device;
mod state;
pub mod transport;
