//! Page-table entries in RAM, and what one stage makes of an address.

use visa_isa::Physical;
use visa_isa::paging::entry::ENTRY_BYTES;
use visa_isa::paging::{Entry, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_READ, PTE_WRITE};
use visa_mem::Ram;
use visa_state::HartState;

use crate::fault::TranslationFault;

/// What one stage maps an address to.
pub(crate) struct StageResult<A> {
    /// Where the byte is.
    pub address: A,
    /// Size of the page as a power of two.
    pub page_shift: u32,
    /// The leaf, with A and D as they are now.
    pub entry: Entry,
}

/// What a leaf says where no stage translates.
pub(crate) const UNTRANSLATED: Entry = Entry(PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_DIRTY | PTE_ACCESSED);
/// The size of its page: it does not limit the other stage's.
pub(crate) const UNTRANSLATED_SHIFT: u32 = 39;

/// Reads the entry at a physical address.
pub(crate) fn peek_entry(ram: &Ram, address: Physical) -> Option<u64> {
    ram.offset_of(address.0, ENTRY_BYTES).and_then(|offset| ram.load_u64(offset))
}

pub(crate) fn write_entry(ram: &Ram, address: Physical, entry: Entry) -> Result<(), TranslationFault> {
    let offset = ram.offset_of(address.0, ENTRY_BYTES).ok_or(TranslationFault::Access)?;
    ram.store_u64(offset, entry.0).ok_or(TranslationFault::Access)
}

/// Reads an entry for a walk, and counts that.
pub(crate) fn read_entry(
    state: &mut HartState,
    ram: &Ram,
    address: Physical,
) -> Result<u64, TranslationFault> {
    state.statistics.walk_references += 1;
    peek_entry(ram, address).ok_or(TranslationFault::Access)
}

/// Counts a miss of the TLB.
pub(crate) fn count_miss(state: &mut HartState) {
    state.vm.count_tlb_miss += 1;
    state.statistics.tlb_misses += 1;
}
