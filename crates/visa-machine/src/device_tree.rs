//! The device tree that describes the board to a guest, made from the memory map (Devicetree Specification 0.4; the
//! RISC-V, 8250, PLIC, Goldfish, syscon and virtio-mmio bindings of Linux).

use std::ops::Range;

use visa_devices::Property;
use visa_isa::extension;
use visa_state::Features;
use vm_fdt::{Error, FdtWriter};

use crate::memory_map::{DeviceRole, MEMORY_MAP, Region, TIMEBASE_HZ, VIRTIO_SLOTS, region_of};

/// Bytes of `rng-seed`: what Linux takes to be a full seed.
const SEED_BYTES: usize = 64;

/// Room at the end for firmware that edits the tree: a few nodes and a command line.
const ROOM_BYTES: usize = 0x3000;

/// Interrupt numbers in a hart's local controller: what the PLIC's contexts are connected to.
const LOCAL_SUPERVISOR_EXTERNAL: u32 = 9;
/// "Not connected for you": what a Ring 0 kernel is to see of the Ring -1 contexts.
const LOCAL_NONE: u32 = u32::MAX;

const PLIC_PHANDLE: u32 = 1;
const FINISHER_PHANDLE: u32 = 2;
/// Phandles of the harts' interrupt controllers start here.
const HART_PHANDLE: u32 = 0x10;

/// Values that the finisher takes, for the generic power-off and reboot drivers.
const FINISHER_PASS: u32 = 0x5555;
const FINISHER_RESET: u32 = 0x7777;

/// The base of the newer binding; the older has one string for all.
const ISA_BASE: &str = "rv64i";

/// What the tree is to say.
#[derive(Clone, Debug)]
pub struct DeviceTree {
    /// Number of harts, from 0 up.
    pub harts: usize,
    /// Physical addresses of memory.
    pub memory: Range<u64>,
    /// Memory that the guest must leave alone: the hypervisor's.
    pub reserved: Option<Range<u64>>,
    /// The kernel's command line.
    pub bootargs: String,
    /// Where the initial RAM disk is.
    pub initrd: Option<Range<u64>>,
    /// What the guest's random numbers start from: equal seeds give equal trees.
    pub seed: u64,
    /// The largest paging mode: "riscv,sv39" or "riscv,sv48".
    pub mmu_type: String,
    /// The virtio slots that hold a device. The others are disabled: a driver has nothing to do there, but the slots answer, and
    /// a guest that looks into all of them is to find them wherever it runs.
    pub virtio_slots: Vec<usize>,
    /// What the harts have: what they lack is said to Ring -1, and not to a kernel, which sees no difference.
    pub features: Features,
    /// What visor is to do; in the tree that visor gets alone.
    pub visor: Option<VisorProperties>,
}

/// The properties of `/chosen` that are for visor (specification, 8.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisorProperties {
    /// `visa,mode`.
    pub mode: &'static str,
    /// `visa,kernel-entry`: physical address of the kernel's first instruction.
    pub kernel_entry: u64,
    /// `visa,guest-device-tree`: physical address of the tree that the kernel gets.
    pub guest_device_tree: u64,
}

/// Why a tree could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DeviceTreeError {
    /// A text has a NUL byte in it.
    #[error("{field} contains a NUL byte")]
    Nul {
        /// Which text: "bootargs" or "mmu_type".
        field: &'static str,
    },
    /// There is no such virtio slot.
    #[error("there is no virtio slot {slot}, only 0 to {}", VIRTIO_SLOTS - 1)]
    Slot {
        /// The number given.
        slot: usize,
    },
    /// The number of harts is zero or more than the PLIC has contexts for.
    #[error("a device tree describes 1 to {} harts, not {harts}", crate::board::HARTS_MAX)]
    Harts {
        /// The number given.
        harts: usize,
    },
    /// The writer refused.
    #[error("device tree: {0}")]
    Writer(#[from] Error),
}

impl DeviceTree {
    /// A tree for `harts` harts with `memory`, Sv48, an empty command line, no initial RAM disk and no disks.
    pub fn new(harts: usize, memory: Range<u64>) -> Self {
        Self {
            harts,
            memory,
            reserved: None,
            bootargs: String::new(),
            initrd: None,
            seed: 0,
            mmu_type: "riscv,sv48".into(),
            virtio_slots: Vec::new(),
            features: Features::default(),
            visor: None,
        }
    }

    /// The flattened tree.
    pub fn flatten(&self) -> Result<Vec<u8>, DeviceTreeError> {
        self.check()?;
        let mut writer = FdtWriter::new()?;
        let root = writer.begin_node("")?;
        writer.property_u32("#address-cells", 2)?;
        writer.property_u32("#size-cells", 2)?;
        writer.property_string("compatible", "visa,virt")?;
        writer.property_string("model", "visa-virt")?;
        self.chosen(&mut writer)?;
        self.memory(&mut writer)?;
        self.cpus(&mut writer)?;
        self.soc(&mut writer)?;
        power(&mut writer)?;
        writer.end_node(root)?;
        Ok(with_room(writer.finish()?))
    }

    fn check(&self) -> Result<(), DeviceTreeError> {
        for (field, text) in [("bootargs", &self.bootargs), ("mmu_type", &self.mmu_type)] {
            if text.contains('\0') {
                return Err(DeviceTreeError::Nul { field });
            }
        }
        if let Some(slot) = self.virtio_slots.iter().find(|slot| **slot >= VIRTIO_SLOTS) {
            return Err(DeviceTreeError::Slot { slot: *slot });
        }
        if self.harts == 0 || self.harts > crate::board::HARTS_MAX {
            return Err(DeviceTreeError::Harts { harts: self.harts });
        }
        Ok(())
    }

    fn chosen(&self, writer: &mut FdtWriter) -> Result<(), Error> {
        let node = writer.begin_node("chosen")?;
        if !self.bootargs.is_empty() {
            writer.property_string("bootargs", &self.bootargs)?;
        }
        let console = format!("/soc/{}", unit_name(region_of(DeviceRole::Console)));
        writer.property_string("stdout-path", &console)?;
        if let Some(initrd) = &self.initrd {
            writer.property_u64("linux,initrd-start", initrd.start)?;
            writer.property_u64("linux,initrd-end", initrd.end)?;
        }
        writer.property("rng-seed", &seed_bytes(self.seed))?;
        if let Some(visor) = &self.visor {
            writer.property_string("visa,mode", visor.mode)?;
            writer.property_u64("visa,kernel-entry", visor.kernel_entry)?;
            writer.property_u64("visa,guest-device-tree", visor.guest_device_tree)?;
        }
        writer.end_node(node)
    }

    fn memory(&self, writer: &mut FdtWriter) -> Result<(), Error> {
        let node = writer.begin_node(&format!("memory@{:x}", self.memory.start))?;
        writer.property_string("device_type", "memory")?;
        writer.property_array_u64("reg", &extent(&self.memory))?;
        writer.end_node(node)?;
        let Some(reserved) = &self.reserved else { return Ok(()) };
        let node = writer.begin_node("reserved-memory")?;
        writer.property_u32("#address-cells", 2)?;
        writer.property_u32("#size-cells", 2)?;
        writer.property_null("ranges")?;
        let hypervisor = writer.begin_node(&format!("hypervisor@{:x}", reserved.start))?;
        writer.property_array_u64("reg", &extent(reserved))?;
        writer.property_null("no-map")?;
        writer.end_node(hypervisor)?;
        writer.end_node(node)
    }

    fn cpus(&self, writer: &mut FdtWriter) -> Result<(), Error> {
        let node = writer.begin_node("cpus")?;
        writer.property_u32("#address-cells", 1)?;
        writer.property_u32("#size-cells", 0)?;
        writer.property_u32("timebase-frequency", TIMEBASE_HZ as u32)?;
        let missing: Vec<String> = self.features.missing().map(|feature| feature.name().into()).collect();
        if !missing.is_empty() {
            writer.property_string_list("visa,without", missing)?;
        }
        for hart in 0..self.harts as u32 {
            self.cpu(writer, hart)?;
        }
        writer.end_node(node)
    }

    fn cpu(&self, writer: &mut FdtWriter, hart: u32) -> Result<(), Error> {
        let node = writer.begin_node(&format!("cpu@{hart:x}"))?;
        writer.property_string("device_type", "cpu")?;
        writer.property_u32("reg", hart)?;
        writer.property_string("status", "okay")?;
        writer.property_string("compatible", "riscv")?;
        writer.property_string("mmu-type", &self.mmu_type)?;
        writer.property_string("riscv,isa", &extension::Plain.to_string())?;
        writer.property_string("riscv,isa-base", ISA_BASE)?;
        let extensions = extension::EXTENSIONS.map(|extension| extension.name.to_string());
        writer.property_string_list("riscv,isa-extensions", extensions.to_vec())?;
        let controller = writer.begin_node("interrupt-controller")?;
        writer.property_string("compatible", "riscv,cpu-intc")?;
        writer.property_u32("#address-cells", 0)?;
        writer.property_u32("#interrupt-cells", 1)?;
        writer.property_null("interrupt-controller")?;
        writer.property_phandle(HART_PHANDLE + hart)?;
        writer.end_node(controller)?;
        writer.end_node(node)
    }

    fn soc(&self, writer: &mut FdtWriter) -> Result<(), Error> {
        let node = writer.begin_node("soc")?;
        writer.property_string("compatible", "simple-bus")?;
        writer.property_u32("#address-cells", 2)?;
        writer.property_u32("#size-cells", 2)?;
        writer.property_null("ranges")?;
        for region in MEMORY_MAP {
            self.device(writer, region)?;
        }
        writer.end_node(node)
    }

    fn device(&self, writer: &mut FdtWriter, region: &Region) -> Result<(), Error> {
        let node = writer.begin_node(&unit_name(region))?;
        writer.property_array_u64("reg", &[region.base, region.size])?;
        if let Some(interrupt) = region.interrupt {
            writer.property_u32("interrupts", interrupt)?;
            writer.property_u32("interrupt-parent", PLIC_PHANDLE)?;
        }
        // What a device says of itself is the same whatever has happened to it.
        for property in (region.make)(self.harts).describe() {
            match property {
                Property::Flag(name) => writer.property_null(name)?,
                Property::Number(name, number) => writer.property_u32(name, number)?,
                Property::Texts(name, texts) => {
                    writer.property_string_list(name, texts.iter().map(|text| text.to_string()).collect())?;
                }
            }
        }
        match region.role {
            DeviceRole::Finisher => writer.property_phandle(FINISHER_PHANDLE)?,
            DeviceRole::InterruptController => self.contexts(writer)?,
            DeviceRole::VirtioSlot(slot) if !self.virtio_slots.contains(&slot) => {
                writer.property_string("status", "disabled")?;
            }
            DeviceRole::VirtioSlot(_) | DeviceRole::Console | DeviceRole::Plain => {}
        }
        writer.end_node(node)
    }

    /// How the interrupt controller is wired to the harts.
    fn contexts(&self, writer: &mut FdtWriter) -> Result<(), Error> {
        // Two contexts a hart, in the PLIC's order: Ring -1, Ring 0.
        let contexts: Vec<u32> = (0..self.harts as u32)
            .flat_map(|hart| {
                [HART_PHANDLE + hart, LOCAL_NONE, HART_PHANDLE + hart, LOCAL_SUPERVISOR_EXTERNAL]
            })
            .collect();
        writer.property_array_u32("interrupts-extended", &contexts)?;
        writer.property_phandle(PLIC_PHANDLE)
    }
}

/// Power-off and reboot through the finisher, for guests that do not ask the firmware.
fn power(writer: &mut FdtWriter) -> Result<(), Error> {
    for (name, value) in [("poweroff", FINISHER_PASS), ("reboot", FINISHER_RESET)] {
        let node = writer.begin_node(name)?;
        writer.property_string("compatible", &format!("syscon-{name}"))?;
        writer.property_u32("regmap", FINISHER_PHANDLE)?;
        writer.property_u32("offset", 0)?;
        writer.property_u32("value", value)?;
        writer.end_node(node)?;
    }
    Ok(())
}

/// Appends room to a tree, as its header's total size says, so that firmware can edit it where it lies.
fn with_room(mut blob: Vec<u8>) -> Vec<u8> {
    const TOTAL_SIZE: Range<usize> = 4..8;
    blob.resize(blob.len() + ROOM_BYTES, 0);
    let total = blob.len() as u32;
    blob[TOTAL_SIZE].copy_from_slice(&total.to_be_bytes());
    blob
}

fn unit_name(region: &Region) -> String {
    format!("{}@{:x}", region.name, region.base)
}

fn extent(range: &Range<u64>) -> [u64; 2] {
    [range.start, range.end.saturating_sub(range.start)]
}

/// Expands a seed with SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
fn seed_bytes(seed: u64) -> [u8; SEED_BYTES] {
    let mut state = seed;
    let mut bytes = [0; SEED_BYTES];
    for chunk in bytes.chunks_exact_mut(size_of::<u64>()) {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        chunk.copy_from_slice(&(mixed ^ mixed >> 31).to_le_bytes());
    }
    bytes
}
