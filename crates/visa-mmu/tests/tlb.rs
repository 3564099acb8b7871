//! The two levels of the TLB on their own (specification, 4.2): what displaces what, and what a flush leaves.

use visa_isa::paging::Access;
use visa_isa::{GuestPhysical, GuestVirtual, Physical};
use visa_mmu::tlb::{
    FIRST_LEVEL_ENTRIES, NO_SPACE, Permissions, SECOND_LEVEL_SETS, SECOND_LEVEL_WAYS, Space, Tlb, Translation,
};

const PAGE: u64 = 4096;

fn translation(virtual_page: u64, page_shift: u32) -> Translation {
    Translation {
        virtual_page: GuestVirtual(virtual_page),
        physical_page: Physical(0x8000_0000 + virtual_page),
        guest_physical_page: GuestPhysical(virtual_page),
        page_shift,
        first_stage_shift: page_shift,
        permissions: Permissions::default(),
        global: false,
        asid: 1,
        vmid: 1,
    }
}

fn space(asid: u32, vmid: u16) -> Space {
    Space { asid, vmid, second_stage: true, guest: true }
}

/// Pages of one set of the second level.
fn page_of_set(index: usize) -> u64 {
    (index * SECOND_LEVEL_SETS) as u64 * PAGE
}

#[test]
fn a_full_set_displaces_the_least_recently_used() {
    let mut tlb = Tlb::new();
    for index in 0..SECOND_LEVEL_WAYS {
        tlb.insert(translation(page_of_set(index), 12));
    }
    // The first is used again; the second is now the oldest.
    assert!(tlb.find(page_of_set(0), 1, 1).is_some());
    tlb.insert(translation(page_of_set(SECOND_LEVEL_WAYS), 12));
    assert!(tlb.find(page_of_set(0), 1, 1).is_some());
    assert!(tlb.find(page_of_set(1), 1, 1).is_none());
    for index in 2..=SECOND_LEVEL_WAYS {
        assert!(tlb.find(page_of_set(index), 1, 1).is_some(), "page {index}");
    }
}

#[test]
fn a_set_with_room_displaces_nothing() {
    let mut tlb = Tlb::new();
    for index in 0..SECOND_LEVEL_WAYS {
        tlb.insert(translation(page_of_set(index), 12));
    }
    // The one that was used last makes room.
    let last = SECOND_LEVEL_WAYS - 1;
    tlb.flush_address(page_of_set(last), None, 1);
    tlb.insert(translation(page_of_set(SECOND_LEVEL_WAYS), 12));
    for index in (0..=SECOND_LEVEL_WAYS).filter(|&index| index != last) {
        assert!(tlb.find(page_of_set(index), 1, 1).is_some(), "page {index}");
    }
    // With room no more, the least recently used goes.
    tlb.insert(translation(page_of_set(last), 12));
    assert!(tlb.find(page_of_set(0), 1, 1).is_none());
}

#[test]
fn the_same_page_takes_its_own_place() {
    let mut tlb = Tlb::new();
    for index in 0..SECOND_LEVEL_WAYS {
        tlb.insert(translation(page_of_set(index), 12));
    }
    let changed = Translation { physical_page: Physical(0x9000_0000), ..translation(page_of_set(3), 12) };
    tlb.insert(changed);
    for index in 0..SECOND_LEVEL_WAYS {
        assert!(tlb.find(page_of_set(index), 1, 1).is_some(), "page {index}");
    }
    assert_eq!(tlb.find(page_of_set(3), 1, 1).unwrap().physical_page, Physical(0x9000_0000));
}

/// Of every set, the most recently used first.
struct Model(Vec<Vec<Translation>>);

impl Model {
    fn set(&mut self, address: u64, page_shift: u32) -> &mut Vec<Translation> {
        &mut self.0[(address >> page_shift) as usize % SECOND_LEVEL_SETS]
    }

    /// Takes a page out.
    fn take(&mut self, address: u64, page_shift: u32, asid: u32) -> Option<Translation> {
        let set = self.set(address, page_shift);
        let is_it = |other: &Translation| {
            other.page_shift == page_shift
                && other.asid == asid
                && other.virtual_page.0 >> page_shift == address >> page_shift
        };
        set.iter().position(is_it).map(|place| set.remove(place))
    }

    fn insert(&mut self, translation: Translation) {
        self.take(translation.virtual_page.0, translation.page_shift, translation.asid);
        let set = self.set(translation.virtual_page.0, translation.page_shift);
        set.insert(0, translation);
        set.truncate(SECOND_LEVEL_WAYS);
    }

    fn find(&mut self, address: u64, asid: u32) -> Option<Physical> {
        let found = [12, 21, 30].into_iter().find_map(|page_shift| self.take(address, page_shift, asid))?;
        self.insert(found);
        Some(found.physical_page)
    }
}

/// Few sets, pages that differ in high bits alone, three sizes: whatever a lookup compares first is the same for many.
#[test]
fn the_second_level_is_what_it_says() {
    let mut tlb = Tlb::new();
    let mut model = Model(vec![Vec::new(); SECOND_LEVEL_SETS]);
    let mut state = 1u64;
    let mut found = 0;
    for step in 0..200_000 {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let bits = state >> 20;
        let (page_shift, asid) = ([12, 12, 21, 30][bits as usize & 3], 1 + (bits >> 2 & 1) as u32);
        let half = (bits >> 3 & 1).wrapping_neg() << 47;
        let address = half
            | (bits >> 4 & 3) << 37
            | (bits >> 6 & 3) << 28
            | (bits >> 8 & 7) << 19
            | (bits >> 11 & 1) << 12;
        let page = address >> page_shift << page_shift;
        match bits >> 12 & 15 {
            0..8 => {
                let expected = model.find(address, asid);
                found += expected.is_some() as u32;
                assert_eq!(
                    tlb.find(address, asid, 1).map(|found| found.physical_page),
                    expected,
                    "step {step}"
                );
            }
            8 => {
                tlb.flush_address(address, Some(asid), 1);
                for page_shift in [12, 21, 30] {
                    model.take(address, page_shift, asid);
                }
            }
            _ => {
                let translation = Translation {
                    asid,
                    physical_page: Physical((bits >> 16) << 30),
                    ..translation(page, page_shift)
                };
                tlb.insert(translation);
                model.insert(translation);
            }
        }
    }
    assert!(found > 10_000, "{found}");
}

#[test]
fn tags_and_sizes_keep_entries_apart() {
    let mut tlb = Tlb::new();
    tlb.insert(translation(0x20_0000, 21));
    tlb.insert(Translation { asid: 2, physical_page: Physical(0), ..translation(0x20_1000, 12) });
    assert_eq!(tlb.find(0x20_1234, 1, 1).unwrap().page_shift, 21);
    assert_eq!(tlb.find(0x20_1234, 2, 1).unwrap().page_shift, 12);
    assert!(tlb.find(0x20_2234, 2, 1).is_none());
    assert!(tlb.find(0x20_1234, 1, 2).is_none());
    assert!(tlb.find(0x40_0000, 1, 1).is_none());
}

#[test]
fn a_global_page_serves_every_space_but_none_without_translation() {
    let mut tlb = Tlb::new();
    tlb.insert(Translation { global: true, ..translation(0x1000, 12) });
    assert!(tlb.find(0x1000, 7, 1).is_some());
    assert!(tlb.find(0x1000, NO_SPACE, 1).is_none());
    assert!(tlb.find(0x1000, 7, 2).is_none());
    // A fence of an address space leaves it; one of the address alone does not.
    tlb.flush_address(0x1000, Some(7), 1);
    assert!(tlb.find(0x1000, 7, 1).is_some());
    tlb.flush_address(0x1000, None, 2);
    assert!(tlb.find(0x1000, 7, 1).is_some());
    tlb.flush_address(0x1abc, None, 1);
    assert!(tlb.find(0x1000, 7, 1).is_none());
}

#[test]
fn a_fence_drops_every_piece_of_a_page() {
    let mut tlb = Tlb::new();
    let piece = |page| Translation { first_stage_shift: 21, ..translation(page, 12) };
    tlb.insert(piece(0x20_0000));
    tlb.insert(piece(0x3f_f000));
    tlb.insert(piece(0x40_0000));
    tlb.insert(translation(0x1f_f000, 12));
    tlb.flush_address(0x28_0000, Some(2), 1);
    assert!(tlb.find(0x20_0000, 1, 1).is_some(), "of another space");
    tlb.flush_address(0x28_0000, Some(1), 1);
    assert!(tlb.find(0x20_0000, 1, 1).is_none());
    assert!(tlb.find(0x3f_f000, 1, 1).is_none());
    assert!(tlb.find(0x40_0000, 1, 1).is_some(), "the next page");
    assert!(tlb.find(0x1f_f000, 1, 1).is_some(), "the page before");
}

#[test]
fn the_first_level_answers_for_its_context_alone() {
    let mut tlb = Tlb::new();
    tlb.set_context(space(1, 1), 2, 2);
    tlb.fill(Access::Load, 0x5000, 0x9000, 12);
    assert_eq!(tlb.lookup(Access::Load, 0x5ff8, 8), Some(0x9ff8));
    assert_eq!(tlb.lookup(Access::Load, 0x5ff9, 8), None, "over the end of the page");
    assert_eq!(tlb.lookup(Access::Store, 0x5000, 8), None, "another kind of access");
    tlb.fill(Access::Fetch, 0x5000, 0x9000, 12);
    tlb.set_class(3, 2);
    assert_eq!(tlb.lookup(Access::Load, 0x5000, 8), None, "another ring, SUM or MXR");
    assert_eq!(tlb.lookup(Access::Fetch, 0x5000, 2), Some(0x9000), "fetches know neither SUM nor MXR");
    tlb.set_class(1, 1);
    assert_eq!(tlb.lookup(Access::Fetch, 0x5000, 2), None, "another ring");
    tlb.set_context(space(2, 1), 2, 2);
    assert_eq!(tlb.lookup(Access::Load, 0x5000, 8), None, "another address space");
    tlb.set_context(space(1, 1), 2, 2);
    assert_eq!(tlb.lookup(Access::Load, 0x5000, 8), Some(0x9000));
    // The page that shares the entry displaces it.
    tlb.fill(Access::Load, 0x5000 + FIRST_LEVEL_ENTRIES as u64 * PAGE, 0xa000, 12);
    assert_eq!(tlb.lookup(Access::Load, 0x5000, 8), None);
}

#[test]
fn more_spaces_than_there_are_numbers_never_meet() {
    let mut tlb = Tlb::new();
    for asid in 0..2_000 {
        tlb.set_context(space(asid, 1), 0, 0);
        assert_eq!(tlb.lookup(Access::Fetch, 0x7000, 4), None, "space {asid}");
        tlb.fill(Access::Fetch, 0x7000, u64::from(asid) * PAGE, 12);
        assert_eq!(tlb.lookup(Access::Fetch, 0x7000, 4), Some(u64::from(asid) * PAGE));
    }
}

#[test]
fn a_page_with_code_is_forgotten_by_stores_alone() {
    let mut tlb = Tlb::new();
    tlb.fill(Access::Store, 0x5000, 0x9000, 12);
    tlb.fill(Access::Store, 0x6000, 0xa000, 12);
    tlb.fill(Access::Load, 0x5000, 0x9000, 12);
    tlb.forget_stores_to(0x9abc);
    assert_eq!(tlb.lookup(Access::Store, 0x5000, 1), None);
    assert_eq!(tlb.lookup(Access::Store, 0x6000, 1), Some(0xa000));
    assert_eq!(tlb.lookup(Access::Load, 0x5000, 1), Some(0x9000));
}
