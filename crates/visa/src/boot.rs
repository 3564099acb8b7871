//! `visa boot`: a kernel under visor.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clap::error::ErrorKind;
use visa_embed::{Image, Kernel, Mode, images};
use visa_machine::memory_map::RAM_BASE;

use crate::launch::{self, Built, Launch};
use crate::numbers::{number, size};
use crate::options::RunOptions;
use crate::symbols::Symbols;

/// What `--help` ends with.
pub const EXAMPLES: &str = "\
Modes:
  native       the kernel runs in Ring 0 as on bare metal: nothing is trapped and no second stage translates. Ring -1
               holds visor as firmware only. This is the speed limit.
  accelerated  the kernel runs in a virtual machine: visor in Ring -1 uses V-ISA's world switch, nested paging, trap
               filter and virtual interrupts. The same kernel, unmodified.
  software     the same, without any of that: visor runs in Ring 0 and the kernel in Ring 3, by trap-and-emulate and
               shadow page tables. What V-ISA is measured against. One hart.

Examples:
  visa boot --kernel Image --initrd initramfs.cpio.gz --append \"console=ttyS0\"
                              Linux in a virtual machine, with the terminal as its console
  visa boot --mode native --kernel Image --initrd initramfs.cpio.gz --json native.json --timeout 90
                              the same as on bare metal, no longer than 90 s, with a report
  printf 'uname -a\\npoweroff -f\\n' | visa boot --kernel Image --initrd initramfs.cpio.gz
                              a script on the console
  visa stat --kernel Image --initrd initramfs.cpio.gz --append \"console=ttyS0\"
                              the same with the exits by cause below the console, like boot --stat
  visa boot --engine lockstep --kernel Image --initrd initramfs.cpio.gz --timeout 600
  visa boot --engine checked --checked-share 10 --kernel Image --initrd initramfs.cpio.gz
                              the same on JIT and interpreter side by side; reports the first instruction that differs
  visa boot --kernel /usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin --disk path=disk.img
                              firmware that loads a kernel itself: Debian's U-Boot, of package u-boot-qemu
  visa boot --kernel Image --dump-dtb board.dtb
                              write the device tree that the kernel would get, and end

\"cargo xtask fetch-debian\" gets a kernel and an initial RAM disk.
On a terminal: Ctrl-A x quits, Ctrl-A c is the monitor, Ctrl-A h shows help.";

/// Boots a kernel under visor, the hypervisor, in a virtual machine or natively.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::HELP))]
pub struct Boot {
    /// How the kernel runs: native, accelerated or software (see below)
    #[arg(long, value_name = "MODE", value_parser = mode, default_value = "accelerated")]
    mode: Mode,
    /// The kernel: a Linux Image (gzip-compressed or not), an ELF or a flat binary
    #[arg(long, value_name = "FILE")]
    kernel: PathBuf,
    /// Where a flat binary goes, which then starts there [default: 0x80200000]; other kernels say it themselves
    #[arg(long, value_name = "ADDRESS", value_parser = load_address)]
    load_address: Option<u64>,
    /// The initial RAM disk
    #[arg(long, value_name = "FILE")]
    initrd: Option<PathBuf>,
    /// The kernel's command line
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    append: String,
    /// Memory that the kernel gets, a multiple of 2M; visor's 16 MiB come on top
    #[arg(short = 'm', value_name = "SIZE", value_parser = size, default_value = "256M", help_heading = "Machine")]
    memory: u64,
    /// Another hypervisor than the one that is built in
    #[arg(long, value_name = "FILE", help_heading = "Machine")]
    visor: Option<PathBuf>,
    /// Write the device tree that the kernel would get to FILE, and end without a run
    #[arg(long, value_name = "FILE", help_heading = "Debugging")]
    dump_dtb: Option<PathBuf>,
    #[command(flatten)]
    options: RunOptions,
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "native" => Ok(Mode::Native),
        "accelerated" => Ok(Mode::Accelerated),
        "software" => Ok(Mode::Software),
        _ => Err("the modes are native, accelerated and software".into()),
    }
}

/// An address at which instructions can be.
fn load_address(text: &str) -> Result<u64, String> {
    match number(text)? {
        address if address % 2 == 0 => Ok(address),
        address => Err(format!("{address:#x} is odd, and instructions are at even addresses")),
    }
}

impl Boot {
    /// The same with the table of exits.
    pub fn with_stat(mut self) -> Boot {
        self.options.stat = true;
        self
    }

    /// Options that do not go together.
    fn check(&self) -> Result<(), clap::Error> {
        let harts = self.options.smp;
        if self.mode == Mode::Software && harts > 1 {
            let text = format!("--mode software has one virtual CPU: it does not go with --smp {harts}\n");
            return Err(clap::Error::raw(ErrorKind::ArgumentConflict, text));
        }
        Ok(())
    }

    /// Does it.
    pub fn execute(self) -> anyhow::Result<u8> {
        self.check()?;
        let (launch, sink) = Launch::prepare(&self.options)?;
        let visor = match &self.visor {
            Some(path) => Image::File(path.clone()),
            None => images::visor()?,
        };
        let kernel = Kernel {
            load_address: self.load_address,
            initrd: self.initrd.clone().map(Image::File),
            append: self.append.clone(),
            ..Kernel::new(self.mode, Image::File(self.kernel.clone()), visor)
        };
        let disk_images = self.options.open_disks()?;
        let build = || {
            let (disks, changes) = self.options.disks(&disk_images);
            let instance = launch.machine(&self.options, self.memory, disks).kernel(kernel.clone())?;
            Ok(Built { instance, disks: changes })
        };
        let built = build()?;
        if let Some(path) = &self.dump_dtb {
            let written = std::fs::write(path, built.instance.device_tree());
            written.with_context(|| format!("--dump-dtb: cannot write {}", path.display()))?;
            return Ok(crate::exit::SUCCESS);
        }
        let visor_offset = RAM_BASE.wrapping_add(self.memory);
        let (image, visor) = (built.instance.image().clone(), built.instance.visor().cloned());
        let symbols = Symbols::of_kernel(image, visor, visor_offset);
        launch::finish((&launch, sink), built, &build, symbols, &self.options, self.mode.name())
    }
}
