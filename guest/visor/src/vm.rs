//! The one VM: its memory, its devices, its second stage, its ports.

use crate::cpu;
use crate::device_tree::{Guest, Machine, Mode};
use crate::guest::memory::{PAGE, Region, Regions};
use crate::image;
use crate::interrupts::plic::PlicAt;
use crate::isolate::nested::{MapError, SecondStage, Table};
use crate::isolate::pager;
use crate::lacks::Lacks;
use crate::vmcs::{Controls, Vmcs};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering::*};
use visa_guest::instructions as insn;
use visa_isa::io::{IO_MAP_BYTES, Policy, RANGE_BYTES, RangeKind, ports};
use visa_isa::trap_filter;

/// The VMID of the VM. 0 is for guests without a second stage.
pub const VMID: u16 = 1;

/// Tables for the second stage: memory in one piece takes at most six; 32 pieces take more.
const TABLES: usize = 128;

/// The ports of the console's UART, which the guest may use.
pub const CONSOLE_PORTS: core::ops::RangeInclusive<u16> = 0x3f8..=0x3ff;

/// Memory that one hart at a time writes, while no other uses it.
struct Owned<T>(UnsafeCell<T>);

// SAFETY: each use says why it is the only one.
unsafe impl<T> Sync for Owned<T> {}

/// The I/O permission map, on a page boundary as IOMAP asks.
#[repr(C, align(4096))]
struct IoMap([u8; IO_MAP_BYTES as usize]);

// What is written before it is read need not be cleared at the start.
#[unsafe(link_section = ".bss.uncleared")]
static POOL: Owned<[Table; TABLES]> = Owned(UnsafeCell::new([Table::EMPTY; TABLES]));
#[unsafe(link_section = ".bss.uncleared")]
static IO_MAP: Owned<IoMap> = Owned(UnsafeCell::new(IoMap([0; IO_MAP_BYTES as usize])));
static STAGE: Owned<Option<SecondStage<'static>>> = Owned(UnsafeCell::new(None));
static VM: Owned<Option<Vm>> = Owned(UnsafeCell::new(None));
static READY: AtomicBool = AtomicBool::new(false);

/// The VM.
pub struct Vm {
    /// What visor is to be.
    pub mode: Mode,
    /// Its virtual CPUs, one on each hart.
    pub harts: usize,
    /// Its memory.
    pub memory: Regions,
    /// Its devices.
    pub devices: Regions,
    /// What every virtual CPU's VMCS says.
    pub controls: Controls,
    /// HPTBR of devices whose guest runs without a VM: 0 if they reach all memory, as it does.
    device_tables: u64,
    /// What the machine lacks.
    pub lacks: Lacks,
    /// The machine's interrupt controller.
    pub plic: Option<PlicAt>,
}

impl Vm {
    /// Builds the VM. For hart 0, before any other hart looks. `tree` is the address of the machine's device tree, where
    /// visor's memory ends.
    pub fn create(machine: &Machine, guest: Guest, tree: u64) -> &'static Vm {
        // What devices reach of memory, as HPTBR while they are bound.
        let mut device_tables = 0;
        let (memory, controls) = match machine.mode {
            Mode::Native => (guest.memory, Controls::default()),
            Mode::Software => {
                device_tables = second_stage(&guest.memory);
                // Ring 0 is visor's own here, and executes what is beside the kernel's memory.
                let mut memory = guest.memory;
                let start = image::start() & !(PAGE - 1);
                // Without a place for it, a machine that decodes for visor still needs none.
                let _ = memory.try_push(Region::identity(start, tree.saturating_sub(start)));
                (memory, Controls::default())
            }
            Mode::Accelerated => {
                let mut controls = Controls {
                    trap_filter: trap_filter::IO,
                    hptbr: second_stage(&guest.memory),
                    io_map: IO_MAP.0.get() as u64,
                    ..Controls::default()
                };
                if pager::refuses_second_stage(controls.hptbr) {
                    let pool = image::end().next_multiple_of(PAGE)..tree;
                    controls.msr_map = pager::activate(pool, controls.hptbr);
                    controls.trap_filter |= pager::TRAP_FILTER;
                    controls.hptbr = pager::HPTBR;
                }
                (guest.memory, controls)
            }
            Mode::Demo => {
                let memory = crate::demo::memory(&guest.memory);
                let controls = Controls {
                    hptbr: second_stage(&memory),
                    io_map: IO_MAP.0.get() as u64,
                    ..Controls::default()
                };
                (memory, controls)
            }
        };
        let vm = Vm {
            mode: machine.mode,
            harts: machine.harts,
            memory,
            devices: guest.devices,
            controls,
            device_tables,
            lacks: machine.lacks,
            plic: machine.plic,
        };
        // SAFETY: READY is not set, so no hart has a reference.
        unsafe { *VM.0.get() = Some(vm) };
        READY.store(true, Release);
        Vm::get()
    }

    /// The VM, once it is there.
    pub fn get() -> &'static Vm {
        while !READY.load(Acquire) {
            core::hint::spin_loop();
        }
        // SAFETY: after READY nobody writes it.
        unsafe { (*VM.0.get()).as_ref() }.expect("the VM is written before READY is set")
    }

    /// Sets up this hart's virtual CPU: its VMCS, which becomes current, and what stands behind its devices and ports.
    pub fn create_cpu(&'static self, hart: usize) -> Vmcs {
        let mut vmcs = Vmcs::of(hart);
        vmcs.create(hart, self.controls);
        if matches!(self.mode, Mode::Native | Mode::Software) {
            if hart == 0 {
                self.lend_devices();
                vmcs.create(hart, self.controls);
            }
        } else {
            if pager::is_active() {
                pager::create(hart, self.harts, &self.memory, &self.devices);
                pager::with_device_tables(|| self.bind_devices());
            } else {
                self.bind_devices();
            }
            mask_ports();
        }
        if let Some(plic) = self.plic.filter(|_| self.lacks.trap_filter) {
            let contexts = plic.contexts(self.harts);
            bind(RangeKind::Trap, contexts.guest, contexts.length, 0);
        }
        vmcs
    }

    /// Says what memory the devices reach of a guest that runs without a VM; a device that is nobody's reaches none
    /// (specification, 5.3). The ranges are gone when the VMCS is loaded anew; what the devices were given stays.
    fn lend_devices(&self) {
        // SAFETY: no entry happens with this VMCS; the tables map the guest's memory alone.
        unsafe { insn::ldhptbr(self.device_tables) };
        self.devices.iter().for_each(pass_through);
    }

    /// Gives the guest its devices.
    fn bind_devices(&self) {
        match self.plic.filter(|_| self.lacks.trap_filter) {
            Some(plic) => self
                .devices
                .iter()
                .for_each(|device| plic.around(self.harts, device).for_each(|part| pass_through(&part))),
            None => self.devices.iter().for_each(pass_through),
        }
    }

    /// Maps more memory into the VM. For hart 0 alone, which built it; no flush is needed, since nothing holds what is
    /// not mapped.
    pub fn map(&self, region: Region) -> Result<(), MapError> {
        // SAFETY: hart 0 alone has ever used it.
        let stage = unsafe { (*STAGE.0.get()).as_mut() };
        stage.filter(|_| cpu::this() == 0).ok_or(MapError::Region)?.map(region)
    }

    /// The guest-physical address of a physical one in the guest's memory.
    pub fn guest_address(&self, physical: u64) -> Option<u64> {
        self.memory.iter().find_map(|region| {
            let offset = physical.checked_sub(region.physical)?;
            (offset < region.length).then(|| region.guest + offset)
        })
    }
}

/// Maps memory, all of it and nothing else, and returns HPTBR.
fn second_stage(memory: &[Region]) -> u64 {
    // SAFETY: `Vm::create` alone calls this, once.
    let pool = unsafe { &mut *POOL.0.get() };
    let end = memory.iter().map(|region| region.guest + region.length).max().unwrap_or(0);
    let address = pool.as_ptr() as u64;
    let mut stage = SecondStage::new(pool, address, end).expect("the pool has a table");
    for region in memory {
        if let Err(error) = stage.map(*region) {
            panic!("cannot map {region:x?}: {error:?}");
        }
    }
    let hptbr = stage.hptbr(VMID);
    // SAFETY: as for the pool.
    unsafe { *STAGE.0.get() = Some(stage) };
    hptbr
}

#[repr(C, align(32))]
struct Descriptor([u64; (RANGE_BYTES / 8) as usize]);

/// Binds a device's pages to themselves: accesses cause no exit, and the device's DMA is the VM's (specification, 5.3).
pub fn pass_through(device: &Region) {
    bind(RangeKind::Passthrough, device.guest, device.length, device.physical);
}

/// IOVMAP on the current VM.
pub fn bind(kind: RangeKind, guest: u64, length: u64, target: u64) {
    let descriptor = Descriptor([kind as u64, guest, length, target]);
    // SAFETY: the descriptor is valid, and what is passed through is no memory of visor's.
    unsafe { insn::iovmap(&raw const descriptor as u64) };
}

/// The guest has the console's ports; the others are absent. None exits.
fn mask_ports() {
    mask(0, u16::MAX, Policy::Absent);
    mask(*CONSOLE_PORTS.start(), *CONSOLE_PORTS.end(), Policy::Pass);
}

/// IOVMASK on the current VM.
pub fn mask(first: u16, last: u16, policy: Policy) {
    // SAFETY: the devices behind the ports are the guest's to use.
    unsafe { insn::iovmask(ports(first, last), policy as u64) };
}
