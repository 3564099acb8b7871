//! Memory as a debugger sees it: read and written from outside, with no trace in translation caches and counters.

use visa_core::inspect::Unmapped;
use visa_isa::paging::PAGE_SIZE;
use visa_mem::{Platform, Ram};

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
    /// The address leads to where no RAM is. Devices are not touched: a read of a register may change it.
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
    /// Offset of RAM.
    offset: u64,
    /// Where it begins and ends in the buffer.
    start: usize,
    end: usize,
}

impl Machine {
    /// Reads memory at a virtual address, as the ring that `hart` runs in translates it.
    pub fn read_virtual(&self, hart: usize, address: u64, into: &mut [u8]) -> Result<(), InspectError> {
        let length = into.len();
        self.pieces(Some(hart), address, length, |ram, piece| {
            ram.read_bytes(piece.offset, &mut into[piece.start..piece.end])
        })
    }

    /// Writes memory at a virtual address, as the ring that `hart` runs in translates it. Code that is overwritten is
    /// decoded anew.
    pub fn write_virtual(&mut self, hart: usize, address: u64, from: &[u8]) -> Result<(), InspectError> {
        self.write_pieces(Some(hart), address, from)
    }

    /// Reads RAM at a physical address.
    pub fn read_physical(&self, address: u64, into: &mut [u8]) -> Result<(), InspectError> {
        let length = into.len();
        self.pieces(None, address, length, |ram, piece| {
            ram.read_bytes(piece.offset, &mut into[piece.start..piece.end])
        })
    }

    /// Writes RAM at a physical address.
    pub fn write_physical(&mut self, address: u64, from: &[u8]) -> Result<(), InspectError> {
        self.write_pieces(None, address, from)
    }

    fn write_pieces(&mut self, hart: Option<usize>, address: u64, from: &[u8]) -> Result<(), InspectError> {
        let done = self.pieces(hart, address, from.len(), |ram, piece| {
            ram.write_bytes(piece.offset, &from[piece.start..piece.end])?;
            ram.note_write(piece.offset, (piece.end - piece.start) as u64);
            Some(())
        });
        for hart in &mut self.harts {
            hart.attention = true;
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
                    let located = hart.locate(ram, at);
                    located.map_err(|reason| InspectError::Unmapped { address: at, reason })?.physical
                }
            };
            let not_ram = InspectError::NotRam { address: at, physical };
            let offset = ram.offset_of(physical, (end - start) as u64).ok_or(not_ram)?;
            visit(ram, Piece { offset, start, end }).ok_or(not_ram)?;
            start = end;
        }
        Ok(())
    }
}
