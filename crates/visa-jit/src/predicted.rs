//! Predicted pages: in which page an access of hot code was last. Generated code reads and writes them, in the hart's memory for its engine.
//!
//! What is predicted must be backed by the TLB's first level: [`visa_mmu::tlb::Tlb::generation`] says when that may have changed.

use std::mem::offset_of;

use visa_core::{ENGINE_WORDS, Hart, layout};

/// How many there are.
pub const PREDICTED_PAGES: usize = (ENGINE_WORDS - 1) / PAGE_WORDS;
/// Where the epoch is, behind them.
const EPOCH: usize = PREDICTED_PAGES * PAGE_WORDS;
/// Words of one.
const PAGE_WORDS: usize = size_of::<PredictedPage>() / size_of::<u64>();

/// A page that is predicted.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct PredictedPage {
    /// Address of the page. Once no page is predicted: bits of an address to turn over before the addend is added, all that say
    /// which page it is in or none. So pages are found that the guest's kernel has given out in descending order, or ascending.
    pub page: u64,
    /// How far into the page the access may begin, plus one; 0: nothing is known.
    pub limit: u64,
    /// What turns addresses of the page into the host's.
    pub addend: u64,
    /// How often the prediction may still be wrong before no more is made; below 0, how often an expected addend was.
    pub left: i64,
}

/// The offset in a hart of a field of one: `field` is its offset there.
pub const fn place(number: usize, field: usize) -> usize {
    layout::ENGINE_MEMORY + number * size_of::<PredictedPage>() + field
}

/// Forgets all of a hart's if they are of another epoch (never 0): the engine has dropped the code that used them.
pub fn enter_epoch(hart: &mut Hart, epoch: u64) {
    let words = &mut hart.engine_memory.0;
    if words[EPOCH] != epoch {
        words.fill(0);
        words[EPOCH] = epoch;
    }
}

/// Each of a hart's first may be wrong some more times, up to a number.
pub fn replenish(hart: &mut Hart, allowances: impl Iterator<Item = (i64, i64)>) {
    const LEFT: usize = offset_of!(PredictedPage, left) / size_of::<u64>();
    let pages = hart.engine_memory.0[..EPOCH].chunks_exact_mut(PAGE_WORDS);
    for (page, (more, most)) in pages.zip(allowances) {
        page[LEFT] = (page[LEFT] as i64 + more).min(most) as u64;
    }
}
