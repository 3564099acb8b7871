//! Decoded blocks, by where in RAM they are.

use std::ops::Range;

use visa_isa::{Group, Instruction, Op, decode};
use visa_mem::Ram;

/// A decoded instruction with its bits.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// The instruction.
    pub instruction: Instruction,
    /// Its bits, 16 of them if it is compressed.
    pub bits: u32,
}

/// Most instructions of a block.
const BLOCK_LENGTH: usize = 64;
/// Blocks that are kept; a power of two.
const CACHE_ENTRIES: usize = 1 << 15;
/// Bytes of a page.
const PAGE: u64 = visa_isa::paging::PAGE_SIZE;

/// A straight run of instructions in one page. An empty one starts with an illegal instruction, or with one that
/// reaches into the next page.
#[derive(Clone, Default)]
struct Block {
    /// Offset of RAM of its first instruction, plus one; 0 if there is no block.
    key: u64,
    slots: Vec<Slot>,
}

/// A direct-mapped cache of blocks. Whatever a guest executes, it takes no more memory than its entries do when all are
/// full.
pub struct BlockCache {
    blocks: Vec<Block>,
    /// A bit for each entry that may hold a block, so that a page is dropped in little time.
    filled: Vec<u64>,
}

/// Entries that a page's blocks can be in: one for each place at which an instruction may start. They are neighbours.
const PAGE_ENTRIES: usize = PAGE as usize / 2;
/// Entries that share a word of bits.
const WORD_ENTRIES: usize = u64::BITS as usize;

impl BlockCache {
    pub fn new() -> Self {
        BlockCache {
            blocks: vec![Block::default(); CACHE_ENTRIES],
            filled: vec![0; CACHE_ENTRIES / WORD_ENTRIES],
        }
    }

    /// The block at an offset of RAM, decoded now if need be. The second value says that it was: its page must then be
    /// watched.
    pub fn block(&mut self, ram: &Ram, offset: u64) -> (&[Slot], bool) {
        let index = index(offset);
        let block = &mut self.blocks[index];
        let fresh = block.key != offset + 1;
        if fresh {
            block.key = offset + 1;
            block.slots.clear();
            decode_block(ram, offset, &mut block.slots);
            self.filled[index / WORD_ENTRIES] |= 1 << (index % WORD_ENTRIES);
        }
        (&block.slots, fresh)
    }

    /// Drops the blocks of a page.
    pub fn drop_page(&mut self, page: u64) {
        let first = index(page) / WORD_ENTRIES;
        for word in first..first + PAGE_ENTRIES / WORD_ENTRIES {
            let mut left = self.filled[word];
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                let block = &mut self.blocks[word * WORD_ENTRIES + bit];
                if block.key.wrapping_sub(1) & !(PAGE - 1) == page {
                    block.key = 0;
                    self.filled[word] &= !(1 << bit);
                }
            }
        }
    }
}

fn index(offset: u64) -> usize {
    (offset >> 1) as usize & (CACHE_ENTRIES - 1)
}

/// Decodes up to the end of the page, the first instruction that may go elsewhere, or one that is illegal.
fn decode_block(ram: &Ram, start: u64, slots: &mut Vec<Slot>) {
    let page_end = (start & !(PAGE - 1)) + PAGE;
    let mut offset = start;
    while slots.len() < BLOCK_LENGTH {
        let Some(slot) = decode_at(ram, offset..page_end) else { return };
        offset += slot.instruction.length as u64;
        slots.push(slot);
        if ends_block(slot.instruction.op) {
            return;
        }
    }
}

/// Decodes the instruction at the start of a range of RAM, if all of it is in the range.
pub fn decode_at(ram: &Ram, range: Range<u64>) -> Option<Slot> {
    let space = range.end.saturating_sub(range.start);
    let low = if space >= 2 { ram.load_u16(range.start)? as u32 } else { return None };
    let bits = match low & 3 {
        3 if space >= 4 => ram.load_u32(range.start)?,
        3 => return None,
        _ => low,
    };
    Some(Slot { instruction: decode(bits)?, bits })
}

/// Whether control may go elsewhere after the instruction, or the machine must look around.
pub fn ends_block(op: Op) -> bool {
    let row = op.row();
    matches!(
        op,
        Op::Jal
            | Op::Jalr
            | Op::Beq
            | Op::Bne
            | Op::Blt
            | Op::Bge
            | Op::Bltu
            | Op::Bgeu
            | Op::Ecall
            | Op::Ebreak
            | Op::FenceI
    ) || row.group == Group::System
        || row.group.is_visa()
}
