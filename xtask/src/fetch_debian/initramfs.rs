//! The initramfs: busybox, an /init of ours, and the kernel modules.

use super::cpio::Archive;
use super::modules;
use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use std::fs;
use std::io::Write;
use std::path::Path;

/// The first program that the kernel runs.
const INIT: &str = include_str!("init.sh");

/// Major and minor number of /dev/console and /dev/null (the kernel's `admin-guide/devices.txt`).
const CONSOLE: (u32, u32) = (5, 1);
const NULL: (u32, u32) = (1, 3);

/// The archive, compressed. The same input gives the same bytes.
pub fn build(busybox: &Path, module_directory: &Path) -> Result<Vec<u8>> {
    compress(&archive_of(INIT.as_bytes(), busybox, module_directory)?.finish())
}

/// An archive that more can be added to, with this /init, busybox and the modules.
pub fn archive_of(init: &[u8], busybox: &Path, module_directory: &Path) -> Result<Archive> {
    let mut archive = Archive::default();
    for directory in ["bin", "dev", "etc", "lib", "lib/modules", "mnt", "proc", "root", "run", "sys", "tmp"] {
        archive.directory(directory);
    }
    // The kernel opens the console for /init before anything is mounted on /dev.
    archive.character_device("dev/console", 0o600, CONSOLE);
    archive.character_device("dev/null", 0o666, NULL);
    archive.file("init", 0o755, init);
    archive.file("bin/busybox", 0o755, &read(busybox)?);
    archive.symlink("bin/sh", "busybox");
    add_modules(&mut archive, "lib/modules", module_directory)?;
    Ok(archive)
}

/// An archive of the modules alone, compressed, in `/modules` with their list.
pub fn build_modules(module_directory: &Path) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    archive.directory("modules");
    add_modules(&mut archive, "modules", module_directory)?;
    compress(&archive.finish())
}

/// Adds the modules and the list of their order to a directory of the archive.
fn add_modules(archive: &mut Archive, into: &str, module_directory: &Path) -> Result<()> {
    let order = read(&module_directory.join(modules::ORDER_FILE))?;
    for name in String::from_utf8_lossy(&order).lines() {
        let module = read(&module_directory.join(format!("{name}.ko")))?;
        archive.file(&format!("{into}/{name}.ko"), 0o644, &module);
    }
    archive.file(&format!("{into}/{}", modules::ORDER_FILE), 0o644, &order);
    Ok(())
}

/// An archive in gzip's format, without a time in it.
pub fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}; fetch again with --refresh", path.display()))
}
