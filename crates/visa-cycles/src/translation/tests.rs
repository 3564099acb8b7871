//! Walks of real page tables, counted by hand.

use visa_core::Hart;
use visa_isa::Ring;
use visa_isa::paging::{
    LEVEL_BITS, Mode, PAGE_SHIFT, PAGE_SIZE, PTE_ACCESSED, PTE_DIRTY, PTE_EXECUTE, PTE_PPN_SHIFT, PTE_READ,
    PTE_VALID, PTE_WRITE, TableBase,
};
use visa_mem::Ram;
use visa_mmu::walk_trace::trace_walk;

use super::*;
use crate::settings::Preset;

const RAM: u64 = 0x8000_0000;
/// Where the guest's memory begins, as it sees it itself: guest-physical 0 is this physical address.
const GUEST: u64 = RAM + 0x40_0000;
/// Guest-virtual addresses of the tests: pages of one lowest-level table.
const VIRTUAL: u64 = 0x12_3450_0000;
const LEAF: u64 = PTE_VALID | PTE_READ | PTE_WRITE | PTE_EXECUTE | PTE_ACCESSED | PTE_DIRTY;

/// Page tables of both stages in RAM, and a hart that uses them.
struct World {
    ram: Ram,
    hart: Hart,
    /// The next free page of the second stage's tables.
    next_nested: u64,
    /// The next free page of the guest's memory, guest-physical.
    next_guest: u64,
    nested_root: u64,
    guest_root: u64,
    nested: Mode,
    guest: Mode,
}

impl World {
    /// A guest with 4 KiB pages in both stages, VMID 5 and ASID 7. Mode bare leaves a stage out.
    fn new(guest: Mode, nested: Mode) -> World {
        let ram = Ram::new(RAM, 16 << 20).expect("a small RAM");
        let hart = Hart::new(0, RAM, 0);
        let mut world = World {
            ram,
            hart,
            next_nested: RAM,
            next_guest: 0,
            nested_root: 0,
            guest_root: 0,
            nested,
            guest,
        };
        world.nested_root = world.take_nested();
        world.guest_root = world.take_guest();
        let base = |mode, tag, root| TableBase { mode, tag, root }.value();
        world.hart.state.vm.hptbr = base(nested, 5, if nested == Mode::Bare { 0 } else { world.nested_root });
        world.hart.state.supervisor.satp = base(guest, 7, world.guest_address(world.guest_root));
        world.hart.state.ring = Ring::Kernel;
        world
    }

    /// The value of an address of the guest's memory in the guest's tables.
    fn guest_address(&self, guest_physical: u64) -> u64 {
        if self.nested == Mode::Bare { guest_physical + GUEST } else { guest_physical }
    }

    fn take_nested(&mut self) -> u64 {
        self.next_nested += PAGE_SIZE;
        self.next_nested - PAGE_SIZE
    }

    /// A page of the guest's memory, mapped by the second stage.
    fn take_guest(&mut self) -> u64 {
        let page = self.next_guest;
        self.next_guest += PAGE_SIZE;
        if self.nested != Mode::Bare {
            self.map_nested(page, GUEST + page, 0);
        }
        page
    }

    fn map_nested(&mut self, guest_physical: u64, physical: u64, leaf_level: u32) {
        let mut table = self.nested_root;
        for level in (leaf_level + 1..self.nested.levels()).rev() {
            let slot = slot(table, guest_physical, level);
            if self.read(slot) == 0 {
                let next = self.take_nested();
                self.write(slot, pointer(next));
            }
            table = self.read(slot) >> PTE_PPN_SHIFT << PAGE_SHIFT;
        }
        self.write(slot(table, guest_physical, leaf_level), pointer(physical) | LEAF);
    }

    /// Maps a page of the guest's, and its data page.
    fn map(&mut self, address: u64, leaf_level: u32) {
        let mut table = self.guest_root;
        for level in (leaf_level + 1..self.guest.levels()).rev() {
            let slot = slot(GUEST + table, address, level);
            if self.read(slot) == 0 {
                let next = self.take_guest();
                self.write(slot, pointer(self.guest_address(next)));
            }
            table = (self.read(slot) >> PTE_PPN_SHIFT << PAGE_SHIFT) - self.guest_address(0);
        }
        let data = self.take_guest();
        self.write(slot(GUEST + table, address, leaf_level), pointer(self.guest_address(data)) | LEAF);
    }

    fn read(&self, physical: u64) -> u64 {
        let offset = self.ram.offset_of(physical, 8).expect("tables are in RAM");
        self.ram.load_u64(offset).expect("tables are in RAM")
    }

    fn write(&self, physical: u64, entry: u64) {
        let offset = self.ram.offset_of(physical, 8).expect("tables are in RAM");
        self.ram.store_u64(offset, entry).expect("tables are in RAM");
    }
}

fn slot(table: u64, address: u64, level: u32) -> u64 {
    table + (address >> (PAGE_SHIFT + LEVEL_BITS * level) & 511) * 8
}

fn pointer(table: u64) -> u64 {
    table >> PAGE_SHIFT << PTE_PPN_SHIFT | PTE_VALID
}

/// A model of translation with its caches.
struct Model {
    translator: Translator,
    caches: Hierarchy,
}

impl Model {
    fn new(walk_caches: bool, assignments: &[&str]) -> Model {
        let mut parameters = Parameters::preset(Preset::Small);
        for assignment in assignments {
            parameters.set(assignment).expect("the parameter exists");
        }
        parameters.check().expect("it can be built");
        Model { translator: Translator::new(&parameters, walk_caches), caches: Hierarchy::new(&parameters) }
    }

    /// Makes an access; the number of entries that walks read for it.
    fn access(&mut self, world: &World, address: u64, access: Access) -> u64 {
        let before = self.references();
        let space =
            Space { asid: visa_mmu::context::asid(&world.hart.state), vmid: world.hart.state.vm.vmid() };
        let trace = || trace_walk(&world.hart.state, &world.ram, address);
        let found = self.translator.translate(&mut self.caches, address, access, space, trace);
        let located =
            visa_mmu::inspect::locate_in_guest(&world.hart.state, &world.ram, address).expect("it is mapped");
        assert_eq!(found.physical, located.physical.0, "{address:#x}");
        self.references() - before
    }

    fn load(&mut self, world: &World, address: u64) -> u64 {
        self.access(world, address, Access::Load)
    }

    fn references(&self) -> u64 {
        self.translator.counts.guest_references + self.translator.counts.nested_references
    }
}

fn world_with_pages(guest: Mode, nested: Mode, pages: u64) -> World {
    let mut world = World::new(guest, nested);
    (0..pages).for_each(|page| world.map(VIRTUAL + page * PAGE_SIZE, 0));
    world
}

#[test]
fn without_walk_caches_a_walk_reads_15_or_24_entries() {
    for (guest, nested, expected) in [
        (Mode::Sv39, Mode::Sv39, 15),
        (Mode::Sv48, Mode::Sv48, 24),
        (Mode::Sv39, Mode::Sv48, 3 * 5 + 4),
        (Mode::Sv48, Mode::Sv39, 4 * 4 + 3),
        (Mode::Sv39, Mode::Bare, 3),
        (Mode::Sv48, Mode::Bare, 4),
    ] {
        let world = world_with_pages(guest, nested, 2);
        let mut model = Model::new(false, &[]);
        for page in 0..2 {
            let address = VIRTUAL + page * PAGE_SIZE + 8;
            assert_eq!(model.load(&world, address), expected, "{guest:?} on {nested:?}, page {page}");
            assert_eq!(trace_walk(&world.hart.state, &world.ram, address).references(), expected);
        }
        assert_eq!(model.load(&world, VIRTUAL), 0, "the TLB holds it");
        assert_eq!(model.translator.counts.walks_by_references[expected as usize], 2);
    }
}

#[test]
fn a_first_stage_in_mode_bare_walks_the_second_alone() {
    let mut world = World::new(Mode::Sv39, Mode::Sv39);
    world.hart.state.supervisor.satp = 0;
    let mut model = Model::new(false, &[]);
    assert_eq!(model.load(&world, 0x10), 3);
    assert_eq!((model.translator.counts.guest_references, model.translator.counts.nested_references), (0, 3));
}

#[test]
fn a_warm_walk_reads_at_most_3_entries() {
    for mode in [Mode::Sv39, Mode::Sv48] {
        let world = world_with_pages(mode, mode, 16);
        // Nothing remembered of second-stage leaves: leaf of the table's page, leaf of the table, leaf of the data page.
        let mut model = Model::new(true, &["walk.nested-tlb=0"]);
        assert!(model.load(&world, VIRTUAL) > 3);
        for page in 1..16 {
            assert_eq!(model.load(&world, VIRTUAL + page * PAGE_SIZE), 3, "{mode:?}, page {page}");
        }
        // With them the table's page is known: two.
        let mut model = Model::new(true, &[]);
        model.load(&world, VIRTUAL);
        for page in 1..16 {
            assert_eq!(model.load(&world, VIRTUAL + page * PAGE_SIZE), 2, "{mode:?}, page {page}");
        }
        assert_eq!(model.translator.counts.walks, 16);
    }
}

#[test]
fn walk_caches_help_within_the_first_walk() {
    // Sv39 on Sv39. The second stage walks 3 levels for the root's page, and then knows the lowest table, which maps all of
    // the guest's memory: (3 + 1) + (1 + 1) + (1 + 1) + 1.
    let world = world_with_pages(Mode::Sv39, Mode::Sv39, 1);
    let mut model = Model::new(true, &[]);
    assert_eq!(model.load(&world, VIRTUAL), 9);
    assert_eq!((model.translator.counts.guest_references, model.translator.counts.nested_references), (3, 6));
}

#[test]
fn a_large_page_ends_both_walks_early() {
    let mut world = World::new(Mode::Sv39, Mode::Sv39);
    // 2 MiB in the first stage: two steps of (3 + 1), and 3 for the address. The data begins at the next 2 MiB, behind one
    // page for a table.
    world.next_guest = (2 << 20) - PAGE_SIZE;
    world.map(VIRTUAL & !0x1f_ffff, 1);
    let address = VIRTUAL & !0x1f_ffff;
    let mut model = Model::new(false, &[]);
    let references = model.load(&world, address | 8);
    assert_eq!(references, 2 * 4 + 3);
}

#[test]
fn the_latency_of_a_walk_is_that_of_its_references() {
    // 3 references of Sv39 that miss everything: start 3, and 3 times 2 + 120 cycles; second level of the TLB 2.
    let world = world_with_pages(Mode::Sv39, Mode::Bare, 2);
    let mut model = Model::new(true, &[]);
    let space = Space { asid: 7, vmid: 5 };
    let mut latency = |address, access| {
        let trace = || trace_walk(&world.hart.state, &world.ram, address);
        model.translator.translate(&mut model.caches, address, access, space, trace).latency
    };
    assert_eq!(latency(VIRTUAL, Access::Load), 2_000 + 3_000 + 3 * 122_000);
    assert_eq!(latency(VIRTUAL, Access::Load), 0);
    // The neighbour's entry is in the same line: one reference that hits.
    assert_eq!(latency(VIRTUAL + PAGE_SIZE, Access::Load), 2_000 + 3_000 + 2_000);
    // The instruction TLB does not know the page, the second level does.
    assert_eq!(latency(VIRTUAL, Access::Fetch), 2_000);
}

#[test]
fn the_tlb_has_the_geometry_that_the_parameters_state() {
    let world = world_with_pages(Mode::Sv39, Mode::Sv39, 8);
    // Two entries over a second level of four, direct-mapped by the page number.
    let mut model = Model::new(true, &["tlb.data=2", "tlb.second=4", "tlb.second-ways=1"]);
    let walks = |model: &mut Model, pages: &[u64]| -> Vec<bool> {
        let walked = |page: &u64| model.load(&world, VIRTUAL + page * PAGE_SIZE) != 0;
        pages.iter().map(walked).collect()
    };
    assert_eq!(walks(&mut model, &[0, 1, 2, 3]), [true; 4]);
    // 0 and 1 have left the first level, and are in the second. 4 takes the place of 0 there.
    assert_eq!(walks(&mut model, &[0, 1, 4, 1]), [false, false, true, false]);
    // The first level holds 1 and 4; the second 4, 1, 2, 3.
    assert_eq!(walks(&mut model, &[2, 3, 1, 0]), [false, false, false, true]);
}

#[test]
fn a_store_walks_for_a_page_that_is_clean() {
    let world = world_with_pages(Mode::Sv39, Mode::Sv39, 1);
    let entry = {
        let trace = trace_walk(&world.hart.state, &world.ram, VIRTUAL);
        trace.steps()[2].place.physical.expect("it is mapped")
    };
    world.write(entry.0, world.read(entry.0) & !PTE_DIRTY);
    let mut model = Model::new(true, &[]);
    model.load(&world, VIRTUAL);
    assert_eq!(model.load(&world, VIRTUAL), 0);
    world.write(entry.0, world.read(entry.0) | PTE_DIRTY);
    assert_ne!(model.access(&world, VIRTUAL, Access::Store), 0);
    assert_eq!(model.access(&world, VIRTUAL, Access::Store), 0);
    assert_eq!(model.load(&world, VIRTUAL), 0);
}

#[test]
fn tags_keep_spaces_apart_and_flushes_drop_what_they_name() {
    let mut world = world_with_pages(Mode::Sv39, Mode::Sv39, 2);
    let mut model = Model::new(true, &[]);
    model.load(&world, VIRTUAL);
    model.load(&world, VIRTUAL + PAGE_SIZE);
    // Another ASID finds nothing; the first is still there afterwards.
    let satp = world.hart.state.supervisor.satp;
    world.hart.state.supervisor.satp = satp + (1 << 44);
    assert_ne!(model.load(&world, VIRTUAL), 0);
    world.hart.state.supervisor.satp = satp;
    assert_eq!(model.load(&world, VIRTUAL), 0);

    model.translator.fence(Some(VIRTUAL), Some(7), 5);
    assert_eq!(model.load(&world, VIRTUAL + PAGE_SIZE), 0, "another page");
    assert_eq!(model.load(&world, VIRTUAL), 1, "upper levels and the second stage are still known");
    model.translator.fence(None, None, 6);
    assert_eq!(model.load(&world, VIRTUAL), 0, "another VM's fence");
    model.translator.fence(None, None, 5);
    assert_eq!(model.load(&world, VIRTUAL), 3, "the whole first stage, and nothing of the second");
    model.translator.flush_nested(Some(5), None);
    assert_eq!(model.load(&world, VIRTUAL), 9, "everything, as the first time");
    model.translator.flush_address_space();
    assert_eq!(model.load(&world, VIRTUAL), 3);
}
