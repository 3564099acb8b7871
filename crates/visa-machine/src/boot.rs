//! From files to a machine that is ready to run: a program on the bare machine, or a kernel under visor.
//!
//! The boot of a kernel (specification, 8.1):
//!
//! ```text
//!  0x8000_0000 ┬ memory that the kernel is told of ─────────────┬─ visor's 16 MiB ─┐
//!              │ kernel at 2 MiB ...   initrd, device tree (top) │ image, tree      │
//! ```

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::board::{Board, BoardConfig, BoardError};
use crate::device_tree::{DeviceTree, DeviceTreeError, VisorProperties};
use crate::loader::{ImageBase, ImageKind, LoadError, LoadedImage, Loader};
use crate::machine::{Machine, TimeSource};
use crate::memory_map::RAM_BASE;
use visa_mem::Platform;
use visa_state::Features;

/// Memory that is visor's, above the kernel's, in bytes.
pub const VISOR_BYTES: u64 = 16 << 20;

/// How far above the start of memory a flat kernel goes that nobody has given another address: where RISC-V kernels and the
/// firmware that loads them are linked for.
pub const FLAT_KERNEL_OFFSET: u64 = 2 << 20;

/// The kernel's memory is a multiple of this, so that the second stage can map it with large pages.
pub const KERNEL_MEMORY_ALIGNMENT: u64 = 2 << 20;

/// How a kernel runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// In Ring 0 with nothing trapped and no second stage; Ring -1 holds the firmware.
    Native,
    /// In a VM under visor.
    Accelerated,
    /// In Ring 3 under visor in Ring 0, without V-ISA's virtualization.
    Software,
    /// In visor's demonstration.
    Demo,
}

impl Mode {
    /// The name in the device tree, in JSON and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Native => "native",
            Mode::Accelerated => "accelerated",
            Mode::Software => "software",
            Mode::Demo => "demo",
        }
    }

    /// The largest paging mode that the kernel is told of. The software-only hypervisor keeps the rest of Sv48's
    /// addresses for itself.
    const fn mmu_type(self) -> &'static str {
        match self {
            Mode::Software => "riscv,sv39",
            Mode::Native | Mode::Accelerated | Mode::Demo => "riscv,sv48",
        }
    }
}

/// Why a machine could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The board.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// An image.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The device tree.
    #[error(transparent)]
    DeviceTree(#[from] DeviceTreeError),
    /// An address was given for a kernel that has its own.
    #[error("the kernel is {}, which says itself where it goes: {address:#x} is for a flat binary", kind.name())]
    LoadAddress {
        /// The address given.
        address: u64,
        /// What the kernel is.
        kind: ImageKind,
    },
    /// The software-only mode has one virtual CPU.
    #[error("the software-only mode runs its guest on one hart, not on {harts}")]
    SoftwareHarts {
        /// The number asked for.
        harts: usize,
    },
    /// The memory's size.
    #[error(
        "the kernel's memory must be a multiple of {KERNEL_MEMORY_ALIGNMENT:#x} bytes and not 0, not {bytes:#x}"
    )]
    MemorySize {
        /// The size given.
        bytes: u64,
    },
}

/// An image: a file, or bytes that are part of the program.
#[derive(Clone, Debug)]
pub enum Image {
    /// A file.
    File(PathBuf),
    /// Bytes, with a name for messages.
    Bytes(Cow<'static, str>, Cow<'static, [u8]>),
}

impl Image {
    fn load(&self, loader: &mut Loader<'_>, base: ImageBase) -> Result<LoadedImage, LoadError> {
        match self {
            Image::File(path) => loader.load_image(path, base),
            Image::Bytes(name, bytes) => loader.load_image_bytes(name, bytes, base),
        }
    }

    fn load_initrd(&self, loader: &mut Loader<'_>, limit: u64) -> Result<Range<u64>, LoadError> {
        match self {
            Image::File(path) => loader.load_initrd(path, limit),
            Image::Bytes(name, bytes) => loader.load_high(name, "initial RAM disk", bytes, limit),
        }
    }
}

/// What a kernel boot needs.
#[derive(Clone, Debug)]
pub struct KernelBoot {
    /// How it runs.
    pub mode: Mode,
    /// The kernel.
    pub kernel: Image,
    /// Physical address for a kernel that is a flat binary; [`FLAT_KERNEL_OFFSET`] above the start of memory by default. Other
    /// kernels say themselves where they go.
    pub load_address: Option<u64>,
    /// The initial RAM disk.
    pub initrd: Option<Image>,
    /// The kernel's command line.
    pub append: String,
    /// Memory that the kernel is told of, in bytes.
    pub memory_bytes: u64,
    /// What random numbers start from.
    pub seed: u64,
    /// visor.
    pub visor: Image,
}

/// A machine with what was loaded into it.
pub struct Ready {
    /// The machine, after reset.
    pub machine: Machine,
    /// The kernel, or the program.
    pub image: LoadedImage,
    /// visor, for a kernel boot.
    pub visor: Option<LoadedImage>,
    /// The device tree that the kernel, or the program, gets.
    pub device_tree: Vec<u8>,
}

/// What both kinds of boot need of the board.
#[derive(Clone, Debug)]
pub struct Hardware {
    /// Number of harts.
    pub harts: usize,
    /// What the real-time clock shows at the start, in nanoseconds since the Unix epoch.
    pub start_time_ns: u64,
    /// Where time comes from.
    pub time: TimeSource,
    /// What the harts have.
    pub features: Features,
}

impl Hardware {
    /// A board with RAM of a size; disks can be attached to it before it is handed to one of the functions below.
    pub fn board(&self, ram_bytes: u64) -> Result<Board, BoardError> {
        Board::new(&BoardConfig { ram_bytes, harts: self.harts, start_time_ns: self.start_time_ns })
    }
}

/// Bytes of RAM of a machine that boots a kernel with so much memory.
pub fn ram_bytes_for_kernel(memory_bytes: u64) -> Result<u64, BootError> {
    let sound = memory_bytes != 0 && memory_bytes.is_multiple_of(KERNEL_MEMORY_ALIGNMENT);
    sound
        .then(|| memory_bytes.checked_add(VISOR_BYTES))
        .flatten()
        .ok_or(BootError::MemorySize { bytes: memory_bytes })
}

/// A program on the bare machine: it starts in Ring -1. A flat binary goes to the start of RAM.
pub fn bare(hardware: &Hardware, board: Board, program: &Path, seed: u64) -> Result<Ready, BootError> {
    bare_with(hardware, board, seed, |loader| loader.load_image(program, ImageBase::at(RAM_BASE)))
}

/// The same with a program that is in memory already. `name` is what errors call it.
pub fn bare_bytes(
    hardware: &Hardware,
    board: Board,
    name: &str,
    program: &[u8],
    seed: u64,
) -> Result<Ready, BootError> {
    bare_with(hardware, board, seed, |loader| loader.load_image_bytes(name, program, ImageBase::at(RAM_BASE)))
}

/// The same with an image.
pub fn program(hardware: &Hardware, board: Board, program: &Image, seed: u64) -> Result<Ready, BootError> {
    bare_with(hardware, board, seed, |loader| program.load(loader, ImageBase::at(RAM_BASE)))
}

fn bare_with(
    hardware: &Hardware,
    board: Board,
    seed: u64,
    load: impl FnOnce(&mut Loader<'_>) -> Result<LoadedImage, LoadError>,
) -> Result<Ready, BootError> {
    let ram = board.ram();
    let mut loader = Loader::new(ram);
    let image = load(&mut loader)?;
    let tree = DeviceTree {
        seed,
        virtio_slots: board.virtio_slots(),
        features: hardware.features,
        ..DeviceTree::new(board.harts(), RAM_BASE..ram.end())
    };
    let device_tree = tree.flatten()?;
    let placed = loader.load_high("device tree", "device tree", &device_tree, ram.end())?;
    let mut machine = Machine::new(board, image.entry, placed.start, hardware.time.clone());
    machine.set_features(hardware.features);
    Ok(Ready { machine, image, visor: None, device_tree })
}

/// A kernel under visor. The board's RAM must be [`ram_bytes_for_kernel`].
pub fn kernel(hardware: &Hardware, board: Board, boot: &KernelBoot) -> Result<Ready, BootError> {
    if boot.mode == Mode::Software && board.harts() != 1 {
        return Err(BootError::SoftwareHarts { harts: board.harts() });
    }
    let memory = RAM_BASE..RAM_BASE + boot.memory_bytes;
    let ram = board.ram();
    let mut loader = Loader::new(ram);
    let visor_base = ImageBase { elf_offset: memory.end, ..ImageBase::at(memory.end) };
    let visor = boot.visor.load(&mut loader, visor_base)?;
    let flat = boot.load_address.unwrap_or(memory.start + FLAT_KERNEL_OFFSET);
    let kernel = boot.kernel.load(&mut loader, ImageBase { flat, ..ImageBase::at(memory.start) })?;
    if let Some(address) = boot.load_address
        && kernel.kind != ImageKind::Flat
    {
        return Err(BootError::LoadAddress { address, kind: kernel.kind });
    }
    let initrd = match &boot.initrd {
        Some(image) => Some(image.load_initrd(&mut loader, memory.end)?),
        None => None,
    };
    let guest_tree = DeviceTree {
        bootargs: boot.append.clone(),
        initrd,
        seed: boot.seed,
        virtio_slots: board.virtio_slots(),
        mmu_type: boot.mode.mmu_type().into(),
        ..DeviceTree::new(board.harts(), memory.clone())
    };
    let device_tree = guest_tree.flatten()?;
    let guest_tree_at = loader.load_high("device tree", "device tree", &device_tree, memory.end)?;
    let visor_tree = DeviceTree {
        memory: RAM_BASE..ram.end(),
        reserved: Some(memory.end..ram.end()),
        features: hardware.features,
        visor: Some(VisorProperties {
            mode: boot.mode.name(),
            kernel_entry: kernel.entry,
            guest_device_tree: guest_tree_at.start,
        }),
        ..guest_tree
    };
    let visor_tree_at =
        loader.load_high("visor's device tree", "device tree", &visor_tree.flatten()?, ram.end())?;
    let mut machine = Machine::new(board, visor.entry, visor_tree_at.start, hardware.time.clone());
    machine.set_features(hardware.features);
    Ok(Ready { machine, image: kernel, visor: Some(visor), device_tree })
}
