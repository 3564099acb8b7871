//! Memory as a debugger sees it: read and written from outside, with no trace in translation caches and counters.

use visa_isa::paging::PAGE_SIZE;
use visa_mem::{AccessSize, Platform, Ram};
use visa_mmu::inspect::{Unmapped, locate};

use crate::machine::Machine;

/// Why an observer cannot reach memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InspectError {
    /// The address has no translation.
    #[error("{address:#x}: {reason}")]
    Unmapped {
        /// The first byte that cannot be reached.
        address: u64,
        /// Why.
        reason: Unmapped,
    },
    /// The address leads to where neither RAM is nor a device whose registers can be read without a change. Devices are
    /// not written.
    #[error("{address:#x}: physical {physical:#x} is not RAM")]
    NotRam {
        /// The first byte that cannot be reached.
        address: u64,
        /// Its physical address.
        physical: u64,
    },
}

/// The part of an access that lies in one page.
struct Piece {
    physical: u64,
    /// Where it begins and ends in the buffer.
    start: usize,
    end: usize,
}

impl Machine {
    /// Reads memory at a virtual address, as the ring that `hart` runs in translates it.
    pub fn read_virtual(&self, hart: usize, address: u64, into: &mut [u8]) -> Result<(), InspectError> {
        self.read_pieces(Some(hart), address, into)
    }

    /// Writes memory at a virtual address, as the ring that `hart` runs in translates it. Code that is overwritten is
    /// decoded anew.
    pub fn write_virtual(&mut self, hart: usize, address: u64, from: &[u8]) -> Result<(), InspectError> {
        self.write_pieces(Some(hart), address, from)
    }

    /// Reads RAM, or a device's registers, at a physical address.
    pub fn read_physical(&self, address: u64, into: &mut [u8]) -> Result<(), InspectError> {
        self.read_pieces(None, address, into)
    }

    /// Writes RAM at a physical address.
    pub fn write_physical(&mut self, address: u64, from: &[u8]) -> Result<(), InspectError> {
        self.write_pieces(None, address, from)
    }

    fn read_pieces(&self, hart: Option<usize>, address: u64, into: &mut [u8]) -> Result<(), InspectError> {
        let length = into.len();
        self.pieces(hart, address, length, |ram, piece| {
            let bytes = &mut into[piece.start..piece.end];
            match ram.offset_of(piece.physical, bytes.len() as u64) {
                Some(offset) => ram.read_bytes(offset, bytes),
                None => self.peek_bytes(piece.physical, bytes),
            }
        })
    }

    /// Reads registers of devices, each by the access that it takes.
    fn peek_bytes(&self, physical: u64, into: &mut [u8]) -> Option<()> {
        let mut start = 0;
        while start < into.len() {
            let at = physical.wrapping_add(start as u64);
            let rest = &mut into[start..];
            // Most registers are words.
            let sizes = [AccessSize::Word, AccessSize::Double, AccessSize::Half, AccessSize::Byte];
            let fitting = sizes.into_iter().filter(|size| size.bytes() <= rest.len() as u64);
            let (size, value) =
                fitting.map(|size| (size, self.board.peek(at, size))).find(|(_, value)| value.is_some())?;
            let count = size.bytes() as usize;
            rest[..count].copy_from_slice(&value?.to_le_bytes()[..count]);
            start += count;
        }
        Some(())
    }

    fn write_pieces(&mut self, hart: Option<usize>, address: u64, from: &[u8]) -> Result<(), InspectError> {
        let done = self.pieces(hart, address, from.len(), |ram, piece| {
            let bytes = &from[piece.start..piece.end];
            let offset = ram.offset_of(piece.physical, bytes.len() as u64)?;
            ram.write_bytes(offset, bytes)?;
            Some(())
        });
        for hart in &mut self.harts {
            hart.pending_work = true;
        }
        done
    }

    /// Cuts an access into pages and hands each to `visit`.
    fn pieces(
        &self,
        hart: Option<usize>,
        address: u64,
        length: usize,
        mut visit: impl FnMut(&Ram, Piece) -> Option<()>,
    ) -> Result<(), InspectError> {
        let ram = self.board.ram();
        let mut start = 0;
        while start < length {
            let at = address.wrapping_add(start as u64);
            let in_page = (PAGE_SIZE - at % PAGE_SIZE) as usize;
            let end = length.min(start + in_page);
            let physical = match hart.and_then(|index| self.harts.get(index)) {
                None => at,
                Some(hart) => {
                    let located = locate(&hart.state, ram, at);
                    located.map_err(|reason| InspectError::Unmapped { address: at, reason })?.physical.0
                }
            };
            let not_ram = InspectError::NotRam { address: at, physical };
            visit(ram, Piece { physical, start, end }).ok_or(not_ram)?;
            start = end;
        }
        Ok(())
    }
}
