//! Isolation without nested paging: visor keeps shadow page tables, which stand in CR3 in place of the guest's.
//!
//! Each virtual CPU has a pager of its own, so that harts never wait for each other: what one changes in its tables, others
//! learn by the fences that the guest sends them. CR3 is shadowed for reads (specification, 3.3), and writes of it,
//! page faults and SFENCE.VMA exit.
//!
//! Devices keep tables that confine their DMA: IOVMAP takes those that HPTBR names while it is executed.

use super::shadow::hardware::{Hardware, Memory, only_allows_more};
use super::shadow::layout::{Mirrored, View};
use super::shadow::pool::{Note, Pool, TABLES_MAX};
use super::shadow::spaces::Spaces;
use super::shadow::walk::Fault;
use crate::guest::memory::{PAGE, Region};
use crate::guest::{VMS_MAX, VcpuId};
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use visa_guest::instructions as insn;
use visa_guest::registers as msr;
use visa_isa::io::{MSR_MAP_BYTES, MSR_SHADOW_BYTES, Policy};
use visa_isa::msr::SATP;
use visa_isa::paging::{Access, Accessor, Entry, PPN_BITS, TableBase};
use visa_isa::trap_filter;

/// What exits so that the guest's tables can be shadowed.
pub const TRAP_FILTER: u64 = trap_filter::CR3 | trap_filter::PF | trap_filter::FLUSH;

/// Fewer tables than this are no pool.
const TABLES_MIN: usize = 32;

/// HPTBR of a VM without a second stage: its VMID tags translations all the same.
pub const fn hptbr(vmid: u16) -> u64 {
    (vmid as u64) << PPN_BITS
}

/// A virtual CPU's pager.
pub struct Pager {
    spaces: Spaces<'static, Mirrored>,
    /// What is in CR3.
    installed: u64,
    /// Where the guest reads CR3.
    cr3: *mut u64,
    hardware: RingMinus1,
}

#[repr(C, align(4096))]
struct MsrMap(UnsafeCell<[u8; MSR_MAP_BYTES as usize]>);

/// Tables for MSRSHADOW overlap: one for each virtual CPU, a page apart, of which only the value for CR3 is looked at.
const SHADOW_PAGES: usize = VcpuId::COUNT - 1 + (MSR_SHADOW_BYTES / PAGE) as usize;

#[repr(C, align(4096))]
struct MsrShadows(UnsafeCell<[[u64; (PAGE / 8) as usize]; SHADOW_PAGES]>);

struct Pagers([UnsafeCell<MaybeUninit<Pager>>; VcpuId::COUNT]);

// SAFETY: hart 0 writes it before the other harts run a guest.
unsafe impl Sync for MsrMap {}
// SAFETY: each virtual CPU's hart writes the value that is its own.
unsafe impl Sync for MsrShadows {}
// SAFETY: each is made once, and then used by whoever has made it alone.
unsafe impl Sync for Pagers {}

static MSR_MAPS: [MsrMap; VMS_MAX] =
    [const { MsrMap(UnsafeCell::new([0; MSR_MAP_BYTES as usize])) }; VMS_MAX];
#[unsafe(link_section = ".bss.uncleared")]
static MSR_SHADOWS: MsrShadows = MsrShadows(UnsafeCell::new([[0; (PAGE / 8) as usize]; SHADOW_PAGES]));
#[unsafe(link_section = ".bss.uncleared")]
static PAGERS: Pagers = Pagers([const { UnsafeCell::new(MaybeUninit::uninit()) }; VcpuId::COUNT]);

/// The address for MSRMAP of a VM whose CR3 is shadowed. For hart 0, before a guest runs.
pub fn msr_map(vm: usize) -> u64 {
    let map = MSR_MAPS[vm].0.get().cast::<u8>();
    // SAFETY: no guest runs, and no other hart writes; the number is of an MSR, and the map has all.
    unsafe { *map.add(SATP as usize / 4) |= (Policy::Absent as u8) << (SATP % 4 * 2) };
    map as u64
}

/// The address for a virtual CPU's MSRSHADOW.
pub fn msr_shadow(id: VcpuId) -> u64 {
    MSR_SHADOWS.0.get() as u64 + id.place() as u64 * PAGE
}

/// What one of so many virtual CPUs gets of a VM's memory for pagers.
pub fn share(pool: &Range<u64>, id: VcpuId, vcpus: usize) -> Range<u64> {
    let share = pool.end.saturating_sub(pool.start) / vcpus as u64 & !(PAGE - 1);
    let start = pool.start + share * id.number as u64;
    start..start + share
}

/// Makes a virtual CPU's pager, which has some memory for itself. Once for each of them.
pub fn create(
    id: VcpuId,
    vmid: u16,
    share: Range<u64>,
    memory: &'static [Region],
    devices: &'static [Region],
) -> &'static mut Pager {
    assert!(
        memory.iter().chain(devices).all(|region| region.guest == region.physical),
        "without nested paging the guest's addresses are physical"
    );
    // The notes stand first.
    let bytes = share.end - share.start;
    let tables =
        (bytes.saturating_sub(PAGE) / (PAGE + size_of::<Note>() as u64)).min(TABLES_MAX as u64) as usize;
    assert!(tables >= TABLES_MIN, "memory for {tables} shadow tables is too little");
    let base = (share.start + (tables * size_of::<Note>()) as u64).next_multiple_of(PAGE);
    // SAFETY: the memory is this pager's share of what nobody else uses, and holds the notes and the tables.
    let notes = unsafe {
        let notes = share.start as *mut Note;
        (0..tables).for_each(|number| notes.add(number).write(Note::UNUSED));
        core::slice::from_raw_parts_mut(notes, tables)
    };
    let mut hardware = RingMinus1 { vmid: u64::from(vmid) };
    let spaces = Spaces::new(&mut hardware, Pool::new(base, notes), 0, memory, devices);
    let cr3 = (msr_shadow(id) + u64::from(SATP) * 8) as *mut u64;
    // SAFETY: this is the only time that the pager is made, so there is no other reference.
    unsafe { (*PAGERS.0[id.place()].get()).write(Pager { spaces, installed: 0, cr3, hardware }) }
}

impl Pager {
    /// The guest starts afresh: untranslated.
    pub fn restart(&mut self) {
        self.set_cr3(0);
        self.spaces.switch(&mut self.hardware, 0);
        // The VMCS that was loaded had another.
        self.installed = 0;
        self.install();
    }

    /// What the guest has in CR3.
    #[inline(always)]
    pub fn guest_cr3(&self) -> u64 {
        // SAFETY: the value is this virtual CPU's alone.
        unsafe { self.cr3.read_volatile() }
    }

    #[inline(always)]
    fn set_cr3(&mut self, value: u64) {
        // SAFETY: as in `guest_cr3`.
        unsafe { self.cr3.write_volatile(value) };
    }

    /// The guest writes CR3; an unknown mode leaves it as it was.
    #[inline(always)]
    pub fn set_guest_cr3(&mut self, value: u64) {
        if TableBase::from_cr3(value).is_some() {
            self.set_cr3(value);
            self.spaces.switch(&mut self.hardware, value);
            self.install();
        }
    }

    /// Makes an access possible that has missed, or says why the guest may not make it.
    #[inline(always)]
    pub fn fill(&mut self, address: u64, access: Access, by: Accessor) -> Result<(), Fault> {
        self.spaces.fill(&mut self.hardware, View::Kernel, address, access, by)?;
        self.install();
        Ok(())
    }

    /// SFENCE.VMA, with the operands that are not R0.
    #[inline(always)]
    pub fn fence(&mut self, address: Option<u64>, asid: Option<u16>) {
        self.spaces.fence(&mut self.hardware, address, asid);
        self.install();
    }

    /// SFENCE.VMA that another hart asks for, whatever its operands.
    #[inline(never)]
    pub fn fence_all(&mut self) {
        self.fence(None, None);
    }

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
struct RingMinus1 {
    vmid: u64,
}

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
        insn::tlbflushv_vmid(self.vmid);
    }

    /// Drops a page by its physical address.
    #[inline(always)]
    fn leaf_changed(&mut self, level: u32, old: u64, new: u64) {
        match level {
            _ if only_allows_more(old, new) => {}
            0 => insn::tlbflushv_address(self.vmid, Entry(old).target()),
            // It may be held in pieces.
            _ => self.flush_all(),
        }
    }
}
