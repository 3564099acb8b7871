//! What a machine is made of.

use visa_devices::{BlockBackend, DiskAccess, MemoryBackend};
use visa_machine::board::{Board, BoardError};
use visa_machine::boot::{self, BootError, Hardware, Image, KernelBoot, Mode};
use visa_machine::machine::{EngineKind, TimeSource};
use visa_state::Features;

use crate::instance::Instance;

/// What a machine is made of, whatever it runs. [`MachineOptions::default`] is a hart with 16 MiB, the interpreter, and time from instructions:
/// the same run each time, on every host.
pub struct MachineOptions {
    /// Number of harts, 1 to [`visa_machine::board::HARTS_MAX`].
    pub harts: usize,
    /// Bytes of RAM: for [`MachineOptions::program`] all of it, in whole pages of 4 KiB; for [`MachineOptions::kernel`] what the kernel is told of,
    /// a multiple of 2 MiB, to which visor's 16 MiB are added.
    pub memory_bytes: u64,
    /// What executes the instructions; the results are the same.
    pub engine: EngineKind,
    /// What the harts have.
    pub features: Features,
    /// Where time comes from. A clock is brought from outside; without one, a nanosecond is a retired instruction.
    pub time: TimeSource,
    /// What the real-time clock shows at the start, in nanoseconds since the Unix epoch.
    pub start_time_ns: u64,
    /// What the guest's random numbers start from.
    pub seed: u64,
    /// The disks, in the order of their virtio slots: at most [`visa_machine::memory_map::VIRTIO_SLOTS`].
    pub disks: Vec<Disk>,
}

impl Default for MachineOptions {
    fn default() -> Self {
        MachineOptions {
            harts: 1,
            memory_bytes: 16 << 20,
            engine: EngineKind::Interpreter,
            features: Features::default(),
            time: TimeSource::Instructions,
            start_time_ns: 0,
            seed: 0,
            disks: Vec::new(),
        }
    }
}

/// A disk.
pub struct Disk {
    /// What it says when it is asked who it is: of this, the first 20 bytes.
    pub identifier: String,
    /// What it holds.
    pub backend: Box<dyn BlockBackend>,
}

impl Disk {
    /// A disk in memory. A last sector (512 bytes) that is not whole is filled up with zeros. A [`crate::Snapshot`] has what it holds.
    pub fn in_memory(identifier: &str, contents: Vec<u8>, access: DiskAccess) -> Disk {
        let backend = MemoryBackend::new(contents, access);
        Disk { identifier: identifier.into(), backend: Box::new(backend) }
    }
}

/// A kernel, and what it is booted with.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// How it runs.
    pub mode: Mode,
    /// The kernel: a Linux `Image` (gzip-compressed or not), an ELF, or a flat binary.
    pub image: Image,
    /// Physical address for a flat binary; 2 MiB above the start of memory if it is not said.
    pub load_address: Option<u64>,
    /// The initial RAM disk.
    pub initrd: Option<Image>,
    /// The kernel's command line.
    pub append: String,
    /// visor: [`crate::images::visor`], or another one.
    pub visor: Image,
}

impl Kernel {
    /// A kernel with an empty command line and no initial RAM disk.
    pub fn new(mode: Mode, image: Image, visor: Image) -> Kernel {
        Kernel { mode, image, load_address: None, initrd: None, append: String::new(), visor }
    }
}

impl MachineOptions {
    /// A machine that is about to run a program in Ring -1: an ELF that is linked for RAM, or a flat binary, which goes to the start of
    /// RAM (0x8000_0000) and starts there. R10 is the hart's number, R11 the address of the device tree.
    ///
    /// # Errors
    ///
    /// The program does not fit, is no program, or the options are impossible.
    pub fn program(self, program: &Image) -> Result<Instance, BootError> {
        let (hardware, seed, engine) = (self.hardware(), self.seed, self.engine);
        let board = {
            let ram_bytes = self.memory_bytes;
            self.board(&hardware, ram_bytes)?
        };
        Ok(Instance::new(boot::program(&hardware, board, program, seed)?, engine))
    }

    /// A machine that is about to boot a kernel.
    ///
    /// # Errors
    ///
    /// An image does not fit or is none, or the options are impossible.
    pub fn kernel(self, kernel: Kernel) -> Result<Instance, BootError> {
        let ram_bytes = boot::ram_bytes_for_kernel(self.memory_bytes)?;
        let Kernel { mode, image, load_address, initrd, append, visor } = kernel;
        let (memory_bytes, seed) = (self.memory_bytes, self.seed);
        let boot =
            KernelBoot { mode, kernel: image, load_address, initrd, append, memory_bytes, seed, visor };
        let (hardware, engine) = (self.hardware(), self.engine);
        let board = self.board(&hardware, ram_bytes)?;
        Ok(Instance::new(boot::kernel(&hardware, board, &boot)?, engine))
    }

    fn hardware(&self) -> Hardware {
        Hardware {
            harts: self.harts,
            start_time_ns: self.start_time_ns,
            time: self.time.clone(),
            features: self.features,
        }
    }

    fn board(self, hardware: &Hardware, ram_bytes: u64) -> Result<Board, BoardError> {
        let mut board = hardware.board(ram_bytes)?;
        for disk in self.disks {
            board.attach_disk(disk.backend, &disk.identifier)?;
        }
        Ok(board)
    }
}
