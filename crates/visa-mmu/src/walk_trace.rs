//! The path of a two-stage walk, without any effect: which entries it reads, and what it finds (specification, 4.1).
//! For models of the hardware, which decide which of these reads their caches save.

use visa_isa::io::RangeKind;
use visa_isa::paging::{First, Mode, PAGE_SHIFT, PTE_DIRTY, PTE_GLOBAL, Second, TableBase, walk};
use visa_isa::{GuestPhysical, GuestVirtual, Physical};
use visa_mem::Ram;
use visa_state::HartState;

use crate::entry::{UNTRANSLATED_SHIFT, peek_entry};
use crate::ranges::{ranges_overlap, shift_between_ranges};

/// Most levels of a table.
pub const LEVELS_MAX: usize = 4;

/// The second stage's translation of one guest-physical address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NestedPath {
    /// The address.
    pub guest_physical: GuestPhysical,
    /// Physical addresses of the entries read, from the root down: the first `count` of them. The last is the leaf
    /// unless the walk failed.
    pub entries: [Physical; LEVELS_MAX],
    /// Entries read; 0 if the second stage does not translate, or an IOVMAP range holds the address.
    pub count: usize,
    /// Levels of the table.
    pub levels: u32,
    /// Where the address leads; `None` if it is not mapped, or is a virtual device's.
    pub physical: Option<Physical>,
    /// Size of the page as a power of two.
    pub page_shift: u32,
    /// The page is writable without another walk: D is set.
    pub dirty: bool,
}

/// One step of the first stage: finding an entry, and reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuestStep {
    /// The level of the table that holds the entry; 0 is the lowest.
    pub level: u32,
    /// Where the entry is.
    pub place: NestedPath,
}

/// A whole walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalkTrace {
    /// Steps of the first stage, from the root down: the first `count` of them.
    pub steps: [GuestStep; LEVELS_MAX],
    /// Steps taken; 0 if the first stage does not translate.
    pub count: usize,
    /// The second stage's translation of the address that the first stage found, if it found one.
    pub last: Option<NestedPath>,
    /// Size of the first stage's page as a power of two.
    pub page_shift: u32,
    /// The first stage's leaf is global.
    pub global: bool,
    /// The first stage's leaf has D set.
    pub dirty: bool,
}

impl WalkTrace {
    /// The steps taken.
    pub fn steps(&self) -> &[GuestStep] {
        &self.steps[..self.count.min(LEVELS_MAX)]
    }

    /// The physical address and the size of the combined page, if both stages map the address.
    pub fn mapped(&self) -> Option<(Physical, u32)> {
        let last = self.last?;
        Some((last.physical?, last.page_shift.min(self.page_shift)))
    }

    /// Entries that a machine without any walk cache reads.
    pub fn references(&self) -> u64 {
        let found = |path: &NestedPath| path.count as u64 + path.physical.is_some() as u64;
        self.steps().iter().map(|step| found(&step.place)).sum::<u64>()
            + self.last.map_or(0, |last| last.count as u64)
    }
}

/// The path of a walk for a guest-virtual address, by the guest's CR3 and the current VM's HPTBR, whatever ring is
/// in use. Permissions are not looked at.
pub fn trace_walk(state: &HartState, ram: &Ram, address: u64) -> WalkTrace {
    let mut trace = WalkTrace { page_shift: UNTRANSLATED_SHIFT, dirty: true, ..WalkTrace::default() };
    let guest_physical = trace_first_stage(state, ram, GuestVirtual(address), &mut trace);
    trace.last = guest_physical.map(|guest_physical| trace_second_stage(state, ram, guest_physical));
    trace
}

/// The guest-physical address, if the first stage maps the virtual one.
fn trace_first_stage(
    state: &HartState,
    ram: &Ram,
    address: GuestVirtual,
    trace: &mut WalkTrace,
) -> Option<GuestPhysical> {
    let base = TableBase::from_cr3(state.supervisor.satp)?;
    if base.mode == Mode::Bare {
        return Some(GuestPhysical(address.0));
    }
    let leaf = walk::<First, _>(base, address, |slot, level| {
        let place = trace_second_stage(state, ram, slot);
        trace.steps[trace.count] = GuestStep { level, place };
        trace.count += 1;
        place.physical.and_then(|physical| peek_entry(ram, physical)).ok_or(())
    });
    let leaf = leaf.ok()?;
    trace.page_shift = leaf.page_shift();
    trace.global = leaf.entry.has(PTE_GLOBAL);
    trace.dirty = leaf.entry.has(PTE_DIRTY);
    Some(leaf.translate(address))
}

/// The path of the second stage alone, for a guest-physical address of the current VM.
pub fn trace_second_stage(state: &HartState, ram: &Ram, guest_physical: GuestPhysical) -> NestedPath {
    let mut path =
        NestedPath { guest_physical, dirty: true, page_shift: PAGE_SHIFT, ..NestedPath::default() };
    if let Some(range) = state.vm.range_of(guest_physical) {
        if range.kind == RangeKind::Passthrough as u64 {
            path.physical = Some(range.passed_through(guest_physical));
        }
        return path;
    }
    let Some(base) = TableBase::from_hptbr(state.vm.hptbr) else { return path };
    if base.mode == Mode::Bare {
        path.physical = Some(Physical(guest_physical.0));
        path.page_shift = shift_between_ranges(&state.vm, guest_physical);
        return path;
    }
    path.levels = base.mode.levels();
    let leaf = walk::<Second, _>(base, guest_physical, |slot, _| {
        path.entries[path.count] = slot;
        path.count += 1;
        peek_entry(ram, slot).ok_or(())
    });
    if let Ok(leaf) = leaf {
        path.physical = Some(leaf.translate(guest_physical));
        path.page_shift = page_shift_among_ranges(state, guest_physical, leaf.page_shift());
        path.dirty = leaf.entry.has(PTE_DIRTY);
    }
    path
}

/// The size of what can be cached of a second-stage page: IOVMAP ranges inside it split it.
fn page_shift_among_ranges(state: &HartState, guest_physical: GuestPhysical, page_shift: u32) -> u32 {
    let split = ranges_overlap(&state.vm, guest_physical, page_shift);
    if split { PAGE_SHIFT } else { page_shift }
}
