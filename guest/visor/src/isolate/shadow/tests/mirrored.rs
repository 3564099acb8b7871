//! The guest in its own rings, by V-ISA's TLB: entries are global or of an ASID, are dropped by physical addresses or all
//! at once, and are looked for again where they do not allow an access.

use super::*;
use crate::isolate::shadow::hardware::{Hardware, only_allows_more};
use crate::isolate::shadow::layout::{Mirrored, View};
use crate::isolate::shadow::satp::{SATP_MODE_SHIFT, SV39, SV48};
use crate::isolate::shadow::spaces::Spaces;
use std::collections::HashMap;

/// A translation in the TLB.
#[derive(Clone, Copy)]
struct Held {
    asid: u16,
    virtual_page: u64,
    entry: u64,
    page: u64,
}

#[derive(Default)]
struct Machine {
    words: HashMap<u64, u64>,
    tlb: Vec<Held>,
    /// Entries are changed behind visor's back, as another CPU of the guest's would.
    contended: bool,
}

impl Memory for Machine {
    fn load(&self, physical: u64) -> u64 {
        assert_eq!(physical % 8, 0);
        self.words.get(&physical).copied().unwrap_or(0)
    }

    fn store(&mut self, physical: u64, value: u64) {
        assert_eq!(physical % 8, 0);
        self.words.insert(physical, value);
    }

    fn replace(&mut self, physical: u64, read: u64, value: u64) -> bool {
        if self.contended {
            self.contended = false;
            self.store(physical, 0);
        }
        let same = self.load(physical) == read;
        if same {
            self.store(physical, value);
        }
        same
    }
}

impl Hardware for Machine {
    fn flush_address(&mut self, _: u64) {}

    fn flush_space(&mut self, _: u16) {
        panic!("spaces get new ASIDs");
    }

    fn flush_all(&mut self) {
        self.tlb.clear();
    }

    fn leaf_changed(&mut self, level: u32, old: u64, new: u64) {
        if only_allows_more(old, new) {
            return;
        }
        match level {
            0 => self.tlb.retain(|held| held.page != Entry(old).target()),
            _ => self.tlb.clear(),
        }
    }
}

/// Whether the hardware allows an access by an entry.
fn allows(entry: u64, access: Access, by: Accessor) -> bool {
    assert_eq!(entry & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED | PTE_DIRTY);
    by.may(access, entry)
}

impl Machine {
    /// What the guest reaches under a real satp.
    fn reach(&mut self, satp: u64, address: u64, access: Access, by: Accessor) -> Option<u64> {
        let (asid, virtual_page) = ((satp >> PPN_BITS) as u16, address >> PAGE_SHIFT);
        let offset = address & (PAGE_SIZE - 1);
        let is_it = |held: &&Held| {
            held.virtual_page == virtual_page && (held.asid == asid || held.entry & PTE_GLOBAL != 0)
        };
        if let Some(held) = self.tlb.iter().find(is_it)
            && allows(held.entry, access, by)
        {
            return Some(held.page | offset);
        }
        let levels = walk::levels::<Mirrored>(satp);
        let shift = 64 - (PAGE_SHIFT + LEVEL_BITS * levels);
        if ((address << shift) as i64 >> shift) as u64 != address {
            return None;
        }
        let (entry, page) = walk_shadow(self, satp::root(satp), levels, address)?;
        if !allows(entry, access, by) {
            return None;
        }
        self.tlb.retain(|held| held.virtual_page != virtual_page || held.asid != asid);
        self.tlb.push(Held { asid, virtual_page, entry, page });
        Some(page | offset)
    }
}

const TABLES: usize = 40;

fn spaces<'a>(machine: &mut Machine, notes: &'a mut [Note]) -> Spaces<'a, Mirrored> {
    Spaces::new(machine, Pool::new(SHADOW, notes), 0, MEMORY, DEVICES)
}

const KERNEL: Accessor = Accessor { kernel: true, sum: false, mxr: false };
const WITH_SUM: Accessor = Accessor { sum: true, ..KERNEL };
const USER: Accessor = Accessor { kernel: false, ..KERNEL };

/// One access: the hardware tries, visor fills, the hardware tries again.
fn access(
    machine: &mut Machine,
    spaces: &mut Spaces<'_, Mirrored>,
    by: Accessor,
    address: u64,
    access: Access,
) -> Result<u64, Fault> {
    for _ in 0..3 {
        if let Some(physical) = machine.reach(spaces.satp(), address, access, by) {
            return Ok(physical);
        }
        spaces.fill(machine, View::Kernel, address, access, by)?;
    }
    panic!("{address:#x} is filled and still not there");
}

#[test]
fn untranslated_addresses_serve_both_rings() {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut machine, &mut notes);
    for by in [KERNEL, USER, KERNEL, WITH_SUM, USER] {
        for kind in [Access::Fetch, Access::Load, Access::Store] {
            let address = RAM + 0x20_1238;
            assert_eq!(access(&mut machine, &mut spaces, by, address, kind), Ok(address), "{by:?} {kind:?}");
        }
    }
    assert_eq!(access(&mut machine, &mut spaces, USER, DEVICE + 4, Access::Store), Ok(DEVICE + 4));
    for outside in [RAM - 1, RAM + RAM_BYTES, DEVICE + PAGE_SIZE, SHADOW, 1 << 47, 1 << 55, u64::MAX] {
        let result = access(&mut machine, &mut spaces, KERNEL, outside, Access::Load);
        assert_eq!(result, Err(Fault::Access), "{outside:#x}");
    }
}

#[test]
fn a_root_outside_of_memory_is_an_access_fault_and_never_read() {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut machine, &mut notes);
    for mode in [SV39, SV48] {
        spaces.switch(&mut machine, mode << SATP_MODE_SHIFT | SHADOW >> PAGE_SHIFT);
        let result = access(&mut machine, &mut spaces, KERNEL, 0x1000, Access::Load);
        assert_eq!(result, Err(Fault::Access));
        spaces.fence(&mut machine, Some(0x1000), None);
        spaces.fence(&mut machine, None, None);
    }
}

#[test]
fn a_page_of_visors_is_not_mapped_whatever_the_guests_entry_says() {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut machine, &mut notes);
    // 1 GiB that has the guest's 64 MiB and visor's memory: what is mapped of it is the guest's alone.
    machine.store(RAM, page(RAM, RWX | PTE_ACCESSED | PTE_DIRTY));
    spaces.switch(&mut machine, SV39 << SATP_MODE_SHIFT | RAM >> PAGE_SHIFT);
    let last = RAM_BYTES - 8;
    assert_eq!(access(&mut machine, &mut spaces, KERNEL, last, Access::Store), Ok(RAM + last));
    let beyond = access(&mut machine, &mut spaces, KERNEL, SHADOW - RAM, Access::Load);
    assert_eq!(beyond, Err(Fault::Access));
}

#[test]
fn an_entry_that_changes_while_it_is_marked_is_looked_at_again() {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut machine, &mut notes);
    machine.store(RAM, page(RAM, RWX));
    spaces.switch(&mut machine, SV39 << SATP_MODE_SHIFT | RAM >> PAGE_SHIFT);
    machine.contended = true;
    let first = spaces.fill(&mut machine, View::Kernel, 0x3000, Access::Load, KERNEL);
    assert_eq!(first, Err(Fault::Changed));
    assert_eq!(machine.load(RAM), 0, "the other CPU's change is not lost");
    let second = spaces.fill(&mut machine, View::Kernel, 0x3000, Access::Load, KERNEL);
    assert_eq!(second, Err(Fault::Page));
}

/// Spaces with the kernel's tables in common, in Sv39 or Sv48, whose entries change; now and then no translation.
#[test]
fn what_is_reached_is_what_the_guests_tables_say_after_each_fence() {
    for seed in 1..=8 {
        Guest::new(seed).run();
    }
}

/// The numbers of ASIDs end; what has none of the last is flushed.
#[test]
fn asids_are_used_up_without_harm() {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut machine, &mut notes);
    let slot = RAM + 8 * 2;
    spaces.switch(&mut machine, SV39 << SATP_MODE_SHIFT | RAM >> PAGE_SHIFT);
    spaces.last_asid = u16::MAX - 50;
    for round in 0..200u64 {
        let target = RAM + ((round % 2) << 30);
        let entry = if round % 2 == 0 { page(target, RWX | PTE_ACCESSED | PTE_DIRTY) } else { 0 };
        machine.store(slot, entry);
        spaces.fence(&mut machine, None, Some(0));
        let result = access(&mut machine, &mut spaces, KERNEL, 2 << 30, Access::Load);
        assert_eq!(result, if round % 2 == 0 { Ok(RAM) } else { Err(Fault::Page) }, "round {round}");
    }
}

const FULL: u64 = RWX | PTE_ACCESSED | PTE_DIRTY;

/// satp for Sv39 tables whose root is the page of the guest's memory with a number.
fn sv39(root: u64, asid: u64) -> u64 {
    SV39 << SATP_MODE_SHIFT | asid << PPN_BITS | ((RAM >> PAGE_SHIFT) + root)
}

/// Tables of pages of 4 KiB from address 0 on: a root, and the two tables below.
fn small_pages(machine: &mut Machine, root: u64, middle: u64, lowest: u64) {
    machine.store(RAM + root * PAGE_SIZE, pointer(RAM + middle * PAGE_SIZE));
    machine.store(RAM + middle * PAGE_SIZE, pointer(RAM + lowest * PAGE_SIZE));
}

fn frame(number: u64) -> u64 {
    RAM + (number << PAGE_SHIFT)
}

#[test]
fn a_global_page_is_not_where_nothing_is_translated() {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut machine, &mut notes);
    // Untranslated addresses have Sv48's tables: so does this space, whose root is page 0, in the guest's 2 MiB at RAM.
    machine.store(RAM, pointer(frame(1)));
    machine.store(frame(1) + entry::index(RAM, 2) * 8, pointer(frame(2)));
    machine.store(frame(2) + entry::index(RAM, 1) * 8, pointer(frame(3)));
    machine.store(frame(3) + entry::index(RAM, 0) * 8, page(frame(77), FULL | PTE_GLOBAL));
    for _ in 0..2 {
        spaces.switch(&mut machine, SV48 << SATP_MODE_SHIFT | RAM >> PAGE_SHIFT);
        assert_eq!(access(&mut machine, &mut spaces, KERNEL, RAM, Access::Load), Ok(frame(77)));
        spaces.switch(&mut machine, 0);
        assert_eq!(access(&mut machine, &mut spaces, KERNEL, RAM, Access::Load), Ok(RAM));
    }
}

#[test]
fn a_fence_by_address_finds_a_global_page_that_one_by_asid_has_passed() {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut machine, &mut notes);
    small_pages(&mut machine, 0, 1, 2);
    machine.store(frame(2), page(frame(50), FULL | PTE_GLOBAL));
    spaces.switch(&mut machine, sv39(0, 3));
    assert_eq!(access(&mut machine, &mut spaces, KERNEL, 0, Access::Load), Ok(frame(50)));
    machine.store(frame(2), page(frame(51), FULL | PTE_GLOBAL));
    spaces.fence(&mut machine, None, Some(3));
    spaces.fence(&mut machine, Some(0), None);
    assert_eq!(access(&mut machine, &mut spaces, KERNEL, 0, Access::Load), Ok(frame(51)));
}

#[test]
fn a_fence_by_address_and_asid_is_for_all_spaces_that_have_it() {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut machine, &mut notes);
    // Two roots, one table of pages.
    small_pages(&mut machine, 0, 1, 4);
    small_pages(&mut machine, 2, 3, 4);
    machine.store(frame(4), page(frame(50), FULL));
    for root in [0, 2] {
        spaces.switch(&mut machine, sv39(root, 7));
        assert_eq!(access(&mut machine, &mut spaces, KERNEL, 0, Access::Load), Ok(frame(50)));
    }
    machine.store(frame(4), page(frame(51), FULL));
    spaces.fence(&mut machine, Some(0), Some(7));
    for root in [0, 2] {
        spaces.switch(&mut machine, sv39(root, 7));
        assert_eq!(access(&mut machine, &mut spaces, KERNEL, 0, Access::Load), Ok(frame(51)));
    }
}

#[test]
fn an_asid_that_is_used_again_has_nothing_of_before() {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut machine, &mut notes);
    for space in 0..4 {
        small_pages(&mut machine, 3 * space, 3 * space + 1, 3 * space + 2);
        machine.store(frame(3 * space + 2), page(frame(50 + space), FULL));
    }
    let look = |machine: &mut Machine, spaces: &mut Spaces<'_, Mirrored>, space: u64| {
        spaces.switch(machine, sv39(3 * space, space + 1));
        access(machine, spaces, KERNEL, 0, Access::Load)
    };
    // The first space leaves its page in the TLB by several ASIDs, before others are made.
    for _ in 0..6 {
        assert_eq!(look(&mut machine, &mut spaces, 0), Ok(frame(50)));
        spaces.fence(&mut machine, None, Some(1));
    }
    for space in 1..4 {
        spaces.switch(&mut machine, sv39(3 * space, space + 1));
    }
    spaces.last_asid = u16::MAX;
    assert_eq!(look(&mut machine, &mut spaces, 0), Ok(frame(50)));
    spaces.fence(&mut machine, None, Some(1));
    for space in 1..4 {
        assert_eq!(look(&mut machine, &mut spaces, space), Ok(frame(50 + space)), "space {space}");
    }
}

const GUEST_SPACES: u64 = 5;
/// Bytes of a space's tables, one a level; those of the kernel's stand behind all spaces'.
const TREE: u64 = 4 * PAGE_SIZE;

struct Guest {
    random: Random,
    levels: u32,
    global: u64,
}

impl Guest {
    fn new(seed: u64) -> Guest {
        let global = if seed.is_multiple_of(3) { 0 } else { PTE_GLOBAL };
        Guest { random: Random(seed), levels: 3 + (seed % 2) as u32, global }
    }

    /// The table of a space (or, behind the last, of the kernel) at a level.
    fn table(&self, space: u64, level: u32) -> u64 {
        RAM + space * TREE + level as u64 * PAGE_SIZE
    }

    fn satp(&self, space: u64) -> u64 {
        let mode = if self.levels == 3 { SV39 } else { SV48 };
        let root = self.table(space, self.levels - 1);
        mode << SATP_MODE_SHIFT | (space / 2 + 1) << PPN_BITS | root >> PAGE_SHIFT
    }

    /// Addresses in both halves: in pages of 4 KiB and of 2 MiB.
    fn addresses(&self) -> Vec<u64> {
        let upper = !0 << (PAGE_SHIFT + LEVEL_BITS * self.levels - 1);
        let pages = [0, 1, 7, 8, 300].map(|page| page << PAGE_SHIFT);
        let large = [2 << 21, 3 << 21];
        let low = pages.into_iter().chain(large);
        low.clone().chain(low.map(|address| upper | address)).collect()
    }

    fn build(&self, machine: &mut Machine) {
        let top = self.levels - 1;
        for space in 0..=GUEST_SPACES {
            for level in 1..=top {
                machine.store(self.table(space, level), pointer(self.table(space, level - 1)));
            }
            machine.store(self.table(space, top) + 256 * 8, pointer(self.table(GUEST_SPACES, top - 1)));
        }
    }

    /// Writes some entry for an address, which some entries of the same space's may share.
    fn change(&mut self, machine: &mut Machine, space: u64, address: u64) {
        let (upper, large) = (address >> 63 != 0, address >> 21 & 511 != 0);
        let table = self.table(if upper { GUEST_SPACES } else { space }, large as u32);
        let random = &mut self.random;
        let target = RAM + ((random.below(12) + 16) << if large { 21 } else { PAGE_SHIFT });
        let rights = [PTE_READ, PTE_READ | PTE_WRITE, PTE_READ | PTE_EXECUTE, PTE_EXECUTE, RWX];
        let more = [0, PTE_ACCESSED, PTE_ACCESSED | PTE_DIRTY][random.below(3) as usize];
        let user = if upper != (random.below(5) == 0) { 0 } else { PTE_USER };
        let global = if upper { self.global } else { 0 };
        let entry = match random.below(5) {
            0 => 0,
            _ => page(target, rights[random.below(5) as usize] | more | user | global),
        };
        machine.store(table + entry::index(address, large as u32) * 8, entry);
    }

    fn run(&mut self) {
        let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
        let mut spaces = spaces(&mut machine, &mut notes);
        self.build(&mut machine);
        let addresses = self.addresses();
        for _ in 0..300 {
            let space = self.random.below(GUEST_SPACES);
            spaces.switch(&mut machine, self.satp(space));
            let address = addresses[self.random.below(addresses.len() as u64) as usize];
            self.change(&mut machine, space, address);
            let upper = address >> 63 != 0;
            let asid = Some((space / 2 + 1) as u16);
            match self.random.below(4) {
                0 if !upper => spaces.fence(&mut machine, Some(address), asid),
                1 if !upper => spaces.fence(&mut machine, None, asid),
                2 => spaces.fence(&mut machine, None, None),
                _ => spaces.fence(&mut machine, Some(address), None),
            }
            let looks = if self.random.below(4) == 0 { GUEST_SPACES } else { 1 };
            for look in 0..looks {
                let satp = self.satp((space + look) % GUEST_SPACES);
                spaces.switch(&mut machine, satp);
                self.look_at_all(&mut machine, &mut spaces, satp, &addresses);
            }
            if self.random.below(20) == 0 {
                spaces.switch(&mut machine, 0);
                self.look_at_all(&mut machine, &mut spaces, 0, &[0, RAM, RAM + 8, !0 << 47]);
            }
        }
        assert!(spaces.shadow.tables() <= TABLES);
    }

    fn look_at_all(
        &self,
        machine: &mut Machine,
        spaces: &mut Spaces<'_, Mirrored>,
        satp: u64,
        addresses: &[u64],
    ) {
        for &address in addresses {
            for by in [KERNEL, WITH_SUM, USER] {
                for kind in [Access::Load, Access::Fetch, Access::Store] {
                    let got = access(machine, spaces, by, address, kind);
                    let walked = walk::walk::<Mirrored>(machine, MEMORY, satp, address, kind, by);
                    let expected = walked.map(|walk| walk.address).and_then(|address| {
                        let there = crate::guest::memory::translate(MEMORY, address, 1);
                        there.ok_or(Fault::Access)
                    });
                    assert_eq!(got, expected, "{satp:#x} {address:#x} {by:?} {kind:?}");
                }
            }
        }
    }
}
