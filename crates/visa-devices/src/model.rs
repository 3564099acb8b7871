//! What a board asks of every device, whatever its registers are.

use std::any::Any;

use serde::Serialize;
use serde::de::DeserializeOwned;
use visa_mem::Device;

use crate::dma::DmaMemory;

/// A device of a board: its registers ([`Device`]), and the rest that a board does with each alike.
pub trait Model: Device + Any + Send {
    /// Makes it what it is after the machine's reset. What the host has put behind it (a disk) stays.
    fn reset(&mut self);

    /// Its state, without what the host has put behind it.
    fn save(&self) -> Vec<u8>;

    /// Makes a state that [`Model::save`] gave its own. Bytes that are of no such state are refused, and change nothing.
    fn load(&mut self, saved: &[u8]) -> Result<(), LoadError>;

    /// What a device tree says of it, beside where it is and which interrupt it has.
    fn describe(&self) -> Vec<Property>;

    /// Whether its interrupt line is high.
    fn interrupt(&self) -> bool {
        false
    }

    /// An interrupt that it sends as a message, if it has one to send, once.
    fn take_message(&mut self) -> Option<MessageInterrupt> {
        None
    }

    /// Whether time means something to it: then it is told.
    fn keeps_time(&self) -> bool {
        false
    }

    /// Tells it the machine's time, in nanoseconds since the Unix epoch.
    fn set_time_ns(&mut self, machine_time_ns: u64) {
        let _ = machine_time_ns;
    }

    /// Nanoseconds from the time that it was last told until it raises an interrupt by the passing of time alone.
    fn until_event_ns(&self) -> Option<u64> {
        None
    }

    /// Whether it has something to do that takes memory, and longer than an access.
    fn needs_service(&self) -> bool {
        false
    }

    /// Does the next part of that, with the memory that it may touch; what it cost, as [`Processed::work`](crate::Processed::work)
    /// counts it.
    fn serve_next(&mut self, memory: &DmaMemory<'_>) -> u64 {
        let _ = memory;
        0
    }
}

/// The level of an interrupt line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// It asks for nothing.
    Low,
    /// It asks for the interrupt, as long as it is so.
    High,
}

/// An interrupt as a message: a word that is written to an address, which is of the same space as those of the device's DMA.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageInterrupt {
    /// Where to.
    pub address: u64,
    /// The word.
    pub data: u32,
}

/// Why a saved state was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes end too early, go on too long, or are no values of their kinds.
    #[error("the saved state of the {device} is no state of this device")]
    Malformed {
        /// What it was to be of.
        device: &'static str,
    },
    /// A value is one that the device never has.
    #[error("the saved state of the {device}: {field} is out of range")]
    Range {
        /// What it was to be of.
        device: &'static str,
        /// What is wrong.
        field: &'static str,
    },
}

/// A property of a device's node (Devicetree Specification 0.4, 2.2.4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Property {
    /// Its name alone.
    Flag(&'static str),
    /// A number of 32 bits.
    Number(&'static str, u32),
    /// Texts, of which the first is the most exact.
    Texts(&'static str, &'static [&'static str]),
}

/// The name of the property that drivers are found by.
pub(crate) const COMPATIBLE: &str = "compatible";

pub(crate) fn bytes_of(state: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(state).expect("a state is made of plain values")
}

/// The value that bytes are of, all of them.
pub(crate) fn value_of<T: DeserializeOwned>(device: &'static str, bytes: &[u8]) -> Result<T, LoadError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(LoadError::Malformed { device }),
    }
}

/// Refuses a state in which something does not hold.
pub(crate) fn require(holds: bool, device: &'static str, field: &'static str) -> Result<(), LoadError> {
    if holds { Ok(()) } else { Err(LoadError::Range { device, field }) }
}
