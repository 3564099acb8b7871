//! Decoded blocks, by where in RAM they are.

use std::ops::Range;

use visa_isa::{Instruction, decode};
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
type Block = Vec<Slot>;

/// A direct-mapped cache of blocks. Whatever a guest executes, it takes no more memory than its entries do when all are
/// full.
pub struct BlockCache {
    blocks: Vec<Block>,
    /// For each entry, the offset of RAM of its first instruction, plus one; 0 if there is no block.
    keys: Vec<u64>,
    /// The entries of a page are a list, so that they are dropped in little time: its first one by page, and for each entry those
    /// before and behind it. Pages share lists.
    first: Vec<u32>,
    around: Vec<(u32, u32)>,
}

/// Lists of entries; a power of two.
const LISTS: usize = 1 << 12;
/// The end of a list.
const NONE: u32 = u32::MAX;

impl BlockCache {
    pub fn new() -> Self {
        BlockCache {
            blocks: vec![Block::default(); CACHE_ENTRIES],
            keys: vec![0; CACHE_ENTRIES],
            first: vec![NONE; LISTS],
            around: vec![(NONE, NONE); CACHE_ENTRIES],
        }
    }

    /// The block at an offset of RAM, decoded now if need be. The second value says that it was: its page must then be
    /// marked as one with code.
    pub fn block(&mut self, ram: &Ram, offset: u64) -> (&[Slot], bool) {
        let index = index(offset);
        let fresh = self.keys[index] != offset + 1;
        if fresh {
            self.unlink(index);
            self.link(index, offset);
            let block = &mut self.blocks[index];
            block.clear();
            decode_block(ram, offset, block);
        }
        (&self.blocks[index], fresh)
    }

    /// An entry has the block at an offset of RAM from now on.
    fn link(&mut self, entry: usize, offset: u64) {
        let list = list(offset);
        let behind = std::mem::replace(&mut self.first[list], entry as u32);
        self.around[entry] = (NONE, behind);
        if behind != NONE {
            self.around[behind as usize].0 = entry as u32;
        }
        self.keys[entry] = offset + 1;
    }

    /// An entry has no block any more.
    fn unlink(&mut self, entry: usize) {
        let key = std::mem::take(&mut self.keys[entry]);
        if key == 0 {
            return;
        }
        let (before, behind) = self.around[entry];
        match before {
            NONE => self.first[list(key - 1)] = behind,
            before => self.around[before as usize].1 = behind,
        }
        if behind != NONE {
            self.around[behind as usize].0 = before;
        }
    }

    /// Drops the blocks of a page.
    pub fn drop_page(&mut self, page: u64) {
        let mut entry = self.first[list(page)];
        while entry != NONE {
            let behind = self.around[entry as usize].1;
            if (self.keys[entry as usize] - 1) & !(PAGE - 1) == page {
                self.unlink(entry as usize);
            }
            entry = behind;
        }
    }
}

/// The list of what is at an offset of RAM.
fn list(offset: u64) -> usize {
    (offset / PAGE) as usize & (LISTS - 1)
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
        if slot.instruction.op.shape().ends_block() {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks come, take the places of others, and go page by page; a map says which are there.
    #[test]
    fn what_is_dropped_is_decoded_anew_and_nothing_else() {
        let ram = Ram::new(0x8000_0000, 64 << 20).unwrap();
        let mut cache = BlockCache::new();
        let mut there = std::collections::BTreeMap::new();
        let mut state = 1u64;
        for step in 0..200_000u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step | 1);
            // Pages that share entries, and pages that share lists.
            let pages = [0, 1, 16, 17, 32, LISTS as u64, LISTS as u64 + 1];
            let page = PAGE * pages[(state >> 60) as usize % pages.len()];
            if state >> 40 & 31 == 0 {
                cache.drop_page(page);
                there.retain(|_, offset: &mut u64| *offset & !(PAGE - 1) != page);
                continue;
            }
            let offset = page + (state >> 33) % 64 * 2;
            let (_, fresh) = cache.block(&ram, offset);
            assert_eq!(fresh, there.insert(index(offset), offset) != Some(offset), "step {step}");
        }
    }
}
