//! Which memory an instruction touches: for debuggers' watchpoints.

use visa_isa::Instruction;
use visa_isa::shape::Memory;

use crate::hart::Hart;

/// The memory that an instruction touches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataAccess {
    /// Virtual address.
    pub address: u64,
    /// Bytes.
    pub bytes: u64,
    /// It loads.
    pub reads: bool,
    /// It stores; a store-conditional may in the end not.
    pub writes: bool,
}

impl Hart {
    /// The memory that an instruction is about to touch, by the registers as they are now. `None`: it is no load, store or
    /// atomic.
    pub fn data_access(&self, instruction: &Instruction) -> Option<DataAccess> {
        let Memory { bytes, loads, stores } = instruction.op.shape().memory()?;
        let address = self.state.r(instruction.rs1).wrapping_add(instruction.imm as i64 as u64);
        Some(DataAccess { address, bytes, reads: loads, writes: stores })
    }
}
