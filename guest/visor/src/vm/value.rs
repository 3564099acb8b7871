//! What a VM is.

use super::ranges::{self, mask_ports, pass_through};
use super::vcpu::Vcpu;
use super::vmcs::{Controls, Vmcs};
use crate::cpu;
use crate::device_tree::Mode;
use crate::guest::memory::{PAGE, Region, Regions};
use crate::guest::{VMS_MAX, VcpuId};
use crate::image;
use crate::interrupts::plic::PlicAt;
use crate::isolate::nested::{MapError, SecondStage, Table};
use crate::isolate::{Isolation, Translation, pager};
use crate::lacks::Lacks;
use core::cell::UnsafeCell;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering::*};
use visa_guest::instructions as insn;
use visa_isa::exit::InvalidField;
use visa_isa::io::{IO_MAP_BYTES, RangeKind};
use visa_isa::{trap_filter, vmcs};

/// Tables for the second stage: memory in one piece takes at most six; 32 pieces take more.
const TABLES: usize = 128;

/// Memory that one hart at a time writes, while no other uses it.
struct Owned<T>(UnsafeCell<T>);

// SAFETY: each use says why it is the only one.
unsafe impl<T> Sync for Owned<T> {}

/// An I/O permission map, on a page boundary as IOMAP asks.
#[repr(C, align(4096))]
struct IoMap([u8; IO_MAP_BYTES as usize]);

/// A VM's place.
struct Slot {
    vm: Owned<Option<Vm>>,
    ready: AtomicBool,
}

// What is written before it is read need not be cleared at the start.
#[unsafe(link_section = ".bss.uncleared")]
static POOLS: [Owned<[Table; TABLES]>; VMS_MAX] =
    [const { Owned(UnsafeCell::new([Table::EMPTY; TABLES])) }; VMS_MAX];
#[unsafe(link_section = ".bss.uncleared")]
static IO_MAPS: [Owned<IoMap>; VMS_MAX] =
    [const { Owned(UnsafeCell::new(IoMap([0; IO_MAP_BYTES as usize]))) }; VMS_MAX];
static VMS: [Slot; VMS_MAX] =
    [const { Slot { vm: Owned(UnsafeCell::new(None)), ready: AtomicBool::new(false) } }; VMS_MAX];

/// What a VM is to be.
pub struct Plan {
    /// What visor is to be for it.
    pub mode: Mode,
    /// Virtual CPUs.
    pub vcpus: usize,
    /// Its memory.
    pub memory: Regions,
    /// Its devices.
    pub devices: Regions,
    /// What the machine lacks.
    pub lacks: Lacks,
    /// The machine's interrupt controller.
    pub plic: Option<PlicAt>,
    /// Memory of visor's own that nobody uses.
    pub spare: Range<u64>,
}

/// A VM. Nothing in it changes while its guest runs, but for what its virtual CPUs say of themselves.
pub struct Vm {
    number: usize,
    /// What visor is for it.
    pub mode: Mode,
    /// Its virtual CPUs, as all see them. Number n is at home on hart n.
    pub vcpus: &'static [Vcpu],
    /// Its memory.
    pub memory: Regions,
    /// Its devices.
    pub devices: Regions,
    /// What every virtual CPU's VMCS says.
    pub controls: Controls,
    /// How the guest is kept to its memory.
    isolation: Isolation,
    stage: Owned<Option<SecondStage<'static>>>,
    /// HPTBR while devices are bound, which says what they reach of memory.
    device_tables: u64,
    /// What the machine lacks.
    pub lacks: Lacks,
    /// The machine's interrupt controller.
    pub plic: Option<PlicAt>,
}

impl Vm {
    /// Makes the VM with a number below [`VMS_MAX`]. For hart 0, before any other hart looks. An error is a field of a VMCS that the
    /// machine should take and does not.
    pub fn create(number: usize, plan: Plan) -> Result<&'static Vm, InvalidField> {
        let stage = match plan.mode {
            Mode::Native => None,
            Mode::Software | Mode::Accelerated | Mode::Demo => Some(second_stage(number, &plan.memory)),
        };
        let spare_end = plan.spare.end;
        let device_tables = stage.as_ref().map_or(0, |stage| stage.hptbr(vmid(number)));
        let isolation = match plan.mode {
            Mode::Native | Mode::Software => Isolation::Open,
            Mode::Accelerated if refuses_second_stage(number, device_tables)? => {
                Isolation::Shadow(plan.spare)
            }
            Mode::Accelerated | Mode::Demo => Isolation::Nested,
        };
        let mut memory = plan.memory;
        if plan.mode == Mode::Software {
            // Ring 0 is visor's own here, and executes what is beside the kernel's memory.
            let start = image::start() & !(PAGE - 1);
            // Without a place for it, a machine that decodes for visor still needs none.
            let _ = memory.try_push(Region::identity(start, spare_end.saturating_sub(start)));
        }
        let vm = Vm {
            number,
            mode: plan.mode,
            vcpus: Vcpu::first(number, plan.vcpus),
            memory,
            devices: plan.devices,
            controls: controls(number, plan.mode, &isolation, device_tables),
            isolation,
            stage: Owned(UnsafeCell::new(stage)),
            device_tables,
            lacks: plan.lacks,
            plic: plan.plic,
        };
        let slot = &VMS[number];
        // SAFETY: `ready` is not set, so no hart has a reference.
        unsafe { *slot.vm.0.get() = Some(vm) };
        slot.ready.store(true, Release);
        Ok(Vm::get(number))
    }

    /// The VM with a number, once it is there.
    pub fn get(number: usize) -> &'static Vm {
        let slot = &VMS[number];
        while !slot.ready.load(Acquire) {
            core::hint::spin_loop();
        }
        // SAFETY: once it is ready nobody writes it.
        unsafe { (*slot.vm.0.get()).as_ref() }.expect("the VM is written before it is ready")
    }

    /// The hart on which a virtual CPU is at home.
    #[inline(always)]
    pub fn home(&self, vcpu: usize) -> usize {
        vcpu
    }

    /// What its hart needs of a virtual CPU: its VMCS, of a guest that has not started, and what translates. Once for each; an error
    /// is a field of the VMCS that the machine does not take.
    pub fn create_vcpu(&'static self, number: usize) -> Result<(Vmcs, Translation), InvalidField> {
        let id = VcpuId { vm: self.number, number };
        let vmid = if self.isolation == Isolation::Open { 0 } else { vmid(self.number) };
        let vcpus = self.vcpus.len();
        let translation = Translation::new(&self.isolation, vmid, id, vcpus, &self.memory, &self.devices);
        let mut vmcs = Vmcs::of(id);
        self.fill(&mut vmcs, id);
        if self.isolation == Isolation::Open && number == 0 {
            vmcs.load()?;
            self.lend_devices();
            self.fill(&mut vmcs, id);
        }
        vmcs.load()?;
        self.bind_devices();
        vmcs.save();
        Ok((vmcs, translation))
    }

    fn fill(&self, vmcs: &mut Vmcs, id: VcpuId) {
        let msr_shadow = match self.isolation {
            Isolation::Open | Isolation::Nested => 0,
            Isolation::Shadow(_) => pager::msr_shadow(id),
        };
        vmcs.create(id.number, &self.controls, msr_shadow);
    }

    /// Says what memory the devices reach of a guest that runs without a VM; a device that is nobody's reaches none
    /// (specification, 5.3). The ranges are gone when the VMCS is loaded anew; what the devices were given stays.
    fn lend_devices(&self) {
        // SAFETY: no entry happens with this VMCS; the tables map the guest's memory alone.
        unsafe { insn::ldhptbr(self.device_tables) };
        self.devices.iter().for_each(pass_through);
    }

    /// Says what stands behind the devices and ports of the virtual CPU that is current.
    fn bind_devices(&self) {
        let plic = self.plic.filter(|_| self.lacks.trap_filter);
        let vcpus = self.vcpus.len();
        if self.isolation != Isolation::Open {
            self.with_device_tables(|| match plic {
                Some(plic) => {
                    let parts = self.devices.iter().flat_map(|device| plic.around(vcpus, device));
                    parts.for_each(|part| pass_through(&part));
                }
                None => self.devices.iter().for_each(pass_through),
            });
            mask_ports();
        }
        if let Some(plic) = plic {
            let contexts = plic.contexts(vcpus);
            ranges::bind(RangeKind::Trap, contexts.guest, contexts.length, 0);
        }
    }

    /// Binds devices by IOVMAP, so that their DMA goes through the tables that are theirs.
    fn with_device_tables(&self, bind: impl FnOnce()) {
        // SAFETY: no entry happens in between; the tables map the guest's memory alone.
        unsafe { insn::ldhptbr(self.device_tables) };
        bind();
        // SAFETY: as above.
        unsafe { insn::ldhptbr(self.controls.hptbr) };
    }

    /// Maps more memory into the VM. For hart 0 alone, which built it; no flush is needed, since nothing holds what is
    /// not mapped.
    pub fn map(&self, region: Region) -> Result<(), MapError> {
        if cpu::this() != 0 {
            return Err(MapError::Region);
        }
        // SAFETY: hart 0 alone has ever used it.
        let stage = unsafe { (*self.stage.0.get()).as_mut() };
        stage.ok_or(MapError::Region)?.map(region)
    }

    /// The guest-physical address of a physical one in the guest's memory.
    pub fn guest_address(&self, physical: u64) -> Option<u64> {
        self.memory.iter().find_map(|region| {
            let offset = physical.checked_sub(region.physical)?;
            (offset < region.length).then(|| region.guest + offset)
        })
    }
}

/// The VMID of a VM. 0 is for guests without a VM.
const fn vmid(number: usize) -> u16 {
    number as u16 + 1
}

fn controls(number: usize, mode: Mode, isolation: &Isolation, tables: u64) -> Controls {
    let io_map = IO_MAPS[number].0.get() as u64;
    let trap_filter = if mode == Mode::Demo { 0 } else { trap_filter::IO };
    match isolation {
        Isolation::Open => Controls::default(),
        Isolation::Nested => Controls { trap_filter, hptbr: tables, io_map, msr_map: 0 },
        Isolation::Shadow(_) => Controls {
            trap_filter: trap_filter | pager::TRAP_FILTER,
            hptbr: pager::hptbr(vmid(number)),
            io_map,
            msr_map: pager::msr_map(number),
        },
    }
}

/// Tables that map memory, all of it and nothing else.
fn second_stage(number: usize, memory: &[Region]) -> SecondStage<'static> {
    // SAFETY: `Vm::create` alone calls this, once for each VM.
    let pool = unsafe { &mut *POOLS[number].0.get() };
    let end = memory.iter().map(|region| region.guest + region.length).max().unwrap_or(0);
    let address = pool.as_ptr() as u64;
    let mut stage = SecondStage::new(pool, address, end).expect("the pool has a table");
    for region in memory {
        if let Err(error) = stage.map(*region) {
            panic!("cannot map {region:x?}: {error:?}");
        }
    }
    stage
}

/// Whether the machine refuses a VM with a second stage, by the field that VMLOAD has found invalid. Another one is an error.
fn refuses_second_stage(number: usize, hptbr: u64) -> Result<bool, InvalidField> {
    let mut probe = Vmcs::of(VcpuId { vm: number, number: 0 });
    probe.create_with_second_stage(hptbr);
    match probe.load() {
        Ok(()) => Ok(false),
        Err(InvalidField(vmcs::NESTED_BASE)) => Ok(true),
        Err(other) => Err(other),
    }
}
