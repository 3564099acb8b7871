//! Decoded blocks, by where in RAM they are.

use std::collections::HashMap;
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

/// A direct-mapped cache of blocks.
pub struct BlockCache {
    blocks: Vec<Block>,
    /// Where the blocks of each page may be in `blocks`, so that a page is dropped in little time.
    pages: HashMap<u64, Vec<u32>>,
}

impl BlockCache {
    pub fn new() -> Self {
        BlockCache { blocks: vec![Block::default(); CACHE_ENTRIES], pages: HashMap::new() }
    }

    /// The block at an offset of RAM, decoded now if need be. The second value says that it was: its page must then be
    /// watched.
    pub fn block(&mut self, ram: &Ram, offset: u64) -> (&[Slot], bool) {
        let fresh = self.blocks[index(offset)].key != offset + 1;
        if fresh {
            self.note(offset);
        }
        let block = &mut self.blocks[index(offset)];
        if fresh {
            block.key = offset + 1;
            block.slots.clear();
            decode_block(ram, offset, &mut block.slots);
        }
        (&block.slots, fresh)
    }

    fn note(&mut self, offset: u64) {
        let places = self.pages.entry(offset & !(PAGE - 1)).or_default();
        // A page has at most half as many places: the others are there more than once.
        if places.len() as u64 == PAGE {
            places.sort_unstable();
            places.dedup();
        }
        places.push(index(offset) as u32);
    }

    /// Drops the blocks of a page.
    pub fn drop_page(&mut self, page: u64) {
        for place in self.pages.remove(&page).unwrap_or_default() {
            let block = &mut self.blocks[place as usize];
            if block.key.wrapping_sub(1) & !(PAGE - 1) == page {
                block.key = 0;
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
