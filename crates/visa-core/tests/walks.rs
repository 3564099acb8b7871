//! What walks count (specification, 4.2): as many references as without what they remember.

use visa_core::Hart;
use visa_isa::Ring;
use visa_isa::paging::Access;
use visa_isa::paging::{
    Mode, PAGE_SHIFT, PTE_ACCESSED, PTE_DIRTY, PTE_PPN_SHIFT, PTE_READ, PTE_VALID, PTE_WRITE, TableBase,
};
use visa_mem::Ram;

const BASE: u64 = 0x8000_0000;
/// Three levels of the first stage, whose addresses are guest-physical, and three of the second, which maps them to themselves.
const FIRST: [u64; 3] = [BASE, BASE + 0x1000, BASE + 0x2000];
const SECOND: [u64; 3] = [BASE + 0x4000, BASE + 0x5000, BASE + 0x6000];
const PAGES: u64 = 0x4000_0000;
const LEAF: u64 = PTE_VALID | PTE_READ | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY;

fn set(ram: &Ram, table: u64, index: u64, address: u64, flags: u64) {
    let entry = address >> PAGE_SHIFT << PTE_PPN_SHIFT | flags;
    ram.store_u64(table - BASE + 8 * index, entry).unwrap();
}

/// The second stage.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Nested {
    Off,
    /// Pages of 4 KiB.
    Small,
    /// One of 2 MiB.
    Large,
}

/// A kernel that has 16 pages.
fn kernel(nested: Nested) -> (Hart, Ram) {
    let ram = Ram::new(BASE, 1 << 20).unwrap();
    set(&ram, FIRST[0], 1, FIRST[1], PTE_VALID);
    set(&ram, FIRST[1], 0, FIRST[2], PTE_VALID);
    (0..16).for_each(|page| set(&ram, FIRST[2], page, BASE + 0x10000 + (page << PAGE_SHIFT), LEAF));
    set(&ram, SECOND[0], 2, SECOND[1], PTE_VALID);
    match nested {
        Nested::Large => set(&ram, SECOND[1], 0, BASE, LEAF),
        _ => set(&ram, SECOND[1], 0, SECOND[2], PTE_VALID),
    }
    (0..256).for_each(|page| set(&ram, SECOND[2], page, BASE + (page << PAGE_SHIFT), LEAF));
    let mut hart = Hart::new(0, BASE, 0);
    hart.state.ring = Ring::Kernel;
    hart.state.supervisor.satp = TableBase { mode: Mode::Sv39, tag: 0, root: FIRST[0] }.value();
    if nested != Nested::Off {
        hart.state.vm.hptbr = TableBase { mode: Mode::Sv39, tag: 1, root: SECOND[0] }.value();
    }
    hart.update_translation_context();
    hart.pending_work = false;
    (hart, ram)
}

#[test]
fn references_are_counted_as_if_nothing_were_remembered() {
    // Three entries; or each of them and the page by three more, or by two.
    for (nested, references) in [(Nested::Off, 3), (Nested::Small, 15), (Nested::Large, 11)] {
        let (mut hart, ram) = kernel(nested);
        for page in 0..16 {
            let address = PAGES + (page << PAGE_SHIFT) + 8;
            let physical = BASE + 0x10008 + (page << PAGE_SHIFT);
            let found = match page % 2 {
                0 => hart.mmu.translate(&mut hart.state, &ram, address, Access::Load).unwrap().0.0,
                _ => {
                    hart.refill(&ram, address, Access::Load, None).unwrap();
                    hart.mmu.tlb.lookup(Access::Load, address, 8).unwrap().wrapping_add(BASE)
                }
            };
            assert_eq!(found, physical, "{nested:?}, page {page}");
            assert_eq!(
                hart.state.statistics.walk_references,
                references * (page + 1),
                "{nested:?}, page {page}"
            );
            assert_eq!(hart.state.statistics.tlb_misses, page + 1);
            // The second level knows it now.
            assert_eq!(
                hart.mmu.translate(&mut hart.state, &ram, address, Access::Store).unwrap().0.0,
                physical
            );
            assert_eq!(hart.state.statistics.tlb_misses, page + 1);
        }
    }
}
