//! Predicted pages: in which page an access of hot code was last. Generated code reads and writes them, at addresses of their own near it.
//!
//! What is predicted must be backed by the TLB's first level: [`visa_mmu::tlb::Tlb::generation`] says when that may have changed. No two harts
//! have the same generation, so that harts that take turns use the same places: each finds what another has predicted to be of another
//! generation, and forgets it.

/// How many there are.
pub const PREDICTED_PAGES: usize = 4096;

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

/// Each of the first may be wrong some more times, up to a number.
pub fn replenish(pages: &mut [PredictedPage], allowances: impl Iterator<Item = (i64, i64)>) {
    for (page, (more, most)) in pages.iter_mut().zip(allowances) {
        page.left = (page.left + more).min(most);
    }
}
