//! The kernel in its unpacked package.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// What a kernel's package has.
pub struct Packaged {
    /// The kernel.
    image: PathBuf,
    /// The directory that its modules are below.
    pub modules: PathBuf,
}

impl Packaged {
    /// Finds both in a directory into which a package of this name was unpacked.
    pub fn find(unpacked: &Path, package: &str) -> Result<Packaged> {
        let release = package.strip_prefix("linux-image-").unwrap_or(package);
        let modules = ["usr/lib/modules", "lib/modules"]
            .map(|path| unpacked.join(path).join(release).join("kernel"))
            .into_iter()
            .find(|path| path.is_dir())
            .with_context(|| format!("the package {package} has no modules for {release}"))?;
        Ok(Packaged { image: unpacked.join("boot").join(format!("vmlinux-{release}")), modules })
    }

    /// Copies the kernel, and makes sure that it is a plain `Image`.
    pub fn keep_image(&self, to: &Path) -> Result<()> {
        keep(&self.image, to)?;
        check_is_image(to)
    }
}

/// Copies a file.
pub fn keep(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// A plain kernel `Image` has this at offset 0x38 ("Boot image header in RISC-V Linux" of the kernel's
/// documentation); a compressed EFI image would not.
fn check_is_image(kernel: &Path) -> Result<()> {
    const MAGIC_OFFSET: usize = 0x38;
    const MAGIC: &[u8] = b"RSC\x05";
    let bytes = fs::read(kernel)?;
    if bytes.get(MAGIC_OFFSET..MAGIC_OFFSET + MAGIC.len()) != Some(MAGIC) {
        bail!(
            "{}: not a plain riscv64 Image (no \"RSC\\x05\" at offset {MAGIC_OFFSET:#x})",
            kernel.display()
        );
    }
    Ok(())
}
