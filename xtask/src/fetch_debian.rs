//! `cargo xtask fetch-debian`: an unmodified Debian kernel for riscv64, busybox, and an initramfs.
//!
//! Debian's packages are fetched by the machine's own apt with a configuration of its own beside the
//! system's, so nothing is installed and root is not needed. What comes out:
//!
//! | file | what it is |
//! |---|---|
//! | `Image` | the kernel, as the package `linux-image-riscv64` has it |
//! | `busybox` | the static busybox of the package `busybox-static` |
//! | `initramfs.cpio.gz` | busybox, an /init of ours, and the virtio modules of the kernel |
//! | `modules/` | those modules, unpacked |
//! | `modules.cpio.gz` | those modules alone, to be put behind another initramfs |
//! | `packages.txt` | the names and versions of the packages |

pub(crate) mod apt;
pub(crate) mod cpio;
pub(crate) mod initramfs;
pub(crate) mod kernel;
pub(crate) mod mirror;
pub(crate) mod modules;

use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// Fetch Debian's riscv64 kernel and busybox by apt, and make an initramfs
#[derive(clap::Args)]
pub struct Arguments {
    /// Where the files go [default: build/debian in the source tree]
    #[arg(long)]
    dir: Option<PathBuf>,

    /// A Debian mirror [default: the one that this machine's apt uses]
    #[arg(long)]
    mirror: Option<String>,

    /// The Debian release to take the packages from
    #[arg(long, default_value = "trixie")]
    suite: String,

    /// Fetch the packages again even if everything is there
    #[arg(long)]
    refresh: bool,
}

/// What has to be there before the initramfs can be made.
struct Parts {
    kernel: PathBuf,
    busybox: PathBuf,
    modules: PathBuf,
    versions: PathBuf,
}

impl Parts {
    fn in_directory(directory: &Path) -> Self {
        Self {
            kernel: directory.join("Image"),
            busybox: directory.join("busybox"),
            modules: directory.join("modules"),
            versions: directory.join("packages.txt"),
        }
    }

    /// `packages.txt` is written last, so it stands for a fetch that got to its end.
    fn complete(&self) -> bool {
        [&self.kernel, &self.busybox, &self.modules, &self.versions].iter().all(|part| part.exists())
    }
}

/// Runs the chore.
pub fn run(arguments: Arguments) -> Result<()> {
    let directory = arguments.dir.unwrap_or_else(|| workspace::root().join("build/debian"));
    process::create_directory(&directory)?;
    // apt's configuration needs absolute paths.
    let directory = directory.canonicalize().context("cannot resolve the directory")?;
    let parts = Parts::in_directory(&directory);
    if arguments.refresh || !parts.complete() {
        let mirror = match arguments.mirror {
            Some(uri) => mirror::Mirror::given(uri),
            None => mirror::Mirror::of_this_machine()?,
        };
        fetch(&directory, &parts, &mirror, &arguments.suite)?;
    }
    let archive = directory.join("initramfs.cpio.gz");
    let bytes = initramfs::build(&parts.busybox, &parts.modules)?;
    fs::write(&archive, bytes).with_context(|| format!("cannot write {}", archive.display()))?;
    let modules = directory.join("modules.cpio.gz");
    fs::write(&modules, initramfs::build_modules(&parts.modules)?)
        .with_context(|| format!("cannot write {}", modules.display()))?;
    print!("{}", fs::read_to_string(&parts.versions)?);
    for path in [&parts.kernel, &archive] {
        println!("{} ({} KiB)", path.display(), fs::metadata(path)?.len() / 1024);
    }
    Ok(())
}

/// Downloads the packages, unpacks them beside the result, and keeps what is wanted.
fn fetch(directory: &Path, parts: &Parts, mirror: &mirror::Mirror, suite: &str) -> Result<()> {
    let apt = apt::Apt::new(&directory.join("apt"), mirror, suite)?;
    eprintln!("fetching the package lists of {suite} for riscv64 from {}", mirror.uri);
    apt.update()?;
    let kernel_package = apt.dependency("linux-image-riscv64", "linux-image-")?;
    let packages = [kernel_package.as_str(), "busybox-static"];
    eprintln!("fetching {}", packages.join(" and "));
    let archives = apt.download(&packages)?;
    let unpacked = directory.join("unpacked");
    remove_directory(&unpacked)?;
    for archive in &archives {
        apt::unpack(archive, &unpacked)?;
    }

    let packaged = kernel::Packaged::find(&unpacked, &kernel_package)?;
    packaged.keep_image(&parts.kernel)?;
    let busybox = ["usr/bin/busybox", "bin/busybox"].map(|path| unpacked.join(path));
    let Some(busybox) = busybox.iter().find(|path| path.is_file()) else {
        bail!("the package busybox-static has no busybox in usr/bin or bin");
    };
    kernel::keep(busybox, &parts.busybox)?;
    remove_directory(&parts.modules)?;
    modules::collect(&packaged.modules, &modules::WANTED, &parts.modules)?;
    fs::write(&parts.versions, apt.versions(&packages)?)?;
    // Some 500 MB that nobody needs any more.
    remove_directory(&unpacked)?;
    remove_directory(&directory.join("apt"))
}

/// Removes a directory with what is in it, if it is there.
pub(crate) fn remove_directory(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}
