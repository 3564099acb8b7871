//! The SiFive test finisher: one 32-bit register by which a guest ends or resets the run.

use serde::{Deserialize, Serialize};
use visa_mem::{AccessFault, AccessSize, Device};

use crate::model::{COMPATIBLE, LoadError, Model, Property, bytes_of, value_of};

/// What the guest has asked of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FinisherRequest {
    /// 0x5555: end the run, successfully.
    Pass,
    /// `(code << 16) | 0x3333`: end the run with this exit code.
    Fail(u16),
    /// 0x7777: reset the machine.
    Reset,
}

const REQUEST_PASS: u16 = 0x5555;
const REQUEST_FAIL: u16 = 0x3333;
const REQUEST_RESET: u16 = 0x7777;
const CODE_SHIFT: u32 = 16;

/// The model: 16-bit and 32-bit writes at offset 0 are requests, reads give zero. A value that is no request is
/// ignored. The request stays until the machine takes it; a later one replaces it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Finisher {
    request: Option<FinisherRequest>,
}

impl Finisher {
    /// A finisher nobody has written to.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the guest has asked for, if anything.
    pub fn request(&self) -> Option<FinisherRequest> {
        self.request
    }

    /// Takes the request, so that the next run starts without one.
    pub fn take_request(&mut self) -> Option<FinisherRequest> {
        self.request.take()
    }
}

impl Device for Finisher {
    fn read(&mut self, offset: u64, size: AccessSize) -> Result<u64, AccessFault> {
        self.peek(offset, size).ok_or(AccessFault)
    }

    fn peek(&self, offset: u64, size: AccessSize) -> Option<u64> {
        (offset == 0 && matches!(size, AccessSize::Half | AccessSize::Word)).then_some(0)
    }

    fn write(&mut self, offset: u64, size: AccessSize, value: u64) -> Result<(), AccessFault> {
        let code = match (offset, size) {
            (0, AccessSize::Half) => 0,
            (0, AccessSize::Word) => (value >> CODE_SHIFT) as u16,
            _ => return Err(AccessFault),
        };
        match value as u16 {
            REQUEST_PASS => self.request = Some(FinisherRequest::Pass),
            REQUEST_FAIL => self.request = Some(FinisherRequest::Fail(code)),
            REQUEST_RESET => self.request = Some(FinisherRequest::Reset),
            _ => {}
        }
        Ok(())
    }
}

impl Model for Finisher {
    fn reset(&mut self) {
        *self = Self::new();
    }

    fn save(&self) -> Vec<u8> {
        bytes_of(self)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), LoadError> {
        *self = value_of("finisher", saved)?;
        Ok(())
    }

    fn describe(&self) -> Vec<Property> {
        vec![Property::Texts(COMPATIBLE, &["sifive,test1", "sifive,test0", "syscon"])]
    }
}
