//! The VMCS of each virtual CPU in memory (specification, 2.1).

use crate::guest::VcpuId;
use crate::sbi::{COUNTERS, Start};
use core::cell::UnsafeCell;
use visa_guest::instructions as insn;
use visa_guest::qualification;
use visa_guest::registers as msr;
use visa_isa::exit::InvalidField;
use visa_isa::vmcs;

/// 64-bit values in a VMCS.
const VALUES: usize = (vmcs::SIZE / 8) as usize;
/// The guest's time passes as the machine's.
const SAME_RATE: u64 = 1 << 32;
/// Guest registers that a start sets (SBI 2.0, 9.1).
const A0: u16 = 10;
const A1: u16 = 11;

#[repr(C, align(4096))]
struct Page(UnsafeCell<[u64; VALUES]>);

// SAFETY: each page is its virtual CPU's, of which one hart at a time has the `Vmcs`.
unsafe impl Sync for Page {}

// `Vmcs::create` clears its own, so that the start code need not clear them all.
#[unsafe(link_section = ".bss.uncleared")]
static PAGES: [Page; VcpuId::COUNT] = [const { Page(UnsafeCell::new([0; VALUES])) }; VcpuId::COUNT];

/// What a VM's controls are.
#[derive(Clone, Copy, Default)]
pub struct Controls {
    /// VMTRAPCFG.
    pub trap_filter: u64,
    /// HPTBR.
    pub hptbr: u64,
    /// Physical address of the I/O permission map, or 0.
    pub io_map: u64,
    /// Physical address of the MSR map, or 0.
    pub msr_map: u64,
}

/// A virtual CPU's VMCS.
pub struct Vmcs {
    page: &'static Page,
}

impl Vmcs {
    /// The VMCS of a virtual CPU. For the one that makes the virtual CPU alone.
    pub(super) fn of(id: VcpuId) -> Vmcs {
        Vmcs { page: &PAGES[id.place()] }
    }

    /// Its physical address.
    pub fn address(&self) -> u64 {
        self.page as *const Page as u64
    }

    /// Writes a field in memory.
    pub fn set(&mut self, field: u16, value: u64) {
        // SAFETY: the page is this VMCS's, and nobody has a reference to its contents.
        unsafe { self.page.0.get().cast::<u64>().add(field as usize / 8 % VALUES).write_volatile(value) };
    }

    /// Reads a field from memory.
    pub fn get(&self, field: u16) -> u64 {
        // SAFETY: as in `set`.
        unsafe { self.page.0.get().cast::<u64>().add(field as usize / 8 % VALUES).read_volatile() }
    }

    /// Makes it one of a guest that has not started, with its number and, where its CR3 is shadowed, what it reads there.
    pub fn create(&mut self, number: usize, controls: &Controls, msr_shadow: u64) {
        self.clear();
        self.set(vmcs::TRAPCFG, controls.trap_filter);
        self.set(vmcs::NESTED_BASE, controls.hptbr);
        self.set(vmcs::IO_MAP, controls.io_map);
        self.set(vmcs::MSR_MAP, controls.msr_map);
        self.set(vmcs::MSR_SHADOW, msr_shadow);
        self.set(vmcs::TIME_SCALE, SAME_RATE);
        self.set(vmcs::VIRTUAL_CPU, number as u64);
    }

    /// Makes it one that has a second stage and nothing else.
    pub(super) fn create_with_second_stage(&mut self, hptbr: u64) {
        self.clear();
        self.set(vmcs::NESTED_BASE, hptbr);
        self.set(vmcs::TIME_SCALE, SAME_RATE);
    }

    /// Makes it a VMCS of zeros.
    fn clear(&mut self) {
        for value in 0..VALUES as u16 {
            self.set(value * 8, 0);
        }
        self.set(vmcs::REVISION, vmcs::REVISION_VALUE);
    }

    /// Gives the guest the registers of a start. Controls, ranges and counters stay.
    pub fn start(&mut self, number: usize, start: Start) {
        for field in vmcs::FIELDS.iter().filter(|field| field.section == vmcs::Section::Guest) {
            for value in 0..field.count {
                self.set(field.offset + value * 8, 0);
            }
        }
        self.set(vmcs::PC, start.entry);
        self.set(vmcs::GUEST_STIMECMP, u64::MAX);
        self.set(vmcs::GUEST_SCOUNTEREN, COUNTERS);
        self.set(vmcs::REGISTERS + A0 * 8, number as u64);
        self.set(vmcs::REGISTERS + A1 * 8, start.opaque);
    }

    /// Makes it the current one; an error is the field that is refused.
    pub fn load(&mut self) -> Result<(), InvalidField> {
        // SAFETY: the page is a VMCS. What is invalid is refused.
        unsafe { insn::vmload(self.address()) };
        let is_current = msr::vmcsptr::read() == self.address();
        if is_current { Ok(()) } else { Err(InvalidField(qualification().field())) }
    }

    /// Stores what is live into the page. For the current one.
    pub fn save(&mut self) {
        // SAFETY: the page is this VMCS's and current.
        unsafe { insn::vmsave(self.address()) };
    }
}
