//! Changes that are made on purpose.

use visa_core::Hart;
use visa_mem::Ram;

/// A change of what an engine does, to see that the comparison finds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Retired instructions of all harts after which it comes.
    pub after: u64,
    /// What is changed.
    pub kind: FaultKind,
}

/// What a [`Fault`] changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Bit 0 of a register of hart 0, of the bank in use.
    Register(u8),
    /// Bit 0 of the byte at a physical address.
    Memory(u64),
}

impl Fault {
    /// Changes what is to be changed.
    pub(crate) fn apply(self, hart: &mut Hart, ram: &Ram) {
        match self.kind {
            FaultKind::Register(number) => hart.state.set_r(number, hart.state.r(number) ^ 1),
            FaultKind::Memory(address) => {
                let byte = ram.offset_of(address, 1).and_then(|offset| Some((offset, ram.load_u8(offset)?)));
                if let Some((offset, byte)) = byte {
                    ram.store_u8(offset, byte ^ 1);
                }
            }
        }
    }
}
