//! Isolation without nested paging: visor keeps shadow page tables, which stand in CR3 in place of the guest's.
//!
//! Each hart has a pager of its own, so that harts never wait for each other: what one changes in its tables, others
//! learn by the fences that the guest sends them. CR3 is shadowed for reads (specification, 3.3), and writes of it,
//! page faults and SFENCE.VMA exit.
//!
//! Devices keep tables that confine their DMA: IOVMAP takes those that HPTBR names while it is executed
//! ([`with_device_tables`]).

use crate::cpu::HARTS_MAX;
use crate::exits::{complete, memory::give};
use crate::guest::memory::{PAGE, Region};
use crate::isolate::shadow::hardware::{Hardware, Memory, only_allows_more};
use crate::isolate::shadow::layout::{Mirrored, View};
use crate::isolate::shadow::pool::{Note, Pool, TABLES_MAX};
use crate::isolate::shadow::spaces::Spaces;
use crate::isolate::shadow::walk::Fault;
use crate::report;
use crate::vm::VMID;
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use visa_guest::instructions as insn;
use visa_guest::registers as msr;
use visa_isa::Ring;
use visa_isa::io::{MSR_MAP_BYTES, MSR_SHADOW_BYTES, Policy};
use visa_isa::msr::{SATP, sstatus};
use visa_isa::paging::{Access, Accessor, Entry, PPN_BITS, TableBase};
use visa_isa::{trap_filter, vmcs};

/// What exits so that the guest's tables can be shadowed.
pub const TRAP_FILTER: u64 = trap_filter::CR3 | trap_filter::PF | trap_filter::FLUSH;

/// HPTBR of a VM without a second stage: its VMID tags translations all the same.
pub const HPTBR: u64 = (VMID as u64) << PPN_BITS;

/// Fewer tables than this are no pool.
const TABLES_MIN: usize = 32;

/// A hart's pager.
struct Pager {
    spaces: Spaces<'static, Mirrored>,
    /// What is in CR3.
    installed: u64,
}

#[repr(C, align(4096))]
struct MsrMap(UnsafeCell<[u8; MSR_MAP_BYTES as usize]>);

/// Tables for MSRSHADOW overlap: one for each hart, a page apart, of which only the value for CR3 is looked at.
const SHADOW_PAGES: usize = HARTS_MAX - 1 + (MSR_SHADOW_BYTES / PAGE) as usize;

#[repr(C, align(4096))]
struct MsrShadows(UnsafeCell<[[u64; (PAGE / 8) as usize]; SHADOW_PAGES]>);

struct Pagers([UnsafeCell<MaybeUninit<Pager>>; HARTS_MAX]);

// SAFETY: hart 0 writes it before the other harts run a guest.
unsafe impl Sync for MsrMap {}
// SAFETY: each hart writes the value that is its own.
unsafe impl Sync for MsrShadows {}
// SAFETY: each hart uses the pager of its own number alone.
unsafe impl Sync for Pagers {}

static ACTIVE: AtomicBool = AtomicBool::new(false);
/// The memory that pagers divide among them, and its end.
static POOL: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
/// The tables for devices, as a value for HPTBR.
static DEVICE_TABLES: AtomicU64 = AtomicU64::new(0);
static MSR_MAP: MsrMap = MsrMap(UnsafeCell::new([0; MSR_MAP_BYTES as usize]));
#[unsafe(link_section = ".bss.uncleared")]
static MSR_SHADOWS: MsrShadows = MsrShadows(UnsafeCell::new([[0; (PAGE / 8) as usize]; SHADOW_PAGES]));
#[unsafe(link_section = ".bss.uncleared")]
static PAGERS: Pagers = Pagers([const { UnsafeCell::new(MaybeUninit::uninit()) }; HARTS_MAX]);

/// Whether guests are isolated by shadow tables.
#[inline(always)]
pub fn is_active() -> bool {
    ACTIVE.load(Relaxed)
}

/// Has guests isolated by shadow tables, in the memory between two addresses, and devices by tables that a value of
/// HPTBR names. For hart 0, before any other hart looks. Returns the address for MSRMAP.
pub fn activate(pool: core::ops::Range<u64>, device_tables: u64) -> u64 {
    POOL[0].store(pool.start, Relaxed);
    POOL[1].store(pool.end, Relaxed);
    DEVICE_TABLES.store(device_tables, Relaxed);
    let map = MSR_MAP.0.get().cast::<u8>();
    // SAFETY: no guest runs, and no other hart writes; the number is of an MSR, and the map has all.
    unsafe { *map.add(SATP as usize / 4) |= (Policy::Absent as u8) << (SATP % 4 * 2) };
    ACTIVE.store(true, Relaxed);
    map as u64
}

/// The address for a hart's MSRSHADOW.
pub fn msr_shadow(hart: usize) -> u64 {
    MSR_SHADOWS.0.get() as u64 + hart as u64 * PAGE
}

/// Where a hart's guest reads CR3.
fn cr3(hart: usize) -> *mut u64 {
    (msr_shadow(hart) + u64::from(SATP) * 8) as *mut u64
}

/// Makes this hart's pager, which has a share of the memory.
pub fn create(hart: usize, harts: usize, memory: &'static [Region], devices: &'static [Region]) {
    assert!(
        memory.iter().chain(devices).all(|region| region.guest == region.physical),
        "without nested paging the guest's addresses are physical"
    );
    let [start, end] = [POOL[0].load(Relaxed), POOL[1].load(Relaxed)];
    let share = end.saturating_sub(start) / harts as u64 & !(PAGE - 1);
    let start = start + share * hart as u64;
    // The notes stand first.
    let tables =
        (share.saturating_sub(PAGE) / (PAGE + size_of::<Note>() as u64)).min(TABLES_MAX as u64) as usize;
    assert!(tables >= TABLES_MIN, "memory for {tables} shadow tables is too little");
    let base = (start + (tables * size_of::<Note>()) as u64).next_multiple_of(PAGE);
    // SAFETY: the memory is this hart's share of what nobody else uses, and holds the notes and the tables.
    let notes = unsafe {
        let notes = start as *mut Note;
        (0..tables).for_each(|number| notes.add(number).write(Note::UNUSED));
        core::slice::from_raw_parts_mut(notes, tables)
    };
    let spaces = Spaces::new(&mut RingMinus1, Pool::new(base, notes), 0, memory, devices);
    // SAFETY: the pager is this hart's, and there is no reference to it.
    unsafe { (*PAGERS.0[hart].get()).write(Pager { spaces, installed: 0 }) };
}

/// This hart's pager.
fn pager(hart: usize) -> &'static mut Pager {
    // SAFETY: `create` has written it, and each exit is handled to its end before the next: there is no other reference.
    unsafe { (*PAGERS.0[hart].get()).assume_init_mut() }
}

/// Binds devices by IOVMAP as `bind` does, so that their DMA goes through the tables that are theirs.
pub fn with_device_tables(bind: impl FnOnce()) {
    // SAFETY: no entry happens in between; the tables map the guest's memory alone.
    unsafe { insn::ldhptbr(DEVICE_TABLES.load(Relaxed)) };
    bind();
    // SAFETY: as above.
    unsafe { insn::ldhptbr(HPTBR) };
}

/// The guest of this hart starts afresh: untranslated.
pub fn restart(hart: usize) {
    let pager = pager(hart);
    // SAFETY: the value is this hart's alone.
    unsafe { cr3(hart).write_volatile(0) };
    pager.spaces.switch(&mut RingMinus1, 0);
    // The VMCS that was loaded had another.
    pager.installed = 0;
    pager.install();
}

/// A write of CR3.
#[inline(never)]
pub fn control_register(hart: usize) {
    if msr::vmcode::read() == u64::from(SATP) {
        set_guest_cr3(hart, msr::vmvalue::read());
    }
    // VMRESULT is what the guest has read before (specification, 2.4).
    complete();
}

/// What the guest of this hart has in CR3.
pub fn guest_cr3(hart: usize) -> u64 {
    // SAFETY: the value is this hart's alone.
    unsafe { cr3(hart).read_volatile() }
}

/// The guest of this hart writes CR3; an unknown mode leaves it as it was.
#[inline(always)]
pub fn set_guest_cr3(hart: usize, value: u64) {
    if TableBase::from_cr3(value).is_some() {
        let pager = pager(hart);
        // SAFETY: the value is this hart's alone.
        unsafe { cr3(hart).write_volatile(value) };
        pager.spaces.switch(&mut RingMinus1, value);
        pager.install();
    }
}

/// A missing shadow entry, or a fault of the guest's own.
#[inline(never)]
pub fn page_fault(hart: usize) {
    let address = msr::vmgva::read();
    let Some(access) = Access::of_page_fault(msr::vmcode::read()) else { return };
    let status = msr::sstatus::read();
    let kernel = msr::vmring::read() == Ring::Kernel as u64;
    let by = Accessor { kernel, sum: status & sstatus::SUM != 0, mxr: status & sstatus::MXR != 0 };
    let pager = pager(hart);
    match pager.spaces.fill(&mut RingMinus1, View::Kernel, address, access, by) {
        Ok(()) => pager.install(),
        // The guest makes the access again.
        Err(Fault::Changed) => {}
        Err(Fault::Page) => give(access.page_fault(), address),
        Err(Fault::Access) => give(access.access_fault(), address),
    }
}

/// SFENCE.VMA.
#[inline(never)]
pub fn fence(hart: usize) {
    const HAS_ADDRESS: u64 = 1;
    const HAS_ASID: u64 = 2;
    let given = msr::vmcode::read();
    let address = (given & HAS_ADDRESS != 0).then(msr::vmgva::read);
    let asid = (given & HAS_ASID != 0).then(|| msr::vmvalue::read() as u16);
    let pager = pager(hart);
    pager.spaces.fence(&mut RingMinus1, address, asid);
    pager.install();
    complete();
}

/// SFENCE.VMA that another hart asks for, whatever its operands.
#[inline(never)]
pub fn fence_all(hart: usize) {
    let pager = pager(hart);
    pager.spaces.fence(&mut RingMinus1, None, None);
    pager.install();
}

impl Pager {
    /// Puts the current space's root and ASID into CR3.
    #[inline(always)]
    fn install(&mut self) {
        let satp = self.spaces.satp();
        if satp != self.installed {
            self.installed = satp;
            // SAFETY: the tables map the guest's memory and devices alone.
            unsafe { msr::gptbr::write(satp) };
        }
    }
}

/// The machine as Ring -1 sees it.
struct RingMinus1;

impl Memory for RingMinus1 {
    #[inline(always)]
    fn load(&self, physical: u64) -> u64 {
        // SAFETY: the callers name the guest's memory or the pool's, and of neither is any Rust value a part.
        unsafe { (physical as *const u64).read_volatile() }
    }

    #[inline(always)]
    fn store(&mut self, physical: u64, value: u64) {
        // SAFETY: as in `load`.
        unsafe { (physical as *mut u64).write_volatile(value) };
    }

    #[inline(always)]
    fn replace(&mut self, physical: u64, read: u64, value: u64) -> bool {
        // SAFETY: as in `load`; entries are aligned, and other harts may write them.
        let entry = unsafe { AtomicU64::from_ptr(physical as *mut u64) };
        entry.compare_exchange(read, value, Relaxed, Relaxed).is_ok()
    }
}

impl Hardware for RingMinus1 {
    /// The TLB can be told physical addresses alone: see `leaf_changed`.
    #[inline(always)]
    fn flush_address(&mut self, _: u64) {}

    /// Spaces get new ASIDs instead.
    #[inline(always)]
    fn flush_space(&mut self, _: u16) {}

    fn flush_all(&mut self) {
        insn::tlbflushv_vmid(u64::from(VMID));
    }

    /// Drops a page by its physical address.
    #[inline(always)]
    fn leaf_changed(&mut self, level: u32, old: u64, new: u64) {
        match level {
            _ if only_allows_more(old, new) => {}
            0 => insn::tlbflushv_address(u64::from(VMID), Entry(old).target()),
            // It may be held in pieces.
            _ => self.flush_all(),
        }
    }
}

/// Whether the machine refuses a VM with a second stage, by the field that VMLOAD has found invalid.
pub fn refuses_second_stage(hptbr: u64) -> bool {
    let mut probe = crate::vmcs::Vmcs::of(0);
    match probe.try_second_stage(hptbr) {
        Ok(()) => false,
        Err(vmcs::NESTED_BASE) => true,
        Err(_) => report::entry_failure(),
    }
}
