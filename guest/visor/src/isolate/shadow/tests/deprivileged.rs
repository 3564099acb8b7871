//! The guest in Ring 3 by three views.

use super::*;
use crate::isolate::shadow::hardware::Hardware;
use crate::isolate::shadow::layout::{Deprivileged, VIEWS, View};
use crate::isolate::shadow::spaces::{ROOTS, Spaces};
use std::collections::HashMap;

const POOL: u64 = SHADOW + ROOTS as u64 * PAGE_SIZE;

/// Memory as words, and a TLB that never forgets by itself.
#[derive(Default)]
struct Machine {
    words: HashMap<u64, u64>,
    tlb: HashMap<(u16, u64), (u64, u64)>,
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
}

impl Hardware for Machine {
    fn flush_address(&mut self, address: u64) {
        self.tlb.retain(|(_, page), _| *page != address >> PAGE_SHIFT);
    }

    fn flush_space(&mut self, asid: u16) {
        self.tlb.retain(|(old, _), _| *old != asid);
    }

    fn flush_all(&mut self) {
        self.tlb.clear();
    }
}

impl Machine {
    /// What Ring 3 reaches under a real satp: the physical address, if the access is allowed.
    fn reach(&mut self, satp: u64, address: u64, access: Access) -> Option<u64> {
        let key = ((satp >> PPN_BITS) as u16, address >> PAGE_SHIFT);
        let (entry, page) = match self.tlb.get(&key) {
            Some(&known) => known,
            None => {
                let found = self.walk(satp, address)?;
                self.tlb.insert(key, found);
                found
            }
        };
        assert_eq!(entry & (PTE_ACCESSED | PTE_DIRTY | PTE_USER), PTE_ACCESSED | PTE_DIRTY | PTE_USER);
        (entry & needed(access) != 0).then_some(page | address & (PAGE_SIZE - 1))
    }

    fn walk(&self, satp: u64, address: u64) -> Option<(u64, u64)> {
        assert_eq!(satp >> 60, 9, "the shadow is Sv48");
        walk_shadow(self, satp::root(satp), 4, address)
    }
}

const TABLES: usize = 24;

fn spaces(notes: &mut [Note]) -> Spaces<'_, Deprivileged> {
    Spaces::new(&mut Machine::default(), Pool::new(POOL, notes), SHADOW, MEMORY, DEVICES)
}

fn accessor(view: View) -> Accessor {
    Accessor { kernel: view != View::User, sum: view == View::KernelSum, mxr: false }
}

/// Makes one access as visor does: the hardware tries, visor fills, the hardware tries again.
fn access(
    machine: &mut Machine,
    spaces: &mut Spaces<'_, Deprivileged>,
    view: View,
    address: u64,
    access: Access,
) -> Result<u64, Fault> {
    for _ in 0..3 {
        if let Some(physical) = machine.reach(spaces.satps()[view as usize], address, access) {
            return Ok(physical);
        }
        spaces.fill(machine, view, address, access, accessor(view))?;
        // Real hardware may have looked before the entry was there.
        machine.flush_address(address);
    }
    panic!("{address:#x} is filled and still not there");
}

#[test]
fn untranslated_addresses_are_the_guests_memory_in_the_largest_pages() {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut notes);
    assert_eq!(
        access(&mut machine, &mut spaces, View::Kernel, RAM + 0x1234, Access::Fetch),
        Ok(RAM + 0x1234)
    );
    assert_eq!(access(&mut machine, &mut spaces, View::Kernel, DEVICE + 4, Access::Store), Ok(DEVICE + 4));
    // Any address of the same 2 MiB is there without another fill.
    let satp = spaces.satps()[View::Kernel as usize];
    assert_eq!(machine.reach(satp, RAM + 0x1f_ffff, Access::Store), Some(RAM + 0x1f_ffff));
    assert_eq!(machine.reach(satp, RAM + 0x20_0000, Access::Store), None);
    let outside = access(&mut machine, &mut spaces, View::Kernel, RAM + RAM_BYTES, Access::Load);
    assert_eq!(outside, Err(Fault::Access), "visor's memory is not the guest's");
}

#[test]
fn a_clean_page_becomes_dirty_by_the_first_store() {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut notes);
    let slot = RAM + 0x2000 + 8 * 5;
    machine.store(RAM, pointer(RAM + 0x1000));
    machine.store(RAM + 0x1000, pointer(RAM + 0x2000));
    machine.store(slot, page(RAM + 0x8000, PTE_READ | PTE_WRITE | PTE_USER));
    spaces.switch(&mut machine, satp::SV39 << 60 | RAM >> PAGE_SHIFT);
    let address = 5 << PAGE_SHIFT;
    assert_eq!(access(&mut machine, &mut spaces, View::User, address, Access::Load), Ok(RAM + 0x8000));
    assert_eq!(machine.load(slot) & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED);
    assert_eq!(access(&mut machine, &mut spaces, View::User, address, Access::Store), Ok(RAM + 0x8000));
    assert_eq!(machine.load(slot) & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED | PTE_DIRTY);
}

#[test]
fn the_kernel_reaches_user_pages_with_sum_alone_and_never_executes_them() {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut notes);
    for (entry, user) in [(0, PTE_USER), (1, 0), (256, PTE_USER), (511, 0)] {
        machine.store(RAM + 8 * entry, page(RAM & !((1 << 30) - 1), RWX | PTE_ACCESSED | PTE_DIRTY | user));
    }
    spaces.switch(&mut machine, satp::SV39 << 60 | RAM >> PAGE_SHIFT);
    for (address, user) in
        [(0, true), (1 << 30, false), (0xffff_ffc0_0000_0000, true), (0xffff_ffff_c000_0000, false)]
    {
        let mut may = |view, kind| access(&mut machine, &mut spaces, view, address, kind).is_ok();
        assert_eq!(may(View::User, Access::Load), user, "{address:#x}");
        assert_eq!(may(View::User, Access::Fetch), user, "{address:#x}");
        assert_eq!(may(View::Kernel, Access::Load), !user, "{address:#x}");
        assert_eq!(may(View::Kernel, Access::Fetch), !user, "{address:#x}");
        assert!(may(View::KernelSum, Access::Store), "{address:#x}");
        assert_eq!(may(View::KernelSum, Access::Fetch), !user, "{address:#x}");
    }
    for beyond in [1 << 38, 1 << 39, 0x4000_0000_0000, !0 << 39] {
        let result = access(&mut machine, &mut spaces, View::Kernel, beyond, Access::Load);
        assert_eq!(result, Err(Fault::Page), "{beyond:#x} is no Sv39 address");
    }
}

/// A guest with several spaces that have the kernel's tables in common, which changes entries, fences, and looks.
#[test]
fn what_is_reached_is_what_the_guests_tables_say_after_each_fence() {
    for seed in 1..=6 {
        run_guest(seed);
    }
}

const GUEST_SPACES: u64 = 5;
/// Tables of the guest: roots, then one of 2 MiB entries and one of 4 KiB entries for each, and the kernel's two.
fn root(space: u64) -> u64 {
    RAM + space * 0x3000
}
const KERNEL: u64 = RAM + 0x10_0000;
const KERNEL_ADDRESS: u64 = 0xffff_ffc0_0000_0000;

fn satp(space: u64) -> u64 {
    satp::SV39 << 60 | (space / 2 + 1) << PPN_BITS | root(space) >> PAGE_SHIFT
}

fn addresses() -> Vec<u64> {
    let low = [0, 1, 7, 8, 300].map(|page| page << PAGE_SHIFT);
    let high = [0, 1, 9, 511].map(|page| KERNEL_ADDRESS + (page << PAGE_SHIFT));
    let large = [2 << 21, 3 << 21, KERNEL_ADDRESS + (5 << 21)];
    low.into_iter().chain(high).chain(large).collect()
}

fn run_guest(seed: u64) {
    let (mut machine, mut notes) = (Machine::default(), [Note::UNUSED; TABLES]);
    let mut spaces = spaces(&mut notes);
    let mut random = Random(seed);
    for space in 0..GUEST_SPACES {
        machine.store(root(space), pointer(root(space) + 0x1000));
        machine.store(root(space) + 0x1000, pointer(root(space) + 0x2000));
        machine.store(root(space) + 256 * 8, pointer(KERNEL));
    }
    machine.store(KERNEL, pointer(KERNEL + 0x1000));
    let addresses = addresses();
    let global = if seed.is_multiple_of(3) { 0 } else { PTE_GLOBAL };
    for _ in 0..400 {
        let space = random.below(GUEST_SPACES);
        spaces.switch(&mut machine, satp(space));
        let address = addresses[random.below(addresses.len() as u64) as usize];
        change(&mut machine, &mut random, space, address, global);
        let upper = address >> 63 != 0;
        let asid = Some((space / 2 + 1) as u16);
        match random.below(4) {
            0 if !upper => spaces.fence(&mut machine, Some(address), asid),
            1 if !upper || global == 0 && GUEST_SPACES <= 1 => spaces.fence(&mut machine, None, asid),
            2 => spaces.fence(&mut machine, None, None),
            _ => spaces.fence(&mut machine, Some(address), None),
        }
        let looks = if random.below(4) == 0 { GUEST_SPACES } else { 1 };
        for look in 0..looks {
            spaces.switch(&mut machine, satp((space + look) % GUEST_SPACES));
            look_at_all(&mut machine, &mut spaces, satp((space + look) % GUEST_SPACES), &addresses);
        }
    }
    assert!(spaces.shadow.tables() <= TABLES);
}

/// Writes some entry for an address; a large page for the larger indices.
fn change(machine: &mut Machine, random: &mut Random, space: u64, address: u64, global: u64) {
    let upper = address >> 63 != 0;
    let large = address >> 21 & 511 != 0;
    let table = match (upper, large) {
        (false, true) => root(space) + 0x1000,
        (false, false) => root(space) + 0x2000,
        (true, true) => KERNEL,
        (true, false) => KERNEL + 0x1000,
    };
    let slot = table + entry::index(address, large as u32) * 8;
    let target = RAM + ((random.below(12) + 4) << if large { 21 } else { PAGE_SHIFT });
    let rights =
        [PTE_READ, PTE_READ | PTE_WRITE, PTE_READ | PTE_EXECUTE, PTE_EXECUTE, RWX][random.below(5) as usize];
    let more = [0, PTE_ACCESSED, PTE_ACCESSED | PTE_DIRTY][random.below(3) as usize];
    let user = if upper { 0 } else { PTE_USER };
    let entry = match random.below(5) {
        0 => 0,
        1 => page(target, rights | more | (user ^ PTE_USER)),
        _ => page(target, rights | more | user),
    };
    machine.store(slot, if upper && entry != 0 { entry | global } else { entry });
}

fn look_at_all(machine: &mut Machine, spaces: &mut Spaces<'_, Deprivileged>, satp: u64, addresses: &[u64]) {
    for &address in addresses {
        for view in [View::Kernel, View::KernelSum, View::User] {
            for kind in [Access::Load, Access::Fetch, Access::Store] {
                let got = access(machine, spaces, view, address, kind);
                let expected =
                    walk::walk::<Deprivileged>(machine, MEMORY, satp, address, kind, accessor(view));
                assert_eq!(got, expected.map(|walk| walk.address), "{address:#x} {view:?} {kind:?}");
            }
        }
    }
    assert_eq!(spaces.satps().len(), VIEWS);
}
