//! From the first Rust in Ring 0 to the guest's first instruction.
//!
//! Visor's memory behind the loaded image, up to the machine's device tree, is the views' roots and the pool.

use super::Spaces;
use super::cpu::Cpu;
use super::hypervisor::{self, Hypervisor};
use super::machine::Hart;
use super::sites::Sites;
use super::statistics::Statistics;
use super::symbols::{
    PHYSICAL, STACK, STACK_BYTES, WINDOW, software_call, software_enter, software_resume, software_slow,
    software_sret, software_trap_kernel, software_trap_user, software_unmask,
};
use super::transitions;
use crate::device_tree::{self, Guest};
use crate::devices::console::{self, line};
use crate::devices::finisher;
use crate::ending::Ending;
use crate::guest::memory::PAGE;
use crate::image;
use crate::isolate::shadow::hardware::Memory;
use crate::isolate::shadow::pool::{Note, Pool, TABLES_MAX};
use crate::isolate::shadow::spaces::ROOTS;
use crate::sbi::Start;
use core::mem::MaybeUninit;
use visa_guest::registers as msr;
use visa_isa::msr::sstatus;
use visa_isa::paging::entry::ENTRY_BYTES;
use visa_isa::paging::{PAGE_SHIFT, PTE_PPN_SHIFT, PTE_VALID};

/// The entry of a root that is visor's.
const WINDOW_ENTRY: u64 = PHYSICAL >> 39;
/// Fewer tables than this are no pool.
const TABLES_MIN: u64 = 256;

static mut GUEST: Option<Guest> = None;
#[unsafe(link_section = ".bss.uncleared")]
static mut CPU: MaybeUninit<Cpu> = MaybeUninit::uninit();
#[unsafe(link_section = ".bss.uncleared")]
static mut NOTES: MaybeUninit<[Note; TABLES_MAX]> = MaybeUninit::uninit();

/// The first Rust in Ring 0: `tree` is the physical address of the machine's device tree.
pub extern "C" fn main(_hart: usize, tree: u64) -> ! {
    hypervisor::activate();
    let machine = device_tree::machine(device_tree::at(tree + PHYSICAL))
        .unwrap_or_else(|error| bad_tree("machine", error));
    console::set_address(machine.uart + PHYSICAL);
    finisher::set_address(machine.finisher + PHYSICAL);
    let guest_tree = device_tree::at(machine.guest_tree + PHYSICAL);
    let guest = device_tree::guest(guest_tree).unwrap_or_else(|error| bad_tree("guest", error));
    let counting = device_tree::has_argument(guest_tree, "visa.stat");
    // SAFETY: nothing else has run in this visor, so these are the only references; zeros are a Cpu.
    let (guest, cpu) = unsafe {
        let cpu = (&raw mut CPU).cast::<Cpu>();
        cpu.write_bytes(0, 1);
        ((*(&raw mut GUEST)).insert(guest), &mut *cpu)
    };
    let (roots, pool, sites) = memory(tree);
    let mut spaces = Spaces::new(&mut Hart, pool, roots, &guest.memory, &guest.devices);
    if counting {
        // The guest's first reach for it is where the counts are printed.
        spaces.shadow.withhold(machine.finisher);
    }
    let statistics = Statistics::new(counting);
    let hypervisor =
        hypervisor::insert(Hypervisor { spaces, sites: Sites::new(sites, counting), statistics });
    prepare(cpu);
    transitions::reset(hypervisor, cpu, Start { entry: machine.kernel_entry, opaque: machine.guest_tree });
    // SAFETY: the trap code finds the Cpu by sscratch; the guest starts in Ring 3 with floating point off.
    unsafe {
        msr::sscratch::write(&raw mut *cpu as u64);
        msr::sstatus::clear(sstatus::SPP | sstatus::FS | sstatus::MXR | sstatus::SIE);
        msr::sepc::write(cpu.pc);
        software_enter(cpu)
    }
}

/// What the trap code needs.
fn prepare(cpu: &mut Cpu) {
    cpu.forget_sites(software_resume as *const () as u64);
    cpu.status_real = super::csr::STATUS_REAL;
    cpu.stack = &raw const STACK as u64 + STACK_BYTES as u64;
    cpu.kernel_vector = software_trap_kernel as *const () as u64;
    cpu.user_vector = software_trap_user as *const () as u64;
    cpu.call = software_call as *const () as u64;
    cpu.fence = super::trap::fence as *const () as u64;
    cpu.space = super::trap::space as *const () as u64;
    cpu.wait = super::trap::wait as *const () as u64;
    cpu.sret = software_sret as *const () as u64;
    cpu.unmask = software_unmask as *const () as u64;
    cpu.slow = software_slow as *const () as u64;
    // SAFETY: no timer runs before the guest sets one.
    unsafe { msr::stimecmp::write(u64::MAX) };
}

/// Divides visor's memory: the roots, whose entry for the window is set, the pool, and a place for code.
fn memory(tree: u64) -> (u64, Pool<'static>, u64) {
    let roots = (image::end() - PHYSICAL).next_multiple_of(PAGE);
    let code = roots + ROOTS as u64 * PAGE;
    let base = code + super::sites::CODE_BYTES;
    let tables = (tree.saturating_sub(base) / PAGE).min(TABLES_MAX as u64);
    if tables < TABLES_MIN {
        line!("visor: memory for {tables} shadow tables is too little");
        finisher::end(Ending::BadDeviceTree);
    }
    let window = (&raw const WINDOW as u64 - PHYSICAL) >> PAGE_SHIFT << PTE_PPN_SHIFT | PTE_VALID;
    for word in (0..ROOTS as u64 * PAGE).step_by(ENTRY_BYTES as usize) {
        let visors = word % PAGE == WINDOW_ENTRY * ENTRY_BYTES;
        Hart.store(roots + word, if visors { window } else { 0 });
    }
    // SAFETY: this is the only reference; the pool reads no note that it has not written.
    let notes = unsafe { core::slice::from_raw_parts_mut((&raw mut NOTES).cast::<Note>(), tables as usize) };
    (roots, Pool::new(base, notes), code + PHYSICAL)
}

fn bad_tree(whose: &str, error: device_tree::Error) -> ! {
    line!("visor: the {whose}'s device tree: {error}");
    finisher::end(Ending::BadDeviceTree)
}
