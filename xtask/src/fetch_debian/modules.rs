//! Kernel modules: finds the wanted ones in Debian's package, with what they depend on, and unpacks them.

use crate::process;
use anyhow::{Context, Result, bail};
use object::{Object, ObjectSection};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules that a V-ISA machine's devices need.
pub const WANTED: [&str; 2] = ["virtio_mmio", "virtio_blk"];

/// The file that lists the collected modules in an order in which they can be loaded.
pub const ORDER_FILE: &str = "order";

/// Puts the `wanted` modules and all that they depend on, uncompressed, into the directory `into`.
pub fn collect(tree: &Path, wanted: &[&str], into: &Path) -> Result<()> {
    process::create_directory(into)?;
    let mut files = BTreeMap::new();
    find(tree, &mut files)?;
    let mut order = Vec::new();
    for name in wanted {
        add(name, &files, into, &mut order)?;
    }
    let order: String = order.iter().map(|name| format!("{name}\n")).collect();
    fs::write(into.join(ORDER_FILE), order)?;
    Ok(())
}

/// Adds a module after the modules that it depends on; the depth of that tree bounds the recursion, and the
/// kernel's build refuses cycles.
fn add(name: &str, files: &BTreeMap<String, PathBuf>, into: &Path, order: &mut Vec<String>) -> Result<()> {
    if order.iter().any(|done| done == name) {
        return Ok(());
    }
    let path = files.get(name).with_context(|| format!("the kernel's package has no module {name}"))?;
    let module = read(path)?;
    for dependency in dependencies(&module).with_context(|| format!("{}", path.display()))? {
        add(&dependency, files, into, order)?;
    }
    fs::write(into.join(format!("{name}.ko")), &module)?;
    order.push(name.to_owned());
    Ok(())
}

/// All modules below a directory by name; in names, `-` and `_` are the same.
fn find(directory: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            find(&path, files)?;
        } else if let Some((name, "ko" | "ko.xz")) = entry.file_name().to_string_lossy().split_once('.') {
            files.insert(name.replace('-', "_"), path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if path.extension().is_none_or(|extension| extension != "xz") {
        return Ok(bytes);
    }
    let mut module = Vec::new();
    match lzma_rs::xz_decompress(&mut bytes.as_slice(), &mut module) {
        Ok(()) => Ok(module),
        Err(error) => bail!("{}: cannot decompress: {error:?}", path.display()),
    }
}

/// The `depends=` entry of a module's `.modinfo`: names separated by commas.
fn dependencies(module: &[u8]) -> Result<Vec<String>> {
    let file = object::File::parse(module).context("not an ELF file")?;
    let section = file.section_by_name(".modinfo").context("no section .modinfo")?;
    let depends = section
        .data()?
        .split(|&byte| byte == 0)
        .find_map(|entry| entry.strip_prefix(b"depends="))
        .context("no `depends=` in .modinfo")?;
    let names = String::from_utf8_lossy(depends);
    Ok(names.split(',').filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect())
}
