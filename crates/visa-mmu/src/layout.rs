//! Where generated code finds what it needs of translation: offsets in bytes from the start of a [`Mmu`].

use std::mem::{offset_of, size_of};

use visa_isa::paging::Access;

use crate::mmu::Mmu;
use crate::tlb::{FirstLevel, Tlb};

/// [`Tlb::generation`], 8 bytes.
pub const GENERATION: usize = offset_of!(Mmu, tlb) + offset_of!(Tlb, generation);

/// The context of a kind of access ([`Tlb::set_context`]), 8 bytes: what is in the low bits of the tags that match.
pub const fn context(access: Access) -> usize {
    offset_of!(Mmu, tlb) + offset_of!(Tlb, contexts) + access as usize * size_of::<u64>()
}

/// The tags of the TLB's first level for a kind of access, 8 bytes each, by the low bits of the page's number.
pub const fn tags(access: Access) -> usize {
    first_level(access) + offset_of!(FirstLevel, tags)
}

/// What it adds to virtual addresses, likewise: the sum is an offset of RAM plus [`Tlb::bias`].
pub const fn addends(access: Access) -> usize {
    first_level(access) + offset_of!(FirstLevel, addends)
}

const fn first_level(access: Access) -> usize {
    offset_of!(Mmu, tlb) + offset_of!(Tlb, first) + access as usize * size_of::<FirstLevel>()
}
